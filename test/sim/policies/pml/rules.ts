import type { PeerId } from '../../../../peer-core/src/core/messages.ts'
import type { Dice } from '../../random.ts'
import type { Segment } from '../../stream.ts'

/** What one version of p2p-media-loader decides; everything else is one and the same loader (`loader.ts`). */
export interface Rules {
  /** Looks again at everything missing: on each event, and at least once a second by playback. */
  pass(view: View): readonly Decision[]
  /** HTTP prefetching that runs by a timer of its own. */
  prefetch(view: View): readonly Decision[]
  /** How long until that timer runs again. */
  prefetchAfterMs(neighbours: number, dice: Dice): number
  /** Neighbours to let go of, looked at every 30 s. */
  prune(neighbours: readonly Neighbour[], now: number): readonly PeerId[]
}

/** One viewer and one track at one moment. */
export interface View {
  readonly now: number
  readonly self: PeerId
  readonly playheadMs: number
  /** Buffered ahead of the playhead. */
  readonly bufferMs: number
  readonly neighbours: readonly PeerId[]
  /** Grows when somebody comes or goes. */
  readonly neighboursVersion: number
  /** What the player waits for. */
  readonly requested: Segment | null
  /** Missing segments from the one requested last to the end of the playlist, in order. */
  readonly missing: readonly Missing[]
  /** Bytes a second that HTTP gave over the last `windowMs`; 0: not measured. */
  httpBps(windowMs: number): number
  /** Moving average of the sizes of this track's segments, weight 0.3; 0: none came yet. */
  readonly typicalBytes: number
  /** Under a tenth of the store is free. */
  readonly storeIsFull: boolean
}

export type Source = 'http' | 'p2p'

export interface Missing {
  readonly segment: Segment
  readonly loading: Source | null
  /** HTTP failed as often as it may. */
  readonly isSpent: boolean
  /** A neighbour has it or fetches it over HTTP. */
  isAnnounced(): boolean
  /** Neighbours that hold it and give nothing now. */
  holders(): readonly Holder[]
}

export interface Holder {
  readonly peer: PeerId
  /** Bytes a second it gave; 0: not measured. */
  readonly bps: number
}

export interface Neighbour extends Holder {
  readonly connectedAt: number
  readonly isBusy: boolean
}

export type Decision =
  /** Over HTTP, from where the copy now stops: a P2P copy in flight is ended and its bytes are kept. */
  | { readonly type: 'http'; readonly segment: Segment }
  | { readonly type: 'p2p'; readonly segment: Segment; readonly peer: PeerId }
  /** Ended; what came is lost unless it starts again in the same pass. */
  | { readonly type: 'abort'; readonly segment: Segment }
