/** Time as a source needs it: several timers at once, unlike the host's clock. */
export interface Timers {
  /** Monotonic ms. */
  now(): number
  /** Calls `fire` once, `ms` from now; returns a disarm. */
  after(ms: number, fire: () => void): () => void
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, fire) {
    // setTimeout takes 32 bits; anything longer means never.
    if (ms > 0x7fffffff) return () => {}
    const timer = setTimeout(fire, ms)
    return () => clearTimeout(timer)
  },
}

/** Resolves `ms` from now, or at once when the signal aborts. */
export function sleep(ms: number, timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const finish = () => {
      disarm()
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const disarm = timers.after(ms, finish)
    signal.addEventListener('abort', finish)
  })
}
