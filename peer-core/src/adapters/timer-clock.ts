import type { Clock } from '../ports.ts'

/** setTimeout takes 31 bits; longer waits are taken in steps. */
const longestMs = 0x7fffffff

/** The platform's monotonic clock and its ordinary timer. In a hidden tab browsers slow this timer to once a second. */
export function createTimerClock(): Clock {
  let timer: ReturnType<typeof setTimeout> | undefined
  let armed = 0
  return {
    now: () => performance.now(),
    arm(at, fire) {
      clearTimeout(timer)
      const turn = ++armed
      const wait = () => {
        const ms = at - performance.now()
        timer = ms > longestMs ? setTimeout(wait, longestMs) : setTimeout(fire, Math.max(0, ms))
      }
      wait()
      // A disarm that comes late must not stop a timer that replaced its own.
      return () => {
        if (turn === armed) clearTimeout(timer)
      }
    },
  }
}
