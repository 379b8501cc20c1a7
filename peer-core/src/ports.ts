import type { EdgeFailure, Place, Policy, SegmentKey, TrackPath, WindowEntry } from './core/events.ts'
import type { Hello, Mode, PeerId, PeerMessage } from './core/messages.ts'

/** Monotonic milliseconds and one timer. */
export interface Clock {
  now(): number
  /** Calls `fire` once at or soon after `at`; a later call replaces an earlier one. Returns a disarm. */
  arm(at: number, fire: () => void): () => void
}

/** How a link runs, from getStats: which candidates won and what a round trip costs. */
export interface LinkStats {
  /**
   * `host`, `srflx`, `prflx` or `relay`, for each side; `public`: hosts that need no NAT and share no network; 'unknown'
   * when the platform does not say.
   */
  readonly local: string
  readonly remote: string
  readonly rttMs: number
}

/**
 * An established, authenticated-by-handshake connection to one peer that speaks our messages.
 * `send` never throws; after close it does nothing. Control overtakes pieces that still wait in the link.
 */
export interface Link {
  readonly peer: PeerId
  /** `payload` is required for `piece` and `hashes` and must have exactly the announced length. */
  send(message: PeerMessage, payload?: Uint8Array): void
  /** Bytes of ours not yet handed to the network. */
  queuedBytes(): number
  /** Media of ours that left for the network: a piece taken back while it waited is none. */
  sentBytes(): number
  /** Bytes both ways that were no media: messages, hashes and framing. */
  controlBytes(): number
  /** Attach the receiver. Messages that came before are buffered, in order. */
  listen(events: LinkEvents): void
  stats(): Promise<LinkStats | null>
  close(reason: string): void
}

export interface LinkEvents {
  /** A valid message; `payload` for `piece` and `hashes`. The view may be kept: it pins no larger buffer. */
  onMessage(message: PeerMessage, payload?: Uint8Array): void
  /** `queuedBytes` fell below half of the channel's allowance. */
  onDrained(queuedBytes: number): void
  /** Once. `reason` is a short literal such as `remote-closed`, `ice-failed`, `protocol-error`. */
  onClose(reason: string): void
}

/** Why there may be no peers; what `diagnose()` is made of. */
export interface MeshState {
  readonly tracker: 'connecting' | 'open' | 'lost' | 'off' | 'refused'
  readonly trackerError: string | null
  readonly group: { readonly label: string; readonly level: string; readonly size: number } | null
  /** Dials since start, by result. `ice-failed` after candidates were exchanged, `no-answer` before. */
  readonly dials: {
    readonly started: number
    readonly open: number
    readonly iceFailed: number
    readonly noAnswer: number
    readonly protocolError: number
  }
  /** Local candidate types seen: 'host', 'mdns', 'srflx', 'relay'. */
  readonly candidates: readonly string[]
  readonly webrtc: boolean
}

export interface MeshEvents {
  onLink(link: Link, hello: Hello, place: Place): void
  /** Pushed by the tracker at run time, site policy included; partial. */
  onPolicy(policy: Partial<Policy>): void
  onState(state: MeshState): void
}

/** Finds peers of one swarm and keeps one link to each. */
export interface Mesh {
  open(events: MeshEvents): void
  setMode(mode: Mode): void
  /** Never again this session: it lied. */
  ban(peer: PeerId): void
  /** Child links that our uplink can feed, for the tracker. */
  setCapacity(childLinks: number): void
  /** Makes no connection for so long, ms from now; 0: goes on at once. Making one takes the thread that shows a first frame. */
  rest(ms: number): void
  state(): MeshState
  close(): Promise<void>
}

/** One HTTP request for bytes `[from, to)` of the resource, `to` 0 for the end. */
export interface EdgeRequest {
  readonly url: string
  readonly from: number
  readonly to: number
  /** The resource range is the whole resource: no Range header is needed. */
  readonly whole: boolean
  readonly what: 'media' | 'hashes'
  /** Headers that the player set for this load. */
  readonly headers: Readonly<Record<string, string>>
  /** Strong validator that joined bytes must carry, or ''. */
  readonly etag: string
}

