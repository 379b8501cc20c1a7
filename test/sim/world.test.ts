import { expect, it } from 'vitest'
import { figuresOf } from './figures.ts'
import { run } from './runs.ts'
import { officeScenario, type Scenario } from './scenario.ts'

const quick: Scenario = { ...officeScenario, durationMs: 40_000, joinOverMs: 5_000 }

it('makes as many copies as viewers with plain HTTP, each on the line', () => {
  for (const viewers of [1, 3, 8]) {
    const outcome = run({ ...quick, viewers }, 'http', 1)
    const figures = figuresOf(outcome)
    expect(figures.copiesSteady).toBe(viewers)
    expect(figures.p2pShare).toBe(0)
    expect(figures.stalls).toBe(0)
    const carried = outcome.sites.reduce((sum, site) => sum + site.down.carriedBytes(), 0)
    const told = figures.edgeBytes + figures.controlBytes
    expect(Math.abs(carried - told) / told).toBeLessThan(0.01)
  }
})

it('divides a line: viewers that fit play, and more of them stall', () => {
  const fits = figuresOf(run({ ...quick, viewers: 4, lineRatio: 6 }, 'http', 1))
  const starves = figuresOf(run({ ...quick, viewers: 8, lineRatio: 4 }, 'http', 1))
  expect(fits.stalls).toBe(0)
  expect(starves.detail.stallSecondsPerViewerMinute).toBeGreaterThan(10)
})

it('plays or stalls from the first frame on, catch-up jumps of the player included', () => {
  const outcome = run({ ...quick, viewers: 8, lineRatio: 4 }, 'http', 1)
  for (const viewing of outcome.viewings) {
    if (viewing.startupMs === null) continue
    const sinceMs = quick.durationMs - viewing.joinedAt - viewing.startupMs
    expect(viewing.playedMs + viewing.stallMs).toBeCloseTo(sinceMs, 0)
  }
})

it('calls it infinitely many copies when bytes came and nobody saw a segment', () => {
  const figures = figuresOf(
    run({ ...quick, lineRatio: 0.01, stream: { ...quick.stream, init: false } }, 'http', 1),
  )
  expect(figures.edgeBytes).toBeGreaterThan(0)
  expect(figures.copiesWithJoins).toBe(Number.POSITIVE_INFINITY)
})

it('never brings more over a line than it carries', () => {
  const outcome = run({ ...quick, viewers: 8, lineRatio: 2 }, 'http', 1)
  const most = (1_500_000 * 2 * 40) / 8
  for (const site of outcome.sites) expect(site.down.carriedBytes()).toBeLessThanOrEqual(most)
})

it('plays three targets behind the live edge, each viewer on its own beat', () => {
  const outcome = run({ ...quick, viewers: 6, joinOverMs: 7_000 }, 'http', 3)
  const latencies = outcome.viewings.map(viewing => viewing.latencies.at(-1)!)
  for (const latency of latencies) {
    expect(latency).toBeGreaterThan(6_000)
    expect(latency).toBeLessThan(9_000)
  }
  expect(new Set(latencies.map(latency => Math.round(latency / 50))).size).toBeGreaterThan(3)
})

it('counts what peers outside give on the line of the site that takes it', () => {
  const homes: Scenario = { ...quick, viewers: 4, sites: 4, outsideLinks: 3, lineRatio: 20 }
  const outcome = run(homes, 'nearcast', 1)
  const totals = outcome.books.totals()
  expect(totals.usefulPeer).toBeGreaterThan(totals.usefulEdge)
  let outside = 0
  for (const accounts of outcome.books.accounts().values()) {
    for (const account of accounts.values()) outside += account.outsideBytes
  }
  expect(outside).toBe(totals.peerMedia)
  expect(figuresOf(outcome).copiesSteady).toBeGreaterThanOrEqual(0.999)
})

it('keeps offices apart that may not exchange', () => {
  const outcome = run({ ...quick, sites: 2 }, 'nearcast', 1)
  for (const accounts of outcome.books.accounts().values()) {
    for (const account of accounts.values()) expect(account.outsideBytes).toBe(0)
  }
})

it('gives the same trace for the same seed, and another for another', () => {
  for (const scenario of [
    quick,
    { ...quick, churnMs: 15_000, faults: { slow: 0.2, silent: 0.2, lying: 0.2 } },
  ]) {
    const one = run(scenario, 'nearcast', 11)
    const two = run(scenario, 'nearcast', 11)
    const other = run(scenario, 'nearcast', 12)
    expect(two.fingerprint).toBe(one.fingerprint)
    expect({ ...figuresOf(two), cost: null }).toEqual({ ...figuresOf(one), cost: null })
    expect(other.fingerprint).not.toBe(one.fingerprint)
  }
})

it('makes viewers die, and others take their place', () => {
  const outcome = run({ ...quick, viewers: 8, churnMs: 10_000 }, 'http', 1)
  expect(outcome.viewings.length).toBeGreaterThan(12)
  expect(outcome.viewings.filter(viewing => viewing.leftAt! < 39_000).length).toBeGreaterThan(4)
})

it('jumps where the viewer seeks, and stands while paused', () => {
  const vod: Scenario = {
    ...quick,
    viewers: 1,
    stream: { ...quick.stream, kind: 'vod', vodSegments: 60 },
    actions: [
      { atMs: 10_000, viewer: 0, does: { type: 'seek', toMs: 80_000 } },
      { atMs: 15_000, viewer: 0, does: { type: 'pause' } },
      { atMs: 25_000, viewer: 0, does: { type: 'resume' } },
    ],
  }
  const [viewing] = run(vod, 'http', 1).viewings
  expect(viewing!.seeks).toHaveLength(1)
  expect(viewing!.seeks[0]!).toBeLessThan(500)
  expect(viewing!.playedMs).toBeGreaterThan(27_000)
  expect(viewing!.playedMs).toBeLessThan(30_000)
  expect(viewing!.stalls).toBe(0)
})
