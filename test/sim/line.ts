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
  let perMs = bps / 1000
  let carried = 0
  let backlog = 0
  let busy = false
  let idleSince = 0
  let servedAt = 0
  /** When the last of the packets that went by is through, and what they took of the parcel served now. */
  let passingUntil = 0
  let passedMs = 0
  const shared = newLane()
  const ring: Lane[] = []
  let ringHead = 0

  const quantumBytes = (): number =>
    Math.min(largestQuantum, Math.max(smallestQuantum, Math.floor((perMs * turnMs) / 1460) * 1460))

  const serve = (parcel: Parcel, waitMs: number, headStartMs: number): void => {
    const now = clock.now()
    const full = parcel.bytes / perMs
    const delayed = busy ? passedMs : Math.max(0, passingUntil - now)
    busy = true
    passedMs = 0
    // The line could begin when it fell idle or when the first byte came, whichever was later; it cannot have sent
    // the last packet before that came.
    const left = Math.max(full - headStartMs, Math.min(full, packetBytes / perMs))
    servedAt = now + left + delayed
    clock.at(servedAt, () => {
      idleSince = clock.now()
      carried += parcel.bytes
      backlog -= parcel.bytes
      parcel.spanMs = full
      const next = discipline === 'fair' ? takeFair() : shared.queue.length > 0 ? shift(shared) : null
      if (next !== null) serve(next, clock.now() - next.queuedAt, 0)
      else busy = false
      parcel.through(waitMs + delayed)
    })
  }

  const takeFair = (): Parcel | null => {
    while (ringHead < ring.length) {
      const lane = ring[ringHead]!
      const first = lane.queue[lane.head]!
      if (first.bytes > lane.deficit) {
        lane.deficit += quantumBytes()
        ringHead++
        ring.push(lane)
        trim()
        continue
      }
      lane.deficit -= first.bytes
      const taken = shift(lane)
      if (lane.queue.length === 0) {
        lane.waiting = false
        lane.deficit = 0
        ringHead++
        trim()
      }
      return taken
    }
    return null
  }

  const trim = (): void => {
    if (ringHead < 1_024) return
    ring.splice(0, ringHead)
    ringHead = 0
  }

  return {
    name,
    rateBps: () => perMs * 1000,
    setRate(next) {
      perMs = next / 1000
    },
    openLane: newLane,
    send(lane, parcel) {
      if (perMs === Number.POSITIVE_INFINITY) {
        carried += parcel.bytes
        parcel.through(0)
        return
      }
      backlog += parcel.bytes
      if (!busy) {
        serve(parcel, 0, Math.min(parcel.spanMs, clock.now() - idleSince))
        return
      }
      const place = discipline === 'fifo' ? shared : lane
      parcel.queuedAt = clock.now()
      place.queue.push(parcel)
      if (discipline === 'fair' && !lane.waiting) {
        lane.waiting = true
        ring.push(lane)
      }
    },
    letsPass: () => perMs === Number.POSITIVE_INFINITY || discipline === 'fair' || !busy,
    pass(bytes) {
      carried += bytes
      if (perMs === Number.POSITIVE_INFINITY) return 0
      const now = clock.now()
      const ownMs = bytes / perMs
      passingUntil = Math.max(now, passingUntil) + ownMs
      if (!busy) return passingUntil - now
      passedMs += ownMs
      // The packet that is going out now is not interrupted.
      return passingUntil - now + Math.min(servedAt - now, packetBytes / perMs)
    },
    carriedBytes: () => carried,
    backlogMs: () =>
      perMs === Number.POSITIVE_INFINITY ? 0 : backlog / perMs + Math.max(0, passingUntil - clock.now()),
    quantumBytes,
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
