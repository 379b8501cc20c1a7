import { Blocks } from './blocks.ts'
import type { EdgeFailure, EdgeReason, SegmentKey, TrackPath, Urgency, WindowEntry } from './events.ts'
import { keyHash } from './hash.ts'
import type { KeyHash, OfferSource, PeerId } from './messages.ts'
import type { Refusals } from './refusals.ts'

/** The player's open request for a segment. */
export interface Want {
  readonly id: number
  readonly deadline: number
  readonly urgency: Urgency
  readonly since: number
}

/** What a peer told us it can serve of a segment. */
export interface InOffer {
  readonly peer: PeerId
  readonly n: number
  readonly track: TrackPath
  readonly seq: number
  readonly key: KeyHash
  readonly root: string
  readonly etag: string
  readonly from: number
  readonly to: number
  readonly source: OfferSource
  readonly hops: number
  readonly epoch: number
  readonly since: number
  size: number
  frontier: number
  /** It promises to go on: neither complete nor withdrawn. */
  active: boolean
  rateBps: number
  grownAt: number
  /** When we stopped counting on it, or 0. Its bytes below the frontier stay good. */
  voidSince: number
  voidWhy: 'slow' | 'silent' | 'gone' | ''
  /** Its holder was told that another brings the same bytes. */
  isDoubledTold: boolean
}

/** What we tell others that we can serve of a segment. */
export interface Claim {
  readonly from: number
  readonly source: OfferSource
  readonly hops: number
  to: number
  /** We promise to go on. */
  active: boolean
  /** How far it goes in the end: once closed, as far as it came, bytes still to be proven included; else Infinity. */
  end: number
  /** Per peer: our number for it there, how far it knows us to be, and under which validator. */
  readonly told: Map<PeerId, { readonly n: number; readonly etag: string; frontier: number }>
}

/** One request of ours to the edge. */
export interface Fetch {
  readonly id: number
  readonly segment: Segment
  readonly what: 'media' | 'hashes'
  readonly reason: EdgeReason
  readonly from: number
  /** 0: to the end. */
  readonly to: number
  /** Past this offset it ends as soon as others bring the rest: a start's first bite. Infinity: never. */
  readonly biteTo: number
  readonly startedAt: number
  readonly claim: Claim | null
  frontier: number
  firstAt: number
  lastAt: number
}

/** One request of ours to a peer. */
export interface Ask {
  readonly peer: PeerId
  readonly n: number
  readonly segment: Segment
  readonly offset: number
  readonly length: number
  readonly sentAt: number
  /** When it should have been answered: then another peer takes its place, if there is one. */
  lateAt: number
  /** When nobody waits for it any more. */
  overAt: number
  /** When it is expected. */
  expectedAt: number
  /** When we called it back: until it is answered, or a moment is over, it counts as asked. 0: not called back. */
  recalledAt: number
}

export type HashesState = 'none' | 'asked' | 'checking' | 'known'

/** Everything known of one segment. */
export class Segment {
  readonly key: SegmentKey
  readonly hash: KeyHash
  readonly track: TrackPath
  entry: WindowEntry
  readonly blocks: Blocks
  /** In a playlist now. */
  listed: boolean
  readonly knownAt: number
  usedAt: number
  wants: Want[] = []
  /** Fetches of media under way. */
  readonly fetches = new Set<Fetch>()
  hashesFetch: Fetch | null = null
  readonly offers = new Set<InOffer>()
  readonly asks = new Set<Ask>()
  readonly claims: Claim[] = []
  hashes: HashesState = 'none'
  /** Blocks being held against their hashes now: block → job. */
  readonly checking = new Map<number, number>()
  /** Without a root, all bytes must come from one lineage: its validator, or the one source. */
  lineage: { readonly etag: string; readonly source: string } | null = null
  /** The store has it. */
  stored = false
  /** Others took its room. Until the player asks, it is not taken ahead again: they would push each other out. */
  isPushedOut = false
  /** Since when nobody we can count on brings the missing bytes; −1 while somebody does. */
  orphanSince: number
  edgeFailures = 0
  edgeMismatches = 0
  edgeRetryAt = 0
  edgeFailure: EdgeFailure = 'network'
  /** The edge answers and gives nothing, as we saw or were told; null: nobody says so. */
  refusals: Refusals | null = null
  hashesRetryAt = 0
  /** When to look at it again at the latest, whatever happens. */
  wakeAt = Infinity
  /** When a missing hash list is fetched from the edge; 0 not yet missed. */
  digestDueAt = 0
  /** Bytes a second at which the edge fed whoever fetched it. */
  edgeBps = 0
  /** When we took the lease, 0 never. */
  leasedAt = 0
  /** Our turn, and outside peers hold it: their bytes stand for the edge's. */
  viaOutside = false
  /** A lease of ours gave way to one that we have only heard of. */
  hasYielded = false
  /** Our own bytes were thrown away once for a neighbour's whole copy. */
  hasSwapped = false
  /** A first fragment that is whole, and waits for what follows it. */
  isHeldBack = false
  /** Peers that a lease of ours gave way to. */
  readonly yieldedTo = new Set<PeerId>()
  /** Times that we began to relay it. */
  relays = 0
  /** When the last new byte came. */
  progressAt = 0
  /** Since when no source can make the deadline, 0 while one can. */
  dangerSince = 0
  /** What `groupNeedAt` found when `State.needs` was this. */
  groupNeed = { at: Infinity, as: -1 }
  /** It came, in part, while its lease was still arriving. */
  leased = false
  /** Blocks that the edge gave wrong once; −1: the list of their hashes. */
  readonly edgeDoubts = new Set<number>()
  /** Proven to be wrong at the edge itself. */
  edgePolluted = false

  constructor(track: TrackPath, entry: WindowEntry, now: number) {
    this.key = entry.key
    this.hash = keyHash(entry.key)
    this.track = track
    this.entry = entry
    this.blocks = new Blocks(entry.size)
    this.listed = true
    this.knownAt = now
    this.usedAt = now
    this.orphanSince = now
  }

  get size(): number {
    return this.blocks.size
  }
}
