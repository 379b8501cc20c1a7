import { expect, it } from 'vitest'
import { createMeter } from './meter.ts'

it('leaves idle time out', () => {
  const meter = createMeter()
  meter.begin(0)
  meter.add(1_000, 500_000)
  meter.end(1_000)
  meter.begin(9_000)
  meter.add(10_000, 500_000)
  meter.end(10_000)
  expect(meter.bps(10_000, 15_000)).toBe(500_000)
})

it('counts the time of downloads side by side once', () => {
  const meter = createMeter()
  meter.begin(0)
  meter.begin(0)
  meter.add(1_000, 300_000)
  meter.add(1_000, 300_000)
  meter.end(1_000)
  meter.end(1_000)
  expect(meter.bps(1_000, 10_000)).toBe(600_000)
})

it('forgets what lies before the window, and everything when told to', () => {
  const meter = createMeter()
  meter.begin(0)
  meter.add(1_000, 100_000)
  meter.add(20_000, 190_000)
  expect(meter.bps(20_000, 10_000)).toBe(10_000)
  meter.clear()
  expect(meter.bps(20_000, 10_000)).toBe(0)
})
