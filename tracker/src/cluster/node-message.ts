import type { BinaryId } from '@nearcast/peer-core/signalling'
import type { PolicyRule } from '../policy/policy-rule.ts'

/**
 * One run of one tracker process: its name, and something random after it. A process that comes back under its name is
 * another node, so nothing that was said of the former can be taken for it.
 */
export type NodeId = string

/** What nodes tell each other. Descriptions travel as JSON strings, as their sender wrote them. */
export type NodeMessage =
  | Ask
  | Reply
  | NodeSignal
  | Count
  | Claim
  | Held
  | Ruling
  | Hello
  /** The node is being emptied: what it says still counts, but nobody is to be sent there. */
  | { readonly type: 'bye' }

/** The node can be reached from now on. */
export interface Hello {
  readonly type: 'hello'
  /** Made with the secret: another one means another secret. */
  readonly mark: string
}

/** What another node must know of a peer to match it: no address, only keyed hashes of what it is near to. */
export interface Traits {
  readonly peerId: BinaryId
  /** By level, nearest first, `far` left out: peers with the same one are near at this level. */
  readonly near: readonly (string | null)[]
  readonly mode: 'share' | 'leech' | 'off'
  readonly wan: 'allow' | 'deny'
  readonly speaks: 'standard' | 'extras' | 'directed'
}

/** Find peers of yours for one of mine. */
export interface Ask {
  readonly type: 'ask'
  /** The asking node's own number for this; the reply carries it. */
  readonly id: number
  readonly infoHash: BinaryId
  readonly origin: Traits
  /** At most so many. */
  readonly want: number
  /** Within this group, by its row; null: anybody. */
  readonly group: string | null
  /** Only those who fetch for their part of the group. */
  readonly fetchers: boolean
  /** Complete offers to place, for a client that is told no names; empty: names are wanted. */
  readonly offers: readonly { readonly offerId: BinaryId; readonly sdpJson: string }[]
}

export interface Reply {
  readonly type: 'reply'
  readonly id: number
  readonly infoHash: BinaryId
  /** For whom they were found. */
  readonly to: BinaryId
  /** `offerId`: what was placed there; null: it may be dialled by name. */
  readonly found: readonly { readonly traits: Traits; readonly offerId: BinaryId | null }[]
}

export interface NodeSignal {
  readonly type: 'signal'
  readonly infoHash: BinaryId
  readonly from: BinaryId
  readonly to: BinaryId
  readonly offerId: BinaryId
  readonly signal:
    | { readonly type: 'offer' | 'answer'; readonly sdpJson: string }
    | { readonly type: 'candidates'; readonly candidates: readonly string[] }
}

/** The sender's part of a row of the directory has changed; null: it has none any more. */
export interface Count {
  readonly type: 'count'
  readonly row: string
  readonly value: string | null
}

/** A client joined here under this id. Whoever has it there lets go, or objects. */
export interface Claim {
  readonly type: 'claim'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
  /** Keyed hash of its address. */
  readonly address: string
  /** It showed the resume token, which only the owner was given. */
  readonly proven: boolean
}

/** The holder of the id answered a ping: the claim is not its owner's. */
export interface Held {
  readonly type: 'held'
  readonly infoHash: BinaryId
  readonly peerId: BinaryId
}

/** The operator's rules at run time, all of them. Of two rulings the later one counts; see `isLater`. */
export interface Ruling {
  readonly type: 'rules'
  /** Counts the changes. */
  readonly version: number
  /** Who made it; decides between changes made at once. */
  readonly by: NodeId
  readonly rules: readonly PolicyRule[]
}

export function isLater(a: Pick<Ruling, 'version' | 'by'>, b: Pick<Ruling, 'version' | 'by'>): boolean {
  return a.version !== b.version ? a.version > b.version : a.by > b.by
}
