import type { Clock } from '../ports.ts'

/** The platform's monotonic clock and its ordinary timer. In a hidden tab browsers slow this timer to once a second. */
export function createTimerClock(): Clock {
  return {
    now: () => performance.now(),
    arm(at, fire) {
      const timer = setTimeout(fire, Math.max(0, at - performance.now()))
      return () => clearTimeout(timer)
    },
  }
}
