import type { Clock } from './clock.ts'

/** Some bytes of one flow on their way through one line. */
export interface Parcel {
  readonly bytes: number
  /** How long before its last byte its first byte came here, ms: the next line may start that early. */
  spanMs: number
  /** When it joined the queue of the line it is at; −1 when it found the line idle. */
  queuedAt: number
  /** The last byte left this line, where it had stood in the queue for `waitMs`. */
  through(waitMs: number): void
}

/** One flow's place in a line. Parcels of a lane never overtake each other. */
export interface Lane {
  readonly queue: Parcel[]
  head: number
  deficit: number
  waiting: boolean
}

/** `fair`: lanes take turns (deficit round robin, as fq_codel does). `fifo`: one queue, as a plain router has. */
export type Discipline = 'fair' | 'fifo'

/** A shared link in one direction: an access link, a site's line, an access point's air. */
export interface Line {
  readonly name: string
  /** Bytes a second; Infinity carries everything at once. */
  rateBps(): number
  setRate(bps: number): void
  openLane(): Lane
  send(lane: Lane, parcel: Parcel): void
  /** Whether one packet can go by what waits here: not in one queue for all. */
  letsPass(): boolean
  /**
   * One packet of somebody who has nothing else here goes by, as fq_codel's sparse flows do (RFC 8290 §3.2). It takes
   * its time from what is served next. Returns how long until it is through, ms.
   */
  pass(bytes: number): number
  /** Every byte that went through, wanted by its receiver or not. */
  carriedBytes(): number
  /** How long a byte that comes now waits before it is sent, ms, if queues were served in order. */
  backlogMs(): number
  /** A parcel larger than this would make others wait noticeably. */
  quantumBytes(): number
}

/** About this much of a line is one turn; smaller is finer and costs the simulator events. */
const turnMs = 6
const smallestQuantum = 4_096
/** A run of 64 KiB and what is around it go as one. */
const largestQuantum = 70_080
/** One packet must have come in before the next line can start on it. */
const packetBytes = 1_500

export function createLine(clock: Clock, name: string, bps: number, discipline: Discipline): Line {
  return new SharedLine(clock, name, bps, discipline)
}

class SharedLine implements Line {
  readonly name: string
  readonly #clock: Clock
  readonly #discipline: Discipline
  #perMs: number
  #carried = 0
  #backlog = 0
  #busy = false
  #idleSince = 0
  #servedAt = 0
  /** When the last of the packets that went by is through, and what they took of the parcel served now. */
  #passingUntil = 0
  #passedMs = 0
  readonly #shared = newLane()
  readonly #ring: Lane[] = []
  #ringHead = 0

  constructor(clock: Clock, name: string, bps: number, discipline: Discipline) {
    this.#clock = clock
    this.name = name
    this.#perMs = bps / 1000
    this.#discipline = discipline
  }

  rateBps(): number {
    return this.#perMs * 1000
  }

  setRate(bps: number): void {
    this.#perMs = bps / 1000
  }

  openLane(): Lane {
    return newLane()
  }

  send(lane: Lane, parcel: Parcel): void {
    if (this.#perMs === Number.POSITIVE_INFINITY) {
      this.#carried += parcel.bytes
      parcel.through(0)
      return
    }
    this.#backlog += parcel.bytes
    if (!this.#busy) {
      this.#serve(parcel, 0, Math.min(parcel.spanMs, this.#clock.now() - this.#idleSince))
      return
    }
    const place = this.#discipline === 'fifo' ? this.#shared : lane
    parcel.queuedAt = this.#clock.now()
    place.queue.push(parcel)
    if (this.#discipline === 'fair' && !lane.waiting) {
      lane.waiting = true
      this.#ring.push(lane)
    }
  }

  letsPass(): boolean {
    return !this.#busy || this.#discipline === 'fair'
  }

  pass(bytes: number): number {
    this.#carried += bytes
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0
    const now = this.#clock.now()
    const ownMs = bytes / this.#perMs
    this.#passingUntil = Math.max(now, this.#passingUntil) + ownMs
    if (!this.#busy) return this.#passingUntil - now
    this.#passedMs += ownMs
    // The packet that is going out now is not interrupted.
    return this.#passingUntil - now + Math.min(this.#servedAt - now, packetBytes / this.#perMs)
  }

  carriedBytes(): number {
    return this.#carried
  }

  backlogMs(): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0
    return this.#backlog / this.#perMs + Math.max(0, this.#passingUntil - this.#clock.now())
  }

  quantumBytes(): number {
    const turnBytes = Math.floor((this.#perMs * turnMs) / 1460) * 1460
    return Math.min(largestQuantum, Math.max(smallestQuantum, turnBytes))
  }

  #serve(parcel: Parcel, waitMs: number, headStartMs: number): void {
    const now = this.#clock.now()
    const full = parcel.bytes / this.#perMs
    const delayed = this.#busy ? this.#passedMs : Math.max(0, this.#passingUntil - now)
    this.#busy = true
    this.#passedMs = 0
    // The line could begin when it fell idle or when the first byte came, whichever was later; it cannot have sent
    // the last packet before that came.
    const left = Math.max(full - headStartMs, Math.min(full, packetBytes / this.#perMs))
    this.#servedAt = now + left + delayed
    this.#clock.at(this.#servedAt, () => this.#served(parcel, full, waitMs + delayed))
  }

  #served(parcel: Parcel, fullMs: number, waitMs: number): void {
    const now = this.#clock.now()
    this.#idleSince = now
    this.#carried += parcel.bytes
    this.#backlog -= parcel.bytes
    parcel.spanMs = fullMs
    const shared = this.#shared
    const next =
      this.#discipline === 'fair' ? this.#takeFair() : shared.queue.length > 0 ? shift(shared) : null
    if (next !== null) this.#serve(next, now - next.queuedAt, 0)
    else this.#busy = false
    parcel.through(waitMs)
  }

  #takeFair(): Parcel | null {
    const ring = this.#ring
    while (this.#ringHead < ring.length) {
      const lane = ring[this.#ringHead]!
      const first = lane.queue[lane.head]!
      if (first.bytes > lane.deficit) {
        lane.deficit += this.quantumBytes()
        this.#ringHead++
        ring.push(lane)
        this.#trim()
        continue
      }
      lane.deficit -= first.bytes
      const taken = shift(lane)
      if (lane.queue.length === 0) {
        lane.waiting = false
        lane.deficit = 0
        this.#ringHead++
        this.#trim()
      }
      return taken
    }
    return null
  }

  #trim(): void {
    if (this.#ringHead < 1_024) return
    this.#ring.splice(0, this.#ringHead)
    this.#ringHead = 0
  }
}

function newLane(): Lane {
  return { queue: [], head: 0, deficit: 0, waiting: false }
}

function shift(lane: Lane): Parcel {
  const parcel = lane.queue[lane.head]!
  lane.head++
  if (lane.head === lane.queue.length) {
    lane.queue.length = 0
    lane.head = 0
  } else if (lane.head > 256) {
    lane.queue.splice(0, lane.head)
    lane.head = 0
  }
  return parcel
}