export interface EdgeSink {
  /** `size`: bytes this request will bring in all, 0 unknown. `total`: the whole resource, 0 unknown. */
  onOpen(info: { size: number; total: number; etag: string }): void
  /** In order, `offset` absolute in the resource. The view may be kept. */
  onData(offset: number, bytes: Uint8Array): void
  /** Length and range were checked; every byte has been given. */
  onDone(): void
  /**
   * An attempt ended before it brought a byte, and after a wait there will be another unless `abort()` is called now.
   * `retryAfterMs`: as the edge asked for, 0 it did not.
   */
  onRefused?(reason: EdgeFailure, retryAfterMs: number): void
  /** Bytes given before are to be forgotten only on `mismatch`. */
  onFail(reason: EdgeFailure, detail: string): void
}

/** HTTP as a source. Retries, resumption and several base URLs are inside; one request ends in one done or fail. */
export interface Edge {
  fetch(request: EdgeRequest, sink: EdgeSink): { abort(): void }
}

export interface StoredSegment {
  readonly track: TrackPath
  readonly entry: WindowEntry
}

/** Complete, verified segments that outlive the page or the process. Budgets are the core's. */
export interface Store {
  put(segment: StoredSegment, bytes: Uint8Array): Promise<void>
  get(key: SegmentKey): Promise<Uint8Array | undefined>
  evict(key: SegmentKey): Promise<void>
  list(): Promise<readonly StoredSegment[]>
}

/** SHA-256 of each input, 32 bytes each. Never rejects for well-formed input. */
export interface Hasher {
  readonly name: string
  sha256(blocks: readonly Uint8Array[]): Promise<Uint8Array[]>
}

/** A peer the tracker named. `level`: `lan`, `site`, `address`, `prefix`, `asn`, `country` or `far`. */
export interface Neighbour {
  readonly peer: PeerId
  readonly level: string
  readonly place: Place
}

/** How one dial went, for the tracker's matching. `pair` like `host-host` or `srflx-host`, '' when it failed. */
export interface DialOutcome {
  readonly peer: PeerId
  readonly ok: boolean
  readonly ms: number
  readonly pair: string
}

export interface SignallerStatus {
  readonly mode: Mode
  /** Links that are open, and how many more would be welcome. */
  readonly have: number
  readonly want: number
  /** Child links that the uplink can feed; absent or null while nobody measured it. */
  readonly childLinks?: number | null
  /** Tells private networks behind one address apart, see `lanKey`; absent or null while unknown. */
  readonly lan?: string | null
  readonly outcomes: readonly DialOutcome[]
}

/** The tracker, seen from a peer: carries offers, answers and candidates, names neighbours. */
export interface Signaller {
  open(events: SignallerEvents): void
  /** To one neighbour. Only after `onNeighbours` named it (our tracker). */
  offer(to: PeerId, offerId: string, sdp: string): void
  answer(to: PeerId, offerId: string, sdp: string): void
  /** One ICE candidate for an offer under way, as JSON of RTCIceCandidateInit. */
  candidate(to: PeerId, offerId: string, candidate: string): void
  /** What the next announce reports. */
  update(status: SignallerStatus): void
  close(): Promise<void>
}

export interface SignallerEvents {
  /** Our tracker's directed matching: dial these. */
  onNeighbours(neighbours: readonly Neighbour[]): void
  onOffer(offer: { from: PeerId; offerId: string; sdp: string; place: Place; trickle: boolean }): void
  onAnswer(answer: { from: PeerId; offerId: string; sdp: string }): void
  onCandidate(candidate: { from: PeerId; offerId: string; candidate: string }): void
  /** A standard tracker matches speculative offers: make `count` of them, complete with candidates. */
  makeOffers(count: number): Promise<readonly { offerId: string; sdp: string }[]>
  onPolicy(policy: Partial<Policy>): void
  onGroup(group: { label: string; level: string; size: number }): void
  /** ICE servers the tracker recommends (its own STUN), replacing earlier ones. */
  onIceServers(servers: readonly { urls: string }[]): void
  onState(state: MeshState['tracker'], error: string | null): void
}
