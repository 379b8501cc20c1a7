import { expect, it } from 'vitest'
import { createClock } from './clock.ts'
import { createLine, type Lane, type Line } from './line.ts'

it('carries its rate and no more', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 1_000_000, 'fair')
  const lane = line.openLane()
  for (let i = 0; i < 300; i++) push(line, lane, 10_000)
  clock.runUntil(1_000)
  expect(line.carriedBytes()).toBe(1_000_000)
  expect(line.backlogMs()).toBe(2_000)
})

it('gives each of several lanes an equal share, whatever the size of their parcels', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 900_000, 'fair')
  const got = [0, 0, 0]
  const sizes = [2_000, 5_000, 12_000]
  sizes.forEach((bytes, i) => {
    const lane = line.openLane()
    for (let sent = 0; sent < 900_000; sent += bytes) push(line, lane, bytes, () => (got[i]! += bytes))
  })
  clock.runUntil(1_000)
  for (const bytes of got) expect(Math.abs(bytes - 300_000)).toBeLessThan(15_000)
})

it('serves a plain router’s queue in the order of arrival', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 1_000_000, 'fifo')
  const done: string[] = []
  const [a, b] = [line.openLane(), line.openLane()]
  push(line, a, 1_000, () => done.push('a1'))
  push(line, a, 1_000, () => done.push('a2'))
  push(line, b, 1_000, () => done.push('b1'))
  push(line, a, 1_000, () => done.push('a3'))
  clock.runUntil(10)
  expect(done).toEqual(['a1', 'a2', 'b1', 'a3'])
})

it('lets a small lane pass a full one when lanes take turns', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', 1_000_000, 'fair')
  const [full, small] = [line.openLane(), line.openLane()]
  for (let i = 0; i < 100; i++) push(line, full, 5_000)
  let at = 0
  push(line, small, 100, () => (at = clock.now()))
  clock.runUntil(1_000)
  expect(at).toBeLessThan(30)
})

it('starts on a parcel while its end is still in the line before', () => {
  const clock = createClock()
  const first = createLine(clock, 'first', 1_000_000, 'fair')
  const second = createLine(clock, 'second', 1_000_000, 'fair')
  const [a, b] = [first.openLane(), second.openLane()]
  let at = 0
  const parcel = {
    bytes: 50_000,
    spanMs: 0,
    queuedAt: -1,
    through() {
      second.send(b, { ...parcel, spanMs: parcel.spanMs, through: () => (at = clock.now()) })
    },
  }
  first.send(a, parcel)
  clock.runUntil(1_000)
  // 50 ms for the bytes once, and one packet more; not 100.
  expect(at).toBeCloseTo(51.5, 5)
})

it('carries everything at once when it has no limit', () => {
  const clock = createClock()
  const line = createLine(clock, 'line', Number.POSITIVE_INFINITY, 'fair')
  let done = false
  push(line, line.openLane(), 1e9, () => (done = true))
  expect(done).toBe(true)
})

function push(line: Line, lane: Lane, bytes: number, through: () => void = () => {}): void {
  line.send(lane, { bytes, spanMs: 0, queuedAt: -1, through })
}
