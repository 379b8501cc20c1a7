import type { Mode } from '../core/messages.ts'
import type { BinaryId } from './binary.ts'
import type { ViewerReport } from './report.ts'

/** What a client says to a tracker, parsed. Ids are the protocol's 20-character strings. */
export type ClientMessage = Announce | DirectedOffer | Answer | Candidates | Report | Scrape

export type AnnounceEvent = 'started' | 'stopped' | 'completed' | 'update'

export interface Announce {
  readonly type: 'announce'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
  readonly event: AnnounceEvent
  /** Peers wanted; null when not stated. */
  readonly numwant: number | null
  /** Speculative offers for whomever the tracker picks. */
  readonly offers: readonly SpeculativeOffer[]
  /** `left` is absent, null or 0: the client has everything. */
  readonly complete: boolean
  /** What an earlier response called `tracker id`, or ''. */
  readonly trackerId: string
  /** Our own fields; null from a standard client. */
  readonly extras: ClientExtras | null
}

export interface SpeculativeOffer {
  readonly offerId: BinaryId
  readonly sdp: string
  /** The same as JSON text, as it came, when that was found; spares writing it anew. */
  readonly sdpJson?: string
}

export interface ClientExtras {
  readonly mode: Mode
  /** Links open, and how many more would be welcome. */
  readonly have: number
  readonly want: number
  readonly outcomes: readonly WireOutcome[]
  /** Child links that its uplink can feed; null while it was not measured. */
  readonly childLinks: number | null
  /** A join token. */
  readonly token?: string
  /** Tells private networks behind one address apart and names none; null when unknown. See `lanKey`. */
  readonly lan: string | null
  /** Takes named neighbours and addresses its offers itself. */
  readonly directed: boolean
}

export interface WireOutcome {
  readonly peer: BinaryId
  readonly ok: boolean
  readonly ms: number
  readonly pair: string
}

/** An offer to one neighbour that the tracker named; ICE candidates follow. */
export interface DirectedOffer {
  readonly type: 'offer'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
  readonly to: BinaryId
  readonly offerId: BinaryId
  readonly sdp: string
  /** The same as JSON text, as it came, when that was found; spares writing it anew. */
  readonly sdpJson?: string
}

export interface Answer {
  readonly type: 'answer'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
  readonly to: BinaryId
  readonly offerId: BinaryId
  readonly sdp: string
  /** The same as JSON text, as it came, when that was found; spares writing it anew. */
  readonly sdpJson?: string
}

export interface Candidates {
  readonly type: 'candidates'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
  readonly to: BinaryId
  readonly offerId: BinaryId
  /** RTCIceCandidateInit as JSON texts. */
  readonly candidates: readonly string[]
}

/** For the operator. Sent only to a tracker that asked for reports, and not answered. */
export interface Report {
  readonly type: 'report'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
  /** null when it was none. */
  readonly report: ViewerReport | null
}

export interface Scrape {
  readonly type: 'scrape'
  /** null asks for every swarm. */
  readonly infoHashes: readonly BinaryId[] | null
}
