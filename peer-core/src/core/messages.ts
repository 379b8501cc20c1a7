/**
 * What peers say to each other, as values. The wire adapter maps the first five to standard BitTorrent messages
 * (BEP 3, BEP 6) and the rest to one BEP 10 extension named `nearcast`. Payloads never enter the core: a `piece`
 * or `hashes` message carries lengths here, and the bytes travel beside it through the host.
 */

/** 20-byte peer id, as 40 lower-case hex digits. */
export type PeerId = string

/** 64-bit hash of a segment's key, as 16 lower-case hex digits. */
export type KeyHash = string

/** Bytes of one verification block (BEP 52). The last block of a segment may be shorter. */
export const blockBytes = 16_384

/** Largest `request` and `piece`: four blocks. Larger runs gain nothing on a data channel. */
export const runBytes = 65_536

/** The sender's stance: `share` gives and takes, `leech` only takes, `off` does neither. */
export type Mode = 'share' | 'leech' | 'off'

/** Where an offer's bytes come from: complete in the store, arriving from the edge (a lease), or from a peer. */
export type OfferSource = 'held' | 'edge' | 'relay'

export type WithdrawReason = 'evicted' | 'yielded' | 'failed' | 'cancelled' | 'void' | 'renumber'

/** Learnt in the BEP 10 handshake, before any other message. */
export interface Hello {
  /** Protocol version, 1. */
  readonly v: number
  readonly mode: Mode
  /** How many requests may be outstanding at this peer. */
  readonly reqq: number
}

/** Ask for bytes `[offset, offset + length)` of offer `n`; at most `runBytes`. */
export interface RequestMessage {
  readonly type: 'request'
  readonly n: number
  readonly offset: number
  readonly length: number
}

/** The answer, with exactly the asked length. */
export interface PieceMessage {
  readonly type: 'piece'
  readonly n: number
  readonly offset: number
  readonly length: number
}

export interface CancelMessage {
  readonly type: 'cancel'
  readonly n: number
  readonly offset: number
  readonly length: number
}

export interface RejectMessage {
  readonly type: 'reject'
  readonly n: number
  readonly offset: number
  readonly length: number
}

/** Offer `n` is complete at the sender: from 0 to its size. */
export interface HaveMessage {
  readonly type: 'have'
  readonly n: number
}

/** Names a track once a wire; later messages use the id. */
export interface TrackMessage {
  readonly type: 'track'
  readonly id: number
  readonly path: string
}

/**
 * The sender can serve bytes `[from, frontier)` of a segment, and expects to reach `to` (0: the end).
 * With source `edge` this is the public claim called a *lease*.
 */
export interface OfferMessage {
  readonly type: 'offer'
  /** The sender's own number for this offer: monotonic a wire, never reused. */
  readonly n: number
  /** Track id of this wire. */
  readonly track: number
  readonly seq: number
  readonly key: KeyHash
  /** Whole segment in bytes, 0 while unknown. */
  readonly size: number
  /** Merkle root the sender verifies against, 64 hex digits, or ''. */
  readonly root: string
  /** Strong validator of the edge's response, or ''. */
  readonly etag: string
  readonly from: number
  readonly frontier: number
  readonly to: number
  readonly source: OfferSource
  /** 0 at the edge's fetcher, one more at each relay. */
  readonly hops: number
  /** Expected time until `to` is reached, in ms; 0 when complete. */
  readonly etaMs: number
  /** Rate at which the frontier moves, bytes a second; 0 unknown. */
  readonly rateBps: number
  readonly epoch: number
}

/** Offer `n` reaches further now. */
export interface GrowMessage {
  readonly type: 'grow'
  readonly n: number
  readonly frontier: number
  /** Whole segment in bytes; 0 while unknown. */
  readonly size: number
  readonly rateBps: number
}

/**
 * Offer `n` stops at `offset`: bytes below it stay available unless the reason is `evicted`. A lease `failed` before its
 * first byte says that the edge refused it.
 */
export interface WithdrawMessage {
  readonly type: 'withdraw'
  readonly n: number
  readonly offset: number
  readonly reason: WithdrawReason
}

/** `count` block hashes (32 bytes each) of offer `n`, from block `first`. Precedes its first `piece`. */
export interface HashesMessage {
  readonly type: 'hashes'
  readonly n: number
  readonly first: number
  readonly count: number
}

/** Where the sender plays. Sent on change and at least every two seconds while playing. */
export interface PositionMessage {
  readonly type: 'position'
  /** Tracks it plays now (ids of this wire). */
  readonly tracks: readonly number[]
  /** The next sequence number it needs on the first of `tracks`. */
  readonly seq: number
  /** Media buffered ahead of its playhead, ms. */
  readonly bufferMs: number
  /** Playback rate × 100. */
  readonly rate: number
  readonly paused: boolean
  readonly hidden: boolean
  readonly mode: Mode
  /** What it measured of the edge, bytes a second; 0 unknown. */
  readonly edgeBps: number
  /** What its uplink carried when it was full, bytes a second; 0 while that never happened. */
  readonly uplinkBps: number
}

export interface BeaconMessage {
  readonly type: 'beacon'
  readonly epoch: number
  readonly hops: number
}

/** The sender's uplink is late; ask others while `on`. */
export interface BusyMessage {
  readonly type: 'busy'
  readonly on: boolean
}

export interface PingMessage {
  readonly type: 'ping'
  readonly id: number
}

export interface PongMessage {
  readonly type: 'pong'
  readonly id: number
}

export interface GoawayMessage {
  readonly type: 'goaway'
  readonly reason: string
}

/** Lease `n` of the receiver's is doubled by another's, whose turn comes first and with whom it may have no link. */
export interface DoubledMessage {
  readonly type: 'doubled'
  readonly n: number
  /** Who has the other lease. */
  readonly by: PeerId
}

export type PeerMessage =
  | RequestMessage
  | PieceMessage
  | CancelMessage
  | RejectMessage
  | HaveMessage
  | TrackMessage
  | OfferMessage
  | GrowMessage
  | WithdrawMessage
  | HashesMessage
  | PositionMessage
  | BeaconMessage
  | BusyMessage
  | PingMessage
  | PongMessage
  | GoawayMessage
  | DoubledMessage
