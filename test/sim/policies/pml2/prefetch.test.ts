import { expect, it } from 'vitest'
import { createDice } from '../../random.ts'
import { type Facts, missingOf, segmentOf, viewOf } from '../pml/testing/view.ts'
import { prefetchAfterMs, prefetchByChance } from './prefetch.ts'

const dice = createDice(1)
const rounds = 4_000

function mean(neighbours: number, facts: readonly Facts[]): number {
  const view = viewOf({
    neighbours: Array.from({ length: neighbours }, (_, i) => `peer ${i}`),
    missing: facts.map((fact, i) => missingOf(segmentOf(i), fact)),
  })
  let fetched = 0
  for (let i = 0; i < rounds; i++) fetched += prefetchByChance(view, dice).length
  return fetched / rounds
}

it('fetches its share of one segment nobody has: one of all viewers on average', () => {
  expect(mean(5, [{}])).toBeCloseTo(1 / 6, 1)
  expect(mean(1, [{}])).toBeCloseTo(1 / 2, 1)
  expect(mean(19, [{}])).toBeCloseTo(1 / 20, 1)
})

it('takes one less probable with each it looked at, and never more than its slots', () => {
  // Three candidates of two viewers: 1.5, then 0.5.
  expect(mean(1, [{}, {}, {}])).toBeCloseTo(1.5, 1)
  expect(mean(1, [{}, {}, {}, {}, {}, {}])).toBe(2)
  expect(mean(1, [{ loading: 'http' }, {}, {}, {}, {}])).toBe(1)
  expect(mean(1, [{ loading: 'http' }, { loading: 'http' }, {}])).toBe(0)
})

it('leaves what a neighbour has or fetches, what is on its way, and what failed too often', () => {
  const facts: Facts[] = [
    { isFetched: true },
    { holders: [{ peer: 'a', bps: 0 }] },
    { loading: 'p2p' },
    { isSpent: true },
  ]
  expect(mean(1, facts)).toBe(0)
})

it('prefetches nothing alone, nor into a full store', () => {
  expect(mean(0, [{}, {}])).toBe(0)
  const full = viewOf({ neighbours: ['a'], missing: [missingOf(segmentOf(0))], storeIsFull: true })
  for (let i = 0; i < 50; i++) expect(prefetchByChance(full, dice)).toEqual([])
})

it('waits a second, and up to one more for each neighbour', () => {
  expect(prefetchAfterMs(0, dice)).toBe(1_000)
  const waits = Array.from({ length: 500 }, () => prefetchAfterMs(10, dice))
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000)
  expect(Math.max(...waits)).toBeLessThan(11_000)
  expect(Math.max(...waits)).toBeGreaterThan(10_000)
})
