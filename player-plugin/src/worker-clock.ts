import type { Clock } from '@nearcast/peer-core'

export interface WorkerClock extends Clock {
  /** A clock with a timer of its own on the same worker: a `Clock` has one timer, so each user needs one. */
  another(): Clock
  /** Ends the worker; timers armed before fire no more. May be called twice. */
  close(): void
}

/** What the worker runs: one timer an id. Written out, because a bundler may not be asked for a second file. */
const program = `const timers = new Map()
onmessage = ({ data: { id, ms } }) => {
  clearTimeout(timers.get(id))
  timers.delete(id)
  if (ms >= 0) timers.set(id, setTimeout(() => { timers.delete(id); postMessage(id) }, ms))
}`

/**
 * The page's monotonic time and a timer that keeps time in a hidden tab: browsers slow a hidden page's own timers
 * to one a second, and to one a minute after five minutes, but not those of its workers. Where the page's content
 * security policy forbids workers from blobs, the page's own timers do.
 */
export function createWorkerClock(): WorkerClock {
  const timers = new WorkerTimers()
  const clock = (): Clock => {
    let disarm = () => {}
    return {
      now: () => performance.now(),
      arm(at, fire) {
        disarm()
        disarm = timers.start(at, fire)
        return disarm
      },
    }
  }
  return { ...clock(), another: clock, close: () => timers.close() }
}

/** A thread of its own costs a viewer's start; until then a page in view keeps its own timers. */
const quietMs = 3_000

interface Timer {
  readonly at: number
  readonly fire: () => void
  /** Set while the page keeps this timer itself. */
  page?: ReturnType<typeof setTimeout>
}

class WorkerTimers {
  readonly #timers = new Map<number, Timer>()
  #worker: Worker | null = null
  #lastId = 0
  #closed = false
  #unwatch: () => void

  constructor() {
    if (typeof document === 'undefined' || document.hidden) {
      this.#unwatch = () => {}
      this.#employ()
      return
    }
    const employ = () => {
      this.#unwatch()
      this.#employ()
    }
    const onVisibility = () => document.hidden && employ()
    const timer = setTimeout(employ, quietMs)
    document.addEventListener('visibilitychange', onVisibility)
    this.#unwatch = () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisibility)
    }
  }

  /** Timers that were given before go to the worker too. */
  #employ(): void {
    if (this.#closed) return
    this.#worker = startWorker(
      id => this.#fire(id),
      () => {
        // A content security policy refuses with an event, after timers may have been given: take them over.
        this.#worker = null
        for (const [id, timer] of this.#timers) this.#keepOnPage(id, timer)
      },
    )
    if (!this.#worker) return
    for (const [id, timer] of this.#timers) {
      clearTimeout(timer.page)
      delete timer.page
      this.#keepInWorker(this.#worker, id, timer)
    }
  }

  start(at: number, fire: () => void): () => void {
    if (this.#closed) return () => {}
    const id = ++this.#lastId
    const timer: Timer = { at, fire }
    this.#timers.set(id, timer)
    if (this.#worker) this.#keepInWorker(this.#worker, id, timer)
    else this.#keepOnPage(id, timer)
    return () => this.#stop(id)
  }

  close(): void {
    this.#closed = true
    this.#unwatch()
    for (const id of [...this.#timers.keys()]) this.#stop(id)
    this.#worker?.terminate()
    this.#worker = null
  }

  #fire(id: number): void {
    const timer = this.#timers.get(id)
    this.#timers.delete(id)
    timer?.fire()
  }

  #stop(id: number): void {
    const timer = this.#timers.get(id)
    if (!timer) return
    this.#timers.delete(id)
    if (timer.page !== undefined) clearTimeout(timer.page)
    else this.#worker?.postMessage({ id, ms: -1 })
  }

  #keepInWorker(worker: Worker, id: number, { at }: Timer): void {
    worker.postMessage({ id, ms: Math.max(0, at - performance.now()) })
  }

  #keepOnPage(id: number, timer: Timer): void {
    timer.page = setTimeout(() => this.#fire(id), Math.max(0, timer.at - performance.now()))
  }
}

function startWorker(onFire: (id: number) => void, onRefused: () => void): Worker | null {
  if (typeof Worker === 'undefined' || typeof Blob === 'undefined') return null
  let url = ''
  try {
    url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }))
    const worker = new Worker(url)
    worker.onmessage = ({ data }) => onFire(data as number)
    worker.onerror = event => {
      event.preventDefault()
      worker.terminate()
      onRefused()
    }
    return worker
  } catch {
    return null
  } finally {
    // Kept until the worker has read it: revoking at once is a race in some browsers.
    if (url) setTimeout(() => URL.revokeObjectURL(url), 10_000)
  }
}
