import { describe, expect, it } from 'vitest'
import { assumedGoodput, type Goodput, observeDelay, observeTransfer, plannedBps } from './goodput.ts'

function after(model: Goodput, count: number, bytes: number, ms: number): Goodput {
  let next = model
  for (let i = 0; i < count; i++) next = observeTransfer(next, bytes, ms)
  return next
}

describe('goodput', () => {
  it('is a belief until the first sample replaces it', () => {
    expect(observeTransfer(assumedGoodput(4_000_000, 5), 10_000, 100).bps).toBe(100_000)
  })

  it('follows a source that changes', () => {
    const slow = after(after(assumedGoodput(1, 5), 20, 100_000, 100), 20, 10_000, 100)
    expect(slow.bps).toBeGreaterThan(100_000)
    expect(slow.bps).toBeLessThan(115_000)
  })

  it('is not thrown over by one sample', () => {
    const steady = after(assumedGoodput(1, 5), 20, 100_000, 100)
    expect(observeTransfer(steady, 1_000, 1_000).bps).toBeGreaterThan(0.75 * steady.bps)
  })

  it('is planned with below its mean where it varies, and near it where it does not', () => {
    const steady = after(assumedGoodput(1, 5), 40, 100_000, 100)
    expect(plannedBps(steady)).toBeGreaterThan(0.99 * steady.bps)
    let varying = steady
    for (let i = 0; i < 40; i++) varying = observeTransfer(varying, i % 2 === 0 ? 20_000 : 180_000, 100)
    expect(plannedBps(varying)).toBeLessThan(0.7 * varying.bps)
    expect(plannedBps(varying)).toBeGreaterThanOrEqual(varying.bps / 4)
  })

  it('of an instant transfer is bounded by the grain of timers', () => {
    expect(observeTransfer(assumedGoodput(1, 5), 16_384, 0).bps).toBe(32_768_000)
  })

  it('is never planned as nothing', () => {
    expect(plannedBps(after(assumedGoodput(1, 5), 5, 0, 1000))).toBe(1)
  })

  it('learns no patience from a machine that slept through a wait', () => {
    expect(observeDelay(assumedGoodput(1000, 50), 8 * 3_600_000).delayMs).toBeLessThan(1_100)
  })

  it('keeps rate and delay apart', () => {
    const model = observeDelay(assumedGoodput(1000, 50), 150)
    expect(model).toMatchObject({ bps: 1000, delayMs: 70, samples: 0 })
  })
})
