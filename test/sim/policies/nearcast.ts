import type { CoreConfig } from '../../../peer-core/src/core/config.ts'
import type { Core } from '../../../peer-core/src/core/events.ts'
import type { PeerId } from '../../../peer-core/src/core/messages.ts'
import { createHost, type Watcher } from '../host.ts'
import type { Policy } from '../policy.ts'
import type { Scenario } from '../scenario.ts'

interface CoreSeat {
  readonly self: PeerId
  readonly seed: number
  readonly config: Partial<CoreConfig>
}

export type CoreFactory = (seat: CoreSeat) => Core

/** Real cores, each in a simulated host. Tests give a broken factory to see the invariants fail. */
export function nearcastPolicy(
  createCore: CoreFactory,
  watcher: Watcher,
  scenario: Scenario,
  config: Partial<CoreConfig> = {},
): Policy {
  return {
    name: 'nearcast',
    peers: true,
    createAgent(surroundings) {
      const { id, dice } = surroundings.station
      return createHost(
        createCore({ self: id, seed: dice.seed(), config: { ...config, storeBytes: scenario.storeBytes } }),
        surroundings,
        watcher,
      )
    },
  }
}
