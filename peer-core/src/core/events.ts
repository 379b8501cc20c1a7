import type { Hello, Mode, PeerId, PeerMessage } from './messages.ts'

/**
 * The core's whole contract on one page: `handle(now, input)`, then `poll()` until it returns nothing.
 * `now` and every absolute time are milliseconds of the host's monotonic clock. No payload enters the core; the
 * bytes that come with an input stay with the host until an `accept` says where they belong.
 */

/** Canonical key of one segment, see `identity/segment-key.ts`. */
export type SegmentKey = string

/** Playlist path of one track (rendition, audio or subtitle). */
export type TrackPath = string

/** `audit` is a place kept: for now it is `prefer`. */
export type Integrity = 'required' | 'prefer' | 'audit' | 'off'

/** `group`: behind the same network as this peer. `outside`: its bytes cross the site's line. */
export type Place = 'group' | 'outside'

/** One segment that a playlist lists now. */
export interface WindowEntry {
  readonly key: SegmentKey
  /** Media sequence number; −1 for an init segment. */
  readonly seq: number
  /** A number all viewers agree on and that audio and video of one moment share: the fetcher's turn. */
  readonly slot: number
  /** Media time of its first frame on this viewer's own timeline, ms. */
  readonly startMs: number
  readonly durationMs: number
  /** Bytes, 0 unknown. */
  readonly size: number
  /** Merkle root over 16 KiB SHA-256 blocks as 64 hex digits, or ''. */
  readonly root: string
}

export interface Policy {
  readonly mode: Mode
  readonly wan: 'allow' | 'deny'
  readonly integrity: Integrity
  /** Stated capacity of the site's line, kbit/s; 0 unknown. */
  readonly lineKbps: number
  /** Most this peer may upload, kbit/s; 0 no cap. */
  readonly uploadKbps: number
  /** Viewers the tracker counts in this peer's group, itself included; 0 unknown, 1 alone. */
  readonly groupSize: number
  /** Where the tracker put this peer in its group. @default 'mesh' */
  readonly role?: Role
  /** The tracker's count of changes of who fetches. @default 0 */
  readonly epoch?: number
}

/**
 * `mesh`: everybody is linked with everybody, and everybody's turn comes. In a larger group only a `fetcher`'s turn
 * comes, and a `member` is fed through its parents.
 */
export type Role = 'mesh' | 'fetcher' | 'member'

/** Why the player's request is due when it is. `start` and `seek` are due at once. */
export type Urgency = 'start' | 'seek' | 'play'

export type EdgeFailure =
  | 'status' // 4xx: the segment is not there
  | 'busy' // 5xx or 429: worth another try
  | 'timeout'
  | 'network'
  | 'mismatch' // length, Content-Range or validator do not fit
  | 'aborted'

export type Input =
  /** The player asks for a segment; ends in exactly one `deliver` or `fail` unless cancelled. */
  | {
      readonly type: 'want'
      readonly id: number
      readonly key: SegmentKey
      readonly track: TrackPath
      readonly deadline: number
      readonly urgency: Urgency
    }
  | { readonly type: 'cancel'; readonly id: number }
  | {
      readonly type: 'position'
      /** Playhead on this viewer's own timeline, ms. */
      readonly mediaMs: number
      readonly bufferMs: number
      readonly rate: number
      readonly paused: boolean
      readonly hidden: boolean
      /** Tracks being played, video first. */
      readonly tracks: readonly TrackPath[]
      /** How far ahead the player means to buffer, ms. */
      readonly goalMs: number
    }
  | {
      readonly type: 'window'
      readonly track: TrackPath
      readonly live: boolean
      readonly entries: readonly WindowEntry[]
    }
  | { readonly type: 'peerJoined'; readonly peer: PeerId; readonly place: Place; readonly hello: Hello }
  | { readonly type: 'peerLeft'; readonly peer: PeerId; readonly reason: string }
  | { readonly type: 'message'; readonly peer: PeerId; readonly message: PeerMessage }
  /** Bytes of ours wait in the link's channel, told when that falls; 0 drained. */
  | { readonly type: 'drained'; readonly peer: PeerId; readonly queuedBytes: number }
  /** `offset` within the segment (or within the hash list); `size` of the whole, 0 unknown. */
  | {
      readonly type: 'edgeData'
      readonly fetch: number
      readonly offset: number
      readonly length: number
      readonly size: number
      readonly etag: string
    }
  | { readonly type: 'edgeDone'; readonly fetch: number; readonly size: number; readonly etag: string }
  | { readonly type: 'edgeFailed'; readonly fetch: number; readonly reason: EdgeFailure }
  /**
   * An attempt was refused before it brought a byte, and the host will try again by itself unless it is told to abort.
   * `retryAfterMs`: as the edge asked (RFC 9110 §10.2.3), 0 it did not.
   */
  | {
      readonly type: 'edgeRefused'
      readonly fetch: number
      readonly reason: EdgeFailure
      readonly retryAfterMs: number
    }
  /**
   * Answer to `verify`: which of its blocks (absolute index) did not match; for `hashes`: [0] when it did not.
   * `unknown`: those the host could not hold against anything, for a reason of its own: dropped, nobody to blame.
   */
  | {
      readonly type: 'verified'
      readonly job: number
      readonly bad: readonly number[]
      readonly unknown?: readonly number[]
    }
  | { readonly type: 'policy'; readonly policy: Policy }
  /** Complete segments found in the persistent store at start. */
  | {
      readonly type: 'restored'
      readonly track: TrackPath
      readonly entry: WindowEntry
    }
  | { readonly type: 'tick' }

