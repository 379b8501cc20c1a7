/** Something that will happen, unless cancelled. */
export interface Timer {
  cancel(): void
}

/** Virtual milliseconds. Events of one instant happen in the order they were asked for. */
export interface Clock {
  now(): number
  /** Times in the past happen now, after everything already due. */
  at(time: number, run: () => void): Timer
  after(delayMs: number, run: () => void): Timer
  /** Runs everything due up to and including `until`, then stands at `until`. */
  runUntil(until: number): void
  /** Events that ran so far. */
  steps(): number
}

interface Event extends Timer {
  readonly time: number
  readonly order: number
  run: (() => void) | null
}

/** A binary heap; cancelled events stay in it and are skipped, which is cheaper than finding them. */
export function createClock(): Clock {
  const heap: Event[] = []
  let now = 0
  let order = 0
  let steps = 0

  const at = (time: number, run: () => void): Timer => {
    if (Number.isNaN(time)) throw new Error('an event at no time')
    const event: Event = { time: Math.max(time, now), order: order++, run, cancel }
    push(heap, event)
    return event
  }

  return {
    now: () => now,
    at,
    after: (delayMs, run) => at(now + delayMs, run),
    runUntil(until) {
      for (let next = heap[0]; next !== undefined && next.time <= until; next = heap[0]) {
        pop(heap)
        const run = next.run
        if (run === null) continue
        if (next.time < now) throw new Error(`time went back from ${now} to ${next.time}`)
        now = next.time
        next.run = null
        steps++
        run()
      }
      now = Math.max(now, until)
    },
    steps: () => steps,
  }
}

function cancel(this: Event): void {
  this.run = null
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}

function push(heap: Event[], event: Event): void {
  let index = heap.length
  heap.push(event)
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent]!
    if (!before(event, above)) break
    heap[index] = above
    index = parent
  }
  heap[index] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()!
  const length = heap.length
  if (length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= length) break
    if (child + 1 < length && before(heap[child + 1]!, heap[child]!)) child++
    const below = heap[child]!
    if (!before(below, last)) break
    heap[index] = below
    index = child
  }
  heap[index] = last
}
