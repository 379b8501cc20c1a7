import type { Timers } from './timers.ts'

/** Ends waits that nothing else ends: on silence, and on abort even where the platform ignores the signal. */
export interface Watchdog {
  /** From now on, `ms` may pass until the next `limit`. */
  limit(ms: number): void
  /** As `promise`, but rejects when the time is over or the signal aborts. */
  race<T>(promise: Promise<T>): Promise<T>
  /** The limit that was exceeded, ms; 0 while none was. */
  expired(): number
  stop(): void
}

export function createWatchdog(timers: Timers, signal: AbortSignal): Watchdog {
  let disarm = () => {}
  let expired = 0
  let bark: (error: Error) => void = () => {}
  const onAbort = () => bark(new Error('aborted'))
  signal.addEventListener('abort', onAbort)
  return {
    limit(ms) {
      disarm()
      disarm = timers.after(ms, () => {
        expired = ms
        bark(new Error(`silent for ${ms} ms`))
      })
    },
    race(promise) {
      if (expired > 0 || signal.aborted) {
        promise.catch(() => {})
        return Promise.reject(new Error('too late'))
      }
      return new Promise((resolve, reject) => {
        bark = reject
        promise.then(resolve, reject)
      })
    },
    expired: () => expired,
    stop() {
      disarm()
      signal.removeEventListener('abort', onAbort)
      bark = () => {}
    },
  }
}