/** Why the edge was asked: shown to people, and counted. */
export type EdgeReason =
  | 'alone' // nobody else is here
  | 'start' // the player starts or seeks and waits for nothing
  | 'lease' // our turn in the group
  | 'resume' // a lease ended early; the next rank goes on from its offset
  | 'tail' // the deadline is near: only what is missing
  | 'backwards' // a slow lease: from the end, so that the halves meet
  | 'unshared' // may not be shared: policy, too large, no validator
  | 'rescue' // no time is left: everything missing, for ourselves
  | 'share' // the group's uplinks cannot feed everybody: one of several planned copies
  | 'digest' // a block-hash list

/** How a delivered segment came. `leased`: through another's lease while it arrived. `held`: others had it. */
export type Origin = 'edge' | 'leased' | 'held'

export type FailReason =
  | 'edge-status'
  | 'edge-busy'
  | 'edge-timeout'
  | 'edge-network'
  | 'edge-mismatch'
  | 'unknown-segment'

export type Output =
  /** `key` names the segment whose bytes (or hashes) the host puts behind a `piece` (or `hashes`). */
  | {
      readonly type: 'send'
      readonly peer: PeerId
      readonly message: PeerMessage
      readonly key: SegmentKey | null
    }
  | { readonly type: 'closePeer'; readonly peer: PeerId; readonly reason: string; readonly ban: boolean }
  /** Bytes `[from, to)` of the segment, `to` 0 for the end. For `hashes`: the whole list of that segment. */
  | {
      readonly type: 'fetchEdge'
      readonly fetch: number
      readonly key: SegmentKey
      readonly what: 'media' | 'hashes'
      readonly from: number
      readonly to: number
      /** Strong validator that bytes already here carry, or ''; a differing response is a `mismatch`. */
      readonly etag: string
      readonly reason: EdgeReason
    }
  | { readonly type: 'abortEdge'; readonly fetch: number }
  /** The payload of the input now handled belongs at `offset` of `key`. Without it the payload is dropped. */
  | { readonly type: 'accept'; readonly key: SegmentKey; readonly offset: number; readonly length: number }
  /** `hashes`: hold the payload of the input now handled against the root. `blocks`: hold ours against the list. */
  | {
      readonly type: 'verify'
      readonly job: number
      readonly key: SegmentKey
      readonly what: 'hashes' | 'blocks'
      readonly first: number
      readonly count: number
    }
  /** The segment is complete: keep it. */
  | { readonly type: 'store'; readonly key: SegmentKey; readonly size: number }
  /** Forget the segment's bytes, from memory and store. */
  | { readonly type: 'evict'; readonly key: SegmentKey }
  | {
      readonly type: 'deliver'
      readonly id: number
      readonly key: SegmentKey
      readonly origin: Origin
      readonly size: number
      readonly edgeBytes: number
      readonly groupBytes: number
      readonly outsideBytes: number
      /** Rate at which the edge fed whoever fetched it, bytes a second; 0 unknown. */
      readonly edgeBps: number
      readonly verified: boolean
    }
  | { readonly type: 'fail'; readonly id: number; readonly key: SegmentKey; readonly reason: FailReason }
  | { readonly type: 'wakeAt'; readonly at: number }
  /** Child links that our uplink can feed, for the tracker. Told when it was measured and when it changes. */
  | { readonly type: 'capacity'; readonly childLinks: number }
  /** What the core decided and why, for people and counters. Never needed for the work itself. */
  | { readonly type: 'trace'; readonly note: Note }

export type Note =
  | { readonly kind: 'lease'; readonly key: SegmentKey; readonly rank: number; readonly from: number }
  | { readonly kind: 'yield'; readonly key: SegmentKey; readonly to: PeerId }
  | {
      readonly kind: 'void'
      readonly key: SegmentKey
      readonly holder: PeerId
      readonly why: 'slow' | 'silent' | 'gone'
    }
  | {
      readonly kind: 'duplicate'
      /** '' when the offer that it belonged to is gone. */
      readonly key: SegmentKey
      readonly bytes: number
      readonly from: PeerId | 'edge'
    }
  | { readonly kind: 'polluted'; readonly key: SegmentKey; readonly peer: PeerId | 'edge' }
  | { readonly kind: 'silent'; readonly peer: PeerId; readonly key: SegmentKey }
  | { readonly kind: 'rtt'; readonly peer: PeerId; readonly rttMs: number }

export interface Core {
  /** Takes one input. `now` never goes backwards. Throws only on a broken invariant of ours. */
  handle(now: number, input: Input): void
  /** The next output, or null when there is none left. */
  poll(): Output | null
  /** Sizes of what is remembered, for tests of bounded memory. */
  inspect(): Readonly<Record<'segments' | 'offers' | 'asks' | 'fetches' | 'queued' | 'heldBytes', number>>
}
