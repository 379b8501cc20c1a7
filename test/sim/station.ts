import type { PeerId } from '../../peer-core/src/core/messages.ts'
import type { Clock } from './clock.ts'
import type { Dice } from './random.ts'
import type { Access, Site } from './site.ts'

/**
 * How this peer treats others. `slow`: a fifth of the stream's rate upwards. `silent`: takes requests and answers
 * nothing. `lying`: its bytes are wrong.
 */
export type Conduct = 'honest' | 'slow' | 'silent' | 'lying'

/** One viewer's machine: where it stands in the world, whatever software runs on it. */
export interface Station {
  readonly index: number
  readonly id: PeerId
  readonly site: Site
  readonly access: Access
  readonly conduct: Conduct
  readonly mode: 'share' | 'leech'
  readonly clock: Clock
  readonly dice: Dice
  readonly joinedAt: number
  /** Its own monotonic clock differs from the world's by this, as two pages' `performance.now()` do. */
  readonly clockOffsetMs: number
  /** And its media timeline from the stream's, as each page starts a live stream at its own zero. */
  readonly mediaOffsetMs: number
  alive: boolean
}
