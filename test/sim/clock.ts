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

class Event implements Timer {
  readonly time: number
  readonly order: number
  run: (() => void) | null

  constructor(time: number, order: number, run: () => void) {
    this.time = time
    this.order = order
    this.run = run
  }

  cancel(): void {
    this.run = null
  }
}

/** Events of the next so many milliseconds lie in a page each; those beyond in a heap. */
const pages = 4_096

/**
 * A calendar: events of this millisecond in a small heap, those of the next four seconds in unsorted pages, the rest
 * in a large heap. Most timers are set for soon and many are cancelled: a page drops those when its time comes.
 */
export function createClock(): Clock {
  const near: Event[] = []
  const far: Event[] = []
  const calendar: Event[][] = Array.from({ length: pages }, () => [])
  let page = 0
  let now = 0
  let order = 0
  let steps = 0

  const at = (time: number, run: () => void): Timer => {
    if (Number.isNaN(time)) throw new Error('an event at no time')
    const event = new Event(Math.max(time, now), order++, run)
    place(event)
    return event
  }

  const place = (event: Event): void => {
    const ahead = Math.floor(event.time) - page
    if (ahead <= 0) push(near, event)
    else if (ahead < pages) calendar[(page + ahead) % pages]!.push(event)
    else push(far, event)
  }

  /** Turns the calendar until something is due by `until`, or its page is reached. */
  const turn = (until: number): Event | null => {
    for (;;) {
      const next = near[0]
      if (next !== undefined) return next.time <= until ? next : null
      if (page + 1 > until) return null
      page++
      const events = calendar[page % pages]!
      for (const event of events) if (event.run !== null) push(near, event)
      events.length = 0
      for (let last = far[0]; last !== undefined && last.time < page + pages; last = far[0]) {
        pop(far)
        if (last.run !== null) place(last)
      }
    }
  }

  return {
    now: () => now,
    at,
    after: (delayMs, run) => at(now + delayMs, run),
    runUntil(until) {
      for (let next = turn(until); next !== null; next = turn(until)) {
        pop(near)
        const { run } = next
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
