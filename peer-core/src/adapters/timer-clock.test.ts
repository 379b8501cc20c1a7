import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTimerClock } from './timer-clock.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the timer clock', () => {
  it('fires once when its time has come', () => {
    const clock = createTimerClock()
    const fire = vi.fn()
    clock.arm(clock.now() + 50, fire)
    vi.advanceTimersByTime(49)
    expect(fire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  it('replaces an earlier timer by a later one', () => {
    const clock = createTimerClock()
    const first = vi.fn()
    const second = vi.fn()
    clock.arm(clock.now() + 50, first)
    clock.arm(clock.now() + 80, second)
    vi.advanceTimersByTime(1000)
    expect(first).not.toHaveBeenCalled()
    expect(second).toHaveBeenCalledTimes(1)
  })

  it('keeps the newer timer when the older one is disarmed late', () => {
    const clock = createTimerClock()
    const second = vi.fn()
    const disarm = clock.arm(clock.now() + 50, vi.fn())
    const disarmSecond = clock.arm(clock.now() + 80, second)
    disarm()
    vi.advanceTimersByTime(1000)
    expect(second).toHaveBeenCalledTimes(1)
    disarmSecond()
  })

  it('waits longer than the platform can, and never for what never comes', () => {
    const clock = createTimerClock()
    const month = 30 * 86_400_000
    const fire = vi.fn()
    clock.arm(clock.now() + month, fire)
    vi.advanceTimersByTime(month - 1)
    expect(fire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fire).toHaveBeenCalledTimes(1)
    const never = vi.fn()
    const disarm = clock.arm(Number.POSITIVE_INFINITY, never)
    vi.advanceTimersByTime(2 * month)
    disarm()
    vi.advanceTimersByTime(2 * month)
    expect(never).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
