import { expect, it } from 'vitest'
import { createClock } from './clock.ts'
import { type Cargo, createFlow } from './flow.ts'
import { createLine } from './line.ts'

const noLimit = Number.POSITIVE_INFINITY

it('starts with ten packets and doubles each round trip', () => {
  const clock = createClock()
  const flow = createFlow(clock, { lines: [createLine(clock, 'line', noLimit, 'fair')], delayMs: 50 })
  const arrived = new Map<number, number>()
  flow.push(cargo(200_000, bytes => arrived.set(clock.now(), (arrived.get(clock.now()) ?? 0) + bytes)))
  clock.runUntil(1_000)
  expect([...arrived.keys()]).toEqual([50, 150, 250, 350])
  expect([...arrived.values()].slice(0, 3)).toEqual([14_600, 29_200, 58_400])
  expect([...arrived.values()].reduce((a, b) => a + b)).toBe(200_000)
})

it('starts over after an idle second', () => {
  const clock = createClock()
  const flow = createFlow(clock, { lines: [createLine(clock, 'line', noLimit, 'fair')], delayMs: 20 })
  flow.push(cargo(500_000))
  clock.runUntil(2_000)
  let first = 0
  flow.push(cargo(100_000, bytes => (first += bytes)))
  clock.runUntil(2_020)
  expect(first).toBe(14_600)
})

it('fills a line without standing in its own way', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 500_000, 'fair')
  const flow = createFlow(clock, { lines: [line], delayMs: 10 })
  flow.push(cargo(5_000_000))
  clock.runUntil(2_000)
  const before = line.carriedBytes()
  clock.runUntil(7_000)
  expect((line.carriedBytes() - before) / 5_000).toBeGreaterThan(475)
  expect(line.backlogMs()).toBeLessThan(250)
})

it('shares a plain router with other flows about evenly', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 500_000, 'fifo')
  const got = [0, 0, 0, 0]
  got.forEach((_, i) => {
    const flow = createFlow(clock, { lines: [line], delayMs: 10 })
    flow.push(cargo(9_000_000, bytes => (got[i]! += bytes)))
  })
  clock.runUntil(20_000)
  for (const bytes of got) expect(Math.abs(bytes - 2_500_000) / 2_500_000).toBeLessThan(0.25)
})

it('still costs the line what was under way when it is closed', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 100_000, 'fair')
  let wasted = 0
  const flow = createFlow(clock, { lines: [line], delayMs: 10 }, { onWaste: bytes => (wasted += bytes) })
  flow.push(cargo(1_000_000))
  clock.runUntil(50)
  const before = line.carriedBytes()
  flow.close()
  clock.runUntil(5_000)
  expect(wasted).toBeGreaterThanOrEqual(14_600 - before)
  expect(line.carriedBytes()).toBeLessThan(40_000)
})

it('sends control before what waits, never into the middle of a message', () => {
  const clock = createClock()
  const flow = createFlow(clock, { lines: [createLine(clock, 'line', 100_000, 'fair')], delayMs: 1 })
  const done: string[] = []
  flow.push(cargo(60_000, (_, last) => last && done.push('bulk 1')))
  flow.push(cargo(60_000, (_, last) => last && done.push('bulk 2')))
  flow.push({ ...cargo(50, (_, last) => last && done.push('control')), urgent: true })
  clock.runUntil(5_000)
  expect(done).toEqual(['bulk 1', 'control', 'bulk 2'])
})

it('says what still waits when something was handed over', () => {
  const clock = createClock()
  const told: number[] = []
  const route = { lines: [createLine(clock, 'line', 100_000, 'fair')], delayMs: 1 }
  const flow = createFlow(clock, route, { onSent: waiting => told.push(waiting) })
  flow.push(cargo(30_000))
  flow.push(cargo(30_000))
  expect(flow.waitingBytes()).toBeGreaterThan(30_000)
  clock.runUntil(5_000)
  expect(told.at(-1)).toBe(0)
  expect(told).toHaveLength(2)
})

it('lets one packet go by what waits for others, for one event and the time it takes', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 100_000, 'fair')
  const [full, small] = [1, 2].map(() => createFlow(clock, { lines: [line], delayMs: 10 }))
  full!.push(cargo(1_000_000))
  clock.runUntil(20)
  const before = clock.steps()
  let at = 0
  small!.push(cargo(100, () => (at = clock.now())))
  clock.runUntil(60)
  expect(at).toBeGreaterThan(31)
  expect(at).toBeLessThan(48)
  expect(clock.steps() - before).toBeLessThan(4)
  clock.runUntil(1_000)
  // What went by is paid for: the line is never faster than it is.
  expect(line.carriedBytes()).toBeLessThanOrEqual(100_000)
})

it('never lets a packet overtake what its own flow sent before', () => {
  const clock = createClock()
  const flow = createFlow(clock, { lines: [createLine(clock, 'line', 100_000, 'fair')], delayMs: 5 })
  const seen: number[] = []
  for (const bytes of [1_000, 30_000, 40, 1_400, 20, 9_000, 10])
    flow.push(cargo(bytes, (_, last) => last && seen.push(bytes)))
  clock.runUntil(5_000)
  expect(seen).toEqual([1_000, 30_000, 40, 1_400, 20, 9_000, 10])
})

it('makes a packet queue where there is one queue for all', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 100_000, 'fifo')
  const [full, small] = [1, 2].map(() => createFlow(clock, { lines: [line], delayMs: 10 }))
  full!.push(cargo(14_600))
  let at = 0
  small!.push(cargo(100, () => (at = clock.now())))
  clock.runUntil(1_000)
  expect(at).toBeGreaterThanOrEqual(157)
})

function cargo(bytes: number, arrive: (bytes: number, last: boolean) => void = () => {}): Cargo {
  return { bytes, urgent: false, arrive }
}
