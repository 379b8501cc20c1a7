import type {
  Delivery,
  EdgeFetchSnapshot,
  Mode,
  Note,
  Policy,
  SegmentSnapshot,
  SwarmEvents,
  TrackPath,
} from '@nearcast/peer-core'
import type { NearcastSnapshot } from './accounts.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { PlainReason } from './plain.ts'
import type { NearcastState } from './state.ts'

export interface NearcastEvents {
  state: NearcastState
  /** A segment was handed to the player, and how it came. */
  delivery: {
    readonly url: string
    readonly type: string
    readonly track: TrackPath
    readonly seq: number | 'initSegment'
    readonly bytes: number
    readonly delivery: Omit<Delivery, 'bytes'>
  }
  /** A segment was loaded by the player itself. */
  plain: { readonly url: string; readonly type: string; readonly reason: PlainReason; readonly bytes: number }
  /** Something of ours failed; playback went on without it. */
  warning: { readonly reason: string; readonly message: string; readonly cause: unknown }
  segment: SegmentSnapshot
  edge: EdgeFetchSnapshot
  peer: SwarmEvents['peer']
  policy: Policy
  note: Note
}

/** Spread into `new Hls({ … })`. Fields that hls.js types by its own classes are opaque here. */
export interface NearcastHlsConfig {
  readonly fLoader: never
  readonly fpsController: never
  /** hls.js would bypass any loader in its streaming mode. */
  readonly progressive: false
}

export interface Nearcast {
  /** The part of the player's configuration that is ours. One player at a time. */
  hlsConfig(): NearcastHlsConfig
  /** The same for a player that exists; before `loadSource` every segment is covered. Returns the player. */
  attach<Player extends object>(hls: Player): Player
  on<K extends keyof NearcastEvents>(event: K, listener: (value: NearcastEvents[K]) => void): () => void
  snapshot(): NearcastSnapshot
  /** Fills in the peers' routes and round trips first. */
  diagnose(): Promise<Diagnosis>
  setMode(mode: Mode): void
  /** What the scheduler was told since this content began, one JSON value a line; '' unless `trace` is set. */
  trace(): string
  /** Closes every connection; the player goes on by itself. May be called twice. */
  destroy(): Promise<void>
}
