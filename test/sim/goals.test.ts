import { describe, expect, it } from 'vitest'
import { combine, type Figures, figuresOf } from './figures.ts'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'

/** What viewers and their office get, against the plain player in the same world. */

const seeds = [1, 2, 3]

function both(name: string): { readonly http: Figures; readonly nearcast: Figures } {
  const of = (policy: string): Figures =>
    combine(seeds.map(seed => figuresOf(run(scenarioFor(name, seed), policy, seed))))
  return { http: of('http'), nearcast: of('nearcast') }
}

describe.each(['live-office', 'live-demuxed', 'vod-together', 'vod-staggered', 'storm'])('%s', name => {
  const { http, nearcast } = both(name)

  it('brings each segment over the line once', () => {
    expect(nearcast.detail.worstCopiesSteady).toBeLessThanOrEqual(1.05)
    expect(nearcast.copiesWithJoins).toBeLessThanOrEqual(1.2)
  })

  it('gives the viewer what the plain player gives, or better', () => {
    expect(nearcast.stalls).toBeLessThanOrEqual(http.stalls)
    expect(nearcast.startupP50Ms).toBeLessThanOrEqual(
      Math.max(http.startupP50Ms * 1.15, http.startupP50Ms + 100),
    )
    expect(nearcast.latencyP50Ms).toBeLessThanOrEqual(http.latencyP50Ms + 100)
    expect(nearcast.detail.neverStarted).toBe(0)
  })
})

it('costs a viewer alone nothing', () => {
  const { http, nearcast } = both('one-viewer')
  expect(nearcast.edgeBytes).toBe(http.edgeBytes)
  expect(nearcast.startupP99Ms).toBeLessThanOrEqual(http.startupP99Ms + 5)
  expect(nearcast.duplicateBytes).toBe(0)
})

it('keeps two offices at one copy each', () => {
  expect(both('live-two-offices').nearcast.detail.worstCopiesSteady).toBeLessThanOrEqual(1.05)
})

it('drops a liar without a wrong byte played, at the cost of its own copy alone', () => {
  const scenario = { ...scenarioFor('faults', 1), faults: { slow: 0, silent: 0, lying: 0.1 } }
  const runs = seeds.map(seed => figuresOf(run(scenario, 'nearcast', seed)))
  const { violations, stalls, detail, copiesWithJoins } = combine(runs)
  expect(violations).toBe(0)
  expect(stalls).toBe(0)
  // One for the group, and at most one for the liar, with whom nobody shares once it is found out.
  expect(detail.worstCopiesSteady).toBeLessThanOrEqual(2.05)
  expect(copiesWithJoins).toBeLessThanOrEqual(2.05)
  // Not each liar is asked; if none was, this shows nothing.
  expect(detail.worstCopiesSteady).toBeGreaterThan(1.9)
})

it('bears a liar, two silent and two slow among ten with less than half a copy more', () => {
  const { http, nearcast } = both('faults')
  expect(nearcast.violations).toBe(0)
  expect(nearcast.stalls).toBeLessThanOrEqual(http.stalls)
  expect(nearcast.detail.worstCopiesSteady).toBeLessThanOrEqual(2.5)
})
