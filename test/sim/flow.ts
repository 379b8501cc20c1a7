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
/** Nearer than this, the acknowledgement's way back is not worth an event. */
const nearMs = 5

interface Loaded {
  readonly cargo: Cargo
  left: number
}

export function createFlow(clock: Clock, route: Route, events: FlowEvents = {}): Flow {
  const lanes: Lane[] = route.lines.map(line => line.openLane())
  const quantum = route.lines.reduce((least, line) => Math.min(least, line.quantumBytes()), 70_080)
  const congestion = createCongestion(clock, route.delayMs * 2, freshWindow(route))
  const urgent: Loaded[] = []
  const bulk: Loaded[] = []
  let waiting = 0
  let inFlight = 0
  let closed = false
  /** The latest that will land: nothing overtakes it. */
  let landsAt = 0

  const landAt = (time: number, land: () => void): void => {
    landsAt = Math.max(landsAt, time)
    clock.at(landsAt, land)
  }

  /** One packet, by what waits for others; false when it has to queue. */
  const goBy = (cargo: Cargo): boolean => {
    if (cargo.bytes > packetBytes || inFlight > 0 || waiting > 0) return false
    for (const line of route.lines) if (!line.letsPass()) return false
    congestion.windowBytes(0)
    let ms = route.delayMs
    for (const line of route.lines) ms += line.pass(cargo.bytes)
    landAt(clock.now() + ms, () => {
      if (closed) events.onWaste?.(cargo.bytes)
      else cargo.arrive(cargo.bytes, true)
    })
    events.onSent?.(0)
    return true
  }

  const pump = (): void => {
    if (closed) return
    const windowBytes = congestion.windowBytes(inFlight)
    for (;;) {
      const started = bulk[0] !== undefined && bulk[0].left < bulk[0].cargo.bytes
      const queue = urgent.length > 0 && !started ? urgent : bulk
      const next = queue[0]
      if (next === undefined) return
      const room = windowBytes - inFlight
      const slice = Math.min(next.left, quantum, Math.max(room, packetBytes))
      // Something may always be under way; a sliver is not worth a packet.
      if (inFlight > 0 && slice > room) return
      next.left -= slice
      waiting -= slice
      inFlight += slice
      const last = next.left === 0
      if (last) queue.shift()
      launch(next.cargo, slice, last)
      if (last) events.onSent?.(waiting)
    }
  }

  const launch = (cargo: Cargo, bytes: number, last: boolean): void => {
    let hop = 0
    let waited = 0
    const parcel: Parcel = {
      bytes,
      spanMs: 0,
      queuedAt: -1,
      through(waitMs) {
        waited += waitMs
        hop++
        const line = route.lines[hop]
        if (line === undefined) landAt(clock.now() + route.delayMs, land)
        else line.send(lanes[hop]!, parcel)
      },
    }
    const land = (): void => {
      if (closed) events.onWaste?.(bytes)
      else cargo.arrive(bytes, last)
      if (route.delayMs < nearMs) acknowledge()
      else clock.after(route.delayMs, acknowledge)
    }
    const acknowledge = (): void => {
      congestion.acknowledge(bytes, waited, inFlight)
      inFlight -= bytes
      pump()
    }
    const first = route.lines[0]
    if (first === undefined) landAt(clock.now() + route.delayMs, land)
    else first.send(lanes[0]!, parcel)
  }

  return {
    push(cargo) {
      if (closed || goBy(cargo)) return
      waiting += cargo.bytes
      const queue = cargo.urgent ? urgent : bulk
      queue.push({ cargo, left: cargo.bytes })
      pump()
    },
    waitingBytes: () => waiting,
    close() {
      closed = true
      waiting = 0
      urgent.length = 0
      bulk.length = 0
    },
  }
}

interface Congestion {
  windowBytes(inFlight: number): number
  acknowledge(bytes: number, waitedMs: number, inFlight: number): void
}

function freshWindow(route: Route): number {
  if (route.delayMs * 2 >= nearMs) return initialWindow
  const slowest = route.lines.reduce((least, line) => Math.min(least, line.rateBps()), Number.POSITIVE_INFINITY)
  return Math.min(largestNearWindow, Math.max(initialWindow, (slowest * nearWindowMs) / 1000))
}

function createCongestion(clock: Clock, roundTripMs: number, fresh: number): Congestion {
  let windowBytes = fresh
  let threshold = largestWindow
  let calmAfter = 0
  let lastAt = 0
  return {
    windowBytes(inFlight) {
      if (inFlight === 0 && clock.now() - lastAt > idleMs) windowBytes = Math.min(windowBytes, fresh)
      lastAt = clock.now()
      return Math.floor(windowBytes)
    },
    acknowledge(bytes, waitedMs, inFlight) {
      lastAt = clock.now()
      if (waitedMs > congestedMs) {
        if (lastAt < calmAfter) return
        calmAfter = lastAt + roundTripMs + waitedMs
        windowBytes = Math.max(smallestWindow, windowBytes * 0.7)
        threshold = windowBytes
      } else if (inFlight * 2 >= windowBytes) {
        windowBytes += windowBytes < threshold ? bytes : (packetBytes * bytes) / windowBytes
        windowBytes = Math.min(windowBytes, largestWindow)
      }
    },
  }
}
