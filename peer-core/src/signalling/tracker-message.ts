import type { Integrity, Role } from '../core/events.ts'
import type { Mode } from '../core/messages.ts'
import type { BinaryId } from './binary.ts'
import type { Level } from './level.ts'

/** What a tracker says to a client, parsed. Ids are the protocol's 20-character strings. */
export type TrackerMessage =
  | AnnounceResponse
  | RelayedOffer
  | RelayedAnswer
  | RelayedCandidates
  | ScrapeResponse
  | Failure

/** The answer to an announce, or, without counts, something our tracker pushes between announces. */
export interface AnnounceResponse {
  readonly type: 'response'
  readonly infoHash: BinaryId
  /** Seconds until the next announce; null when not stated. */
  readonly interval: number | null
  /** null in a push. */
  readonly counts: { readonly complete: number; readonly incomplete: number } | null
  /** Comes back as `trackerid`; '' when not given. */
  readonly trackerId: string
  readonly warning: string
  /** Our own fields; null from a standard tracker. */
  readonly extras: TrackerExtras | null
}

/** Everything is optional: what is absent has not changed. */
export interface TrackerExtras {
  readonly group?: WireGroup
  readonly policy?: WirePolicy
  readonly neighbours?: readonly WireNeighbour[]
  /** The receiver's place in a group too large for a mesh; its neighbours are then its parents, or its fellows. */
  readonly backbone?: WireBackbone
  /** STUN URLs of the tracker. */
  readonly ice?: readonly string[]
  /** The operator would like a report so often, ms; 0 no more. */
  readonly reportMs?: number
  /** The tracker wants this client to come back after a while, perhaps to another machine. */
  readonly reconnect?: { readonly afterMs: number }
}

/** `label` is an HMAC with a salt of the day: it tells groups apart and names no network. */
export interface WireGroup {
  readonly label: string
  readonly level: Level
  /** Peers of this swarm in the group, the receiver included. */
  readonly size: number
}

export interface WireBackbone {
  /** `mesh`: the group has become small again. */
  readonly role: Role
  /** Counts the changes of who fetches. */
  readonly epoch: number
}

export interface WirePolicy {
  readonly mode?: Mode
  readonly wan?: 'allow' | 'deny'
  readonly integrity?: Integrity
  /** kbit/s, 0 no cap. */
  readonly uploadKbps?: number
  /** Capacity of the site's line, kbit/s, 0 unknown. */
  readonly lineKbps?: number
  /** Most links a peer may hold, 0 no cap. */
  readonly maxPeers?: number
}

export interface WireNeighbour {
  readonly peerId: BinaryId
  readonly level: Level
}

export interface RelayedOffer {
  readonly type: 'offer'
  readonly infoHash: BinaryId
  readonly from: BinaryId
  readonly offerId: BinaryId
  readonly sdp: string
  /** null from a tracker that knows no levels. */
  readonly level: Level | null
  /** More candidates follow; else the description is complete. */
  readonly trickle: boolean
}

export interface RelayedAnswer {
  readonly type: 'answer'
  readonly infoHash: BinaryId
  readonly from: BinaryId
  readonly offerId: BinaryId
  readonly sdp: string
}

export interface RelayedCandidates {
  readonly type: 'candidates'
  readonly infoHash: BinaryId
  readonly from: BinaryId
  readonly offerId: BinaryId
  readonly candidates: readonly string[]
}

export interface ScrapeResponse {
  readonly type: 'scrape'
  readonly files: readonly ScrapedSwarm[]
}

export interface ScrapedSwarm {
  readonly infoHash: BinaryId
  readonly complete: number
  readonly incomplete: number
  readonly downloaded: number
}

export interface Failure {
  readonly type: 'failure'
  /** null when the tracker did not say which swarm it means. */
  readonly infoHash: BinaryId | null
  readonly reason: string
  /** A fresh join token might help. */
  readonly wantsToken?: true
}
