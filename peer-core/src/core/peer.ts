import type { Place, TrackPath } from './events.ts'
import { assumedGoodput, type Goodput } from './goodput.ts'
import type { Hello, Mode, PeerId } from './messages.ts'
import type { Ask, InOffer, Segment } from './segment.ts'

/** A request of theirs, not yet answered. */
export interface Serving {
  readonly n: number
  readonly segment: Segment
  readonly offset: number
  readonly length: number
  readonly since: number
}

export interface PeerPosition {
  readonly tracks: readonly TrackPath[]
  readonly seq: number
  readonly bufferMs: number
  readonly rate: number
  readonly paused: boolean
  readonly hidden: boolean
  readonly edgeBps: number
  readonly uplinkBps: number
  readonly at: number
}

/** Everything known of one connected peer. */
export class Peer {
  readonly id: PeerId
  readonly place: Place
  readonly hello: Hello
  readonly joinedAt: number
  mode: Mode
  heardAt: number
  rttMs = 0
  /** The shortest one measured: the road without a queue. */
  leastRttMs = Infinity
  /** Outstanding ping, or null. */
  ping: { readonly id: number; readonly at: number } | null = null
  /** When its round trip is measured again, and how long after the last time. */
  measureAt: number
  measureMs = 0
  position: PeerPosition | null = null
  /** Its last beacon: how far it is from a fetcher, and when it said so. */
  beacon: { readonly hops: number; readonly at: number } | null = null
  goodput: Goodput
  /** They asked us to turn to others for a while. */
  busy = false

  /** Their track ids → paths, and ours for them. */
  readonly tracksIn = new Map<number, TrackPath>()
  readonly tracksOut = new Map<TrackPath, number>()
  readonly offers = new Map<number, InOffer>()
  /** Our offer numbers on this wire → what they stand for. */
  readonly given = new Map<number, Segment>()
  readonly hashesSent = new Set<Segment>()
  nextN = 0

  readonly asks = new Set<Ask>()
  askedBytes = 0
  lastPieceAt = -Infinity
  /** Requests that came to nothing since the last success. */
  strikes = 0
  /** Not asked before this time. */
  restsUntil = 0
  /** Refusals of the edge that it told and nothing confirmed, since it last gave us a byte. */
  unconfirmed = 0
  /** Leases of theirs that came to nothing, since they last gave us a byte. */
  lapses = 0
  /**
   * Requests taken back, whose answer (the piece after all, or a reject) is still to come: they count as outstanding,
   * and what they were for is not asked of this peer again before.
   */
  readonly withdrawn = new Set<Ask>()
  /** Requests that we called back and it rejected, since it last gave us something. */
  readonly declined = new Set<Ask>()
  /** Pieces nobody asked for. */
  unsolicited = 0

  serving: Serving[] = []
  /** What it was given last. */
  lastGiven: Serving | null = null
  /** Bytes of ours in the link's own queue. */
  linkBytes = 0
  /** When some of them left, or the first went in. */
  drainedAt = 0
  saidBusy = false
  saidBusyAt = -Infinity

  receivedBytes = 0
  sentBytes = 0

  constructor(id: PeerId, place: Place, hello: Hello, now: number, assumedBps: number) {
    this.id = id
    this.place = place
    this.hello = hello
    this.mode = hello.mode
    this.joinedAt = now
    this.heardAt = now
    this.measureAt = now
    this.goodput = assumedGoodput(assumedBps, 5)
  }
}
