import { expect, it } from 'vitest'
import { Abr, type LoadedFacts } from './abr.ts'
import { figuresOf } from './figures.ts'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'

const levels = [400_000, 1_500_000, 3_000_000].map(bps => ({ averageBps: bps, peakBps: bps * 1.3 }))
const live = (): Abr => new Abr(levels, true, 2_000)

/** Plays fragments of `seconds` × `bps` that took as long as `lineBps` has it; returns the level chosen after. */
function feed(abr: Abr, lineBps: number, count: number, delivery: LoadedFacts['delivery'] = null): number {
  let level = abr.next(0, 0)
  for (let i = 0; i < count; i++) {
    const bytes = (levels[level]!.averageBps * 2) / 8
    const startMs = i * 10_000
    const firstMs = startMs + 30
    const endMs = firstMs + (bytes * 8_000) / lineBps
    abr.buffered(abr.loaded({ level, bytes, startMs, firstMs, endMs, delivery }), endMs)
    level = abr.next(level, 4_000)
  }
  return level
}

it('starts at what its default estimate of 500 kbit/s carries, the lowest here', () => {
  expect(live().next(0, 0)).toBe(0)
  expect(live().estimateBps()).toBe(500_000)
})

it('climbs when the line carries a rendition 1.4 times over, and not before', () => {
  expect(feed(live(), 20_000_000, 12)).toBe(2)
  // 0.7 × 2 Mbit/s is below the middle rendition.
  expect(feed(live(), 2_000_000, 12)).toBe(0)
  expect(feed(live(), 2_600_000, 12)).toBe(1)
})

it('believes a line that became slow within a few fragments, and one that became fast only later', () => {
  const abr = live()
  feed(abr, 20_000_000, 12)
  expect(feed(abr, 1_000_000, 4)).toBe(0)
  const slow = live()
  feed(slow, 1_000_000, 6)
  const before = slow.estimateBps()
  feed(slow, 20_000_000, 1)
  expect(slow.estimateBps()).toBeLessThan(before * 4)
})

it('gives up a fragment that would come after the buffer is dry, for one that comes before', () => {
  const abr = live()
  feed(abr, 20_000_000, 12)
  const load = { level: 2, startMs: 100_000, firstMs: 100_030, loadedBytes: 200_000 }
  expect(abr.abandon(load, 100_900, 3_000)).toBe(-1)
  expect(abr.abandon({ ...load, loadedBytes: 700_000 }, 101_500, 1_000)).toBe(-1)
  expect(abr.abandon(load, 102_000, 2_400)).toBeLessThan(2)
  expect(abr.abandon(load, 102_000, 2_400)).toBeGreaterThanOrEqual(0)
  expect(abr.abandon({ ...load, level: 0 }, 109_000, 0)).toBe(-1)
})

it('takes no LAN speed for the line’s: what is held teaches nothing, what is leased the fetcher’s rate', () => {
  const held = live()
  feed(held, 3_000_000, 4)
  const before = held.estimateBps()
  feed(held, 90_000_000, 10, { origin: 'held', edgeBps: 400_000 })
  expect(held.estimateBps() / before).toBeGreaterThan(0.8)
  expect(held.estimateBps() / before).toBeLessThan(1.2)
  const leased = live()
  feed(leased, 90_000_000, 10, { origin: 'leased', edgeBps: 250_000 })
  expect(leased.estimateBps()).toBeGreaterThan(1_700_000)
  expect(leased.estimateBps()).toBeLessThan(2_300_000)
})

it('goes no higher than the cap of a stated line', () => {
  const abr = live()
  abr.capAt(1)
  expect(feed(abr, 50_000_000, 12)).toBe(1)
})

it('plays on through a line that drops, at fewer bits, and more of them with peers than without', () => {
  const of = (policy: string) => figuresOf(run(scenarioFor('abr-drop', 1), policy, 1))
  const [http, nearcast] = [of('http'), of('nearcast')]
  for (const { detail } of [http, nearcast]) {
    expect(detail.switchesPerViewerMinute).toBeGreaterThan(0.5)
    expect(detail.meanKbps).toBeGreaterThan(500)
    expect(detail.meanKbps).toBeLessThan(2_900)
  }
  expect(nearcast.detail.meanKbps).toBeGreaterThan(http.detail.meanKbps)
  expect(nearcast.violations).toBe(0)
})
