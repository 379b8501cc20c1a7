import type { Clock } from './clock.ts'
import type { Lane, Line, Parcel } from './line.ts'

/** A message or a response body: sent in slices, in order. */
export interface Cargo {
  readonly bytes: number
  /** Goes before cargo of which nothing was sent yet. */
  readonly urgent: boolean
  /** `bytes` more of it came; `last` once, with the last of them. */
  arrive(bytes: number, last: boolean): void
}

export interface Route {
  readonly lines: readonly Line[]
  /** One way, besides what the lines take. */
  readonly delayMs: number
}

/**
 * One direction of one connection: bytes stay in order and in a congestion window, TCP's or SCTP's. It starts with
 * ten packets (RFC 6928), doubles each round trip, falls to 0.7 (CUBIC, RFC 9438) when queues on the way cost 100 ms,
 * and starts over after an idle second (RFC 5681 §4.1). Nothing is lost: a queue too long says it without. What fits
 * in one packet and has nothing of its own flow before it goes by the queues, and costs one event.
 */
export interface Flow {
  push(cargo: Cargo): void
  /** Bytes that no line has taken yet. */
  waitingBytes(): number
  /** Forgets what was not sent. What is under way still costs the lines and then counts as waste. */
  close(): void
}

export interface FlowEvents {
  /** Less waits than before. */
  onSent?(waitingBytes: number): void
  /** Bytes came after `close`. */
  onWaste?(bytes: number): void
}

const packetBytes = 1_460
const initialWindow = 10 * packetBytes
/** Where a round trip is shorter than anybody's clock, two of them to open the window are nothing: this much of … */
const nearWindowMs = 20
/** … the slowest line on the way, and no more than this. */
const largestNearWindow = 131_072
const smallestWindow = 2 * packetBytes
const largestWindow = 4_194_304
const congestedMs = 100
const idleMs = 1_000
/** A run of 64 KiB and what is around it. */
const largestSlice = 70_080
/** Nearer than this, the acknowledgement's way back is not worth an event. */
const nearMs = 5

interface Loaded {
  readonly cargo: Cargo
  left: number
}

export function createFlow(clock: Clock, route: Route, events: FlowEvents = {}): Flow {
  return new Pipe(clock, route, events)
}

/** Of a thousand viewers' 25 links each: made small, and what only bulk needs is made with the first of it. */
class Pipe implements Flow {
  readonly #clock: Clock
  readonly #route: Route
  readonly #events: FlowEvents
  readonly #congestion: Congestion
  #bulk: Bulk | null = null
  #waiting = 0
  #inFlight = 0
  #closed = false
  /** The latest that will land: nothing overtakes it. */
  #landsAt = 0

  constructor(clock: Clock, route: Route, events: FlowEvents) {
    this.#clock = clock
    this.#route = route
    this.#events = events
    this.#congestion = new Congestion(route.delayMs * 2, freshWindow(route))
  }

  push(cargo: Cargo): void {
    if (this.#closed || this.#goBy(cargo)) return
    this.#waiting += cargo.bytes
    this.#bulk ??= newBulk(this.#route)
    const queue = cargo.urgent ? this.#bulk.urgent : this.#bulk.plain
    queue.push({ cargo, left: cargo.bytes })
    this.#pump(this.#bulk)
  }

  waitingBytes(): number {
    return this.#waiting
  }

  close(): void {
    this.#closed = true
    this.#waiting = 0
    this.#bulk = null
  }

  /** One packet, by what waits for others; false when it has to queue. */
  #goBy(cargo: Cargo): boolean {
    if (cargo.bytes > packetBytes || this.#inFlight > 0 || this.#waiting > 0) return false
    const { lines, delayMs } = this.#route
    for (const line of lines) if (!line.letsPass()) return false
    const now = this.#clock.now()
    this.#congestion.windowBytes(0, now)
    let ms = delayMs
    for (const line of lines) ms += line.pass(cargo.bytes)
    this.#landAt(now + ms, () => {
      if (this.#closed) this.#events.onWaste?.(cargo.bytes)
      else cargo.arrive(cargo.bytes, true)
    })
    this.#events.onSent?.(0)
    return true
  }

