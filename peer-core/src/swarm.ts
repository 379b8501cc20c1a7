import type {
  EdgeReason,
  Integrity,
  Note,
  Origin,
  Place,
  Policy,
  SegmentKey,
  TrackPath,
  Urgency,
  WindowEntry,
} from './core/events.ts'
import type { Mode, PeerId } from './core/messages.ts'
import type { LinkStats, MeshState } from './ports.ts'

/** A window entry with what only the shell needs: where the edge has it. */
export interface SegmentSource extends WindowEntry {
  /** Absolute URL, freshest token included. */
  readonly url: string
  /** Byte range of the resource `[from, to)`, or null for the whole of it. */
  readonly range: { readonly from: number; readonly to: number } | null
  /** Absolute URL of the block-hash list named by `root`, or ''. */
  readonly hashesUrl: string
}

export interface RequestOptions {
  /** When the player needs the last byte, ms from now; ≤ 0 at once. */
  readonly deadlineMs: number
  readonly urgency: Urgency
  readonly signal: AbortSignal
  /** Headers that the player set on this load; forwarded to the edge, never part of the key. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes present so far and the whole (0 unknown). */
  readonly onProgress?: (loaded: number, total: number) => void
}

/** A whole segment and how it came. `bytes` is the receiver's own copy. */
export interface Delivery {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly origin: Origin
  readonly edgeBytes: number
  readonly groupBytes: number
  readonly outsideBytes: number
  /** Bytes a second at which the edge fed whoever fetched it; 0 unknown. */
  readonly edgeBps: number
  readonly verified: boolean
}

export interface PlayerPosition {
  readonly mediaMs: number
  readonly bufferMs: number
  readonly rate: number
  readonly paused: boolean
  readonly hidden: boolean
  readonly tracks: readonly TrackPath[]
  readonly goalMs: number
}

export interface PeerSnapshot {
  readonly id: PeerId
  readonly place: Place
  readonly mode: Mode
  readonly rttMs: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly route: LinkStats | null
  readonly connectedAt: number
}

/** One segment's story, for timelines. */
export interface SegmentSnapshot {
  readonly key: SegmentKey
  readonly track: TrackPath
  readonly seq: number
  readonly startMs: number
  readonly durationMs: number
  readonly size: number
  readonly edgeBytes: number
  readonly groupBytes: number
  readonly outsideBytes: number
  readonly state: 'arriving' | 'held' | 'evicted'
  readonly verified: boolean
  readonly delivered: boolean
}

export interface EdgeFetchSnapshot {
  readonly key: SegmentKey
  readonly what: 'media' | 'hashes'
  readonly from: number
  readonly to: number
  readonly reason: EdgeReason
  readonly bytes: number
  readonly at: number
  readonly state: 'open' | 'done' | 'failed' | 'aborted'
}

export interface SwarmSnapshot {
  readonly self: PeerId
  readonly mode: Mode
  readonly policy: Policy
  readonly bytes: {
    /** Media bodies that this viewer took from the edge. */
    readonly edge: number
    /** Media from peers of the group, and from outside it, all that arrived. */
    readonly group: number
    readonly outside: number
    /** Media given to others: what left, not what they took back while it waited. */
    readonly uploaded: number
    /** Of what edge and peers brought: what came more than once, or when it was no longer waited for. */
    readonly duplicate: number
    /** Block-hash lists, from edge and peers. */
    readonly digests: number
    /** Messages of the wire that are no media. */
    readonly control: number
    /** Bytes handed to the player. */
    readonly delivered: number
  }
  readonly peers: readonly PeerSnapshot[]
  /** The most recent segments, oldest first, at most 200. */
  readonly segments: readonly SegmentSnapshot[]
  /** The most recent edge fetches, oldest first, at most 200. */
  readonly edgeFetches: readonly EdgeFetchSnapshot[]
  readonly verification: {
    readonly integrity: Integrity
    /** Whether the publisher's digests were seen. */
    readonly digests: 'present' | 'absent' | 'unknown'
    readonly hasher: string
    readonly verifiedBytes: number
    readonly unverifiedBytes: number
    readonly banned: number
  }
  readonly mesh: MeshState
  readonly now: number
}

export interface SwarmEvents {
  segment: SegmentSnapshot
  edge: EdgeFetchSnapshot
  peer: { readonly id: PeerId; readonly state: 'joined' | 'left' | 'banned'; readonly reason: string }
  policy: Policy
  note: Note
}

/** What a player's plugin, the headless peer and the tests talk to. Made by `createSwarm`. */
export interface Swarm {
  /** Names the segments that a playlist lists now. Keys not seen before become known; old ones stay servable. */
  setWindow(track: TrackPath, live: boolean, entries: readonly SegmentSource[]): void
  setPosition(position: PlayerPosition): void
  /** Ends in the whole segment, or rejects with a `SwarmError`; aborting rejects with reason `aborted`. */
  request(track: TrackPath, key: SegmentKey, options: RequestOptions): Promise<Delivery>
  /** Site owner's stance; the tracker's policy may only restrict it further. */
  setMode(mode: Mode): void
  snapshot(): SwarmSnapshot
  /** Refreshes `route` of every peer from getStats; resolves when done. */
  refreshStats(): Promise<void>
  on<K extends keyof SwarmEvents>(event: K, listener: (value: SwarmEvents[K]) => void): () => void
  /** Everything that went into the core since start, one JSON value a line (see core/trace.ts); '' unless `trace: true`. */
  trace(): string
  close(): Promise<void>
}

/** `reason` is a literal; `cause` whatever lies beneath. */
export class SwarmError extends Error {
  readonly reason: string
  constructor(reason: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'SwarmError'
    this.reason = reason
  }
}