  #landAt(time: number, land: () => void): void {
    this.#landsAt = Math.max(this.#landsAt, time)
    this.#clock.at(this.#landsAt, land)
  }

  #pump(bulk: Bulk): void {
    const windowBytes = this.#congestion.windowBytes(this.#inFlight, this.#clock.now())
    while (!this.#closed) {
      const started = bulk.plain[0] !== undefined && bulk.plain[0].left < bulk.plain[0].cargo.bytes
      const queue = bulk.urgent.length > 0 && !started ? bulk.urgent : bulk.plain
      const next = queue[0]
      if (next === undefined) return
      const room = windowBytes - this.#inFlight
      const slice = Math.min(next.left, bulk.quantum, Math.max(room, packetBytes))
      // Something may always be under way; a sliver is not worth a packet.
      if (this.#inFlight > 0 && slice > room) return
      next.left -= slice
      this.#waiting -= slice
      this.#inFlight += slice
      const last = next.left === 0
      if (last) queue.shift()
      this.#launch(bulk.lanes, next.cargo, slice, last)
      if (last) this.#events.onSent?.(this.#waiting)
    }
  }

  #launch(lanes: readonly Lane[], cargo: Cargo, bytes: number, last: boolean): void {
    const { lines, delayMs } = this.#route
    let hop = 0
    let waited = 0
    const parcel: Parcel = {
      bytes,
      spanMs: 0,
      queuedAt: -1,
      through: waitMs => {
        waited += waitMs
        hop++
        forward()
      },
    }
    const forward = (): void => {
      const line = lines[hop]
      if (line === undefined) this.#landAt(this.#clock.now() + delayMs, land)
      else line.send(lanes[hop]!, parcel)
    }
    const land = (): void => {
      if (this.#closed) this.#events.onWaste?.(bytes)
      else cargo.arrive(bytes, last)
      if (delayMs < nearMs) acknowledge()
      else this.#clock.after(delayMs, acknowledge)
    }
    const acknowledge = (): void => {
      this.#congestion.acknowledge(bytes, waited, this.#inFlight, this.#clock.now())
      this.#inFlight -= bytes
      if (this.#bulk !== null) this.#pump(this.#bulk)
    }
    forward()
  }
}

/** What a flow needs once something of it has to queue. */
interface Bulk {
  readonly lanes: readonly Lane[]
  readonly quantum: number
  readonly urgent: Loaded[]
  readonly plain: Loaded[]
}

function newBulk({ lines }: Route): Bulk {
  return {
    lanes: lines.map(line => line.openLane()),
    quantum: lines.reduce((least, line) => Math.min(least, line.quantumBytes()), largestSlice),
    urgent: [],
    plain: [],
  }
}

function freshWindow(route: Route): number {
  if (route.delayMs * 2 >= nearMs) return initialWindow
  const slowest = route.lines.reduce(
    (least, line) => Math.min(least, line.rateBps()),
    Number.POSITIVE_INFINITY,
  )
  return Math.min(largestNearWindow, Math.max(initialWindow, (slowest * nearWindowMs) / 1000))
}

class Congestion {
  readonly #roundTripMs: number
  readonly #fresh: number
  #windowBytes: number
  #threshold = largestWindow
  #calmAfter = 0
  #lastAt = 0

  constructor(roundTripMs: number, fresh: number) {
    this.#roundTripMs = roundTripMs
    this.#fresh = fresh
    this.#windowBytes = fresh
  }

  windowBytes(inFlight: number, now: number): number {
    if (inFlight === 0 && now - this.#lastAt > idleMs)
      this.#windowBytes = Math.min(this.#windowBytes, this.#fresh)
    this.#lastAt = now
    return Math.floor(this.#windowBytes)
  }

  acknowledge(bytes: number, waitedMs: number, inFlight: number, now: number): void {
    this.#lastAt = now
    if (waitedMs > congestedMs) {
      if (now < this.#calmAfter) return
      this.#calmAfter = now + this.#roundTripMs + waitedMs
      this.#windowBytes = Math.max(smallestWindow, this.#windowBytes * 0.7)
      this.#threshold = this.#windowBytes
    } else if (inFlight * 2 >= this.#windowBytes) {
      this.#windowBytes +=
        this.#windowBytes < this.#threshold ? bytes : (packetBytes * bytes) / this.#windowBytes
      this.#windowBytes = Math.min(this.#windowBytes, largestWindow)
    }
  }
}
