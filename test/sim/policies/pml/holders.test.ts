import { expect, it } from 'vitest'
import { createDice } from '../../random.ts'
import { pickHolder } from './holders.ts'
import type { Holder } from './rules.ts'

const draws = 4_000

function shares(holders: readonly Holder[]): ReadonlyMap<string, number> {
  const dice = createDice(1)
  const counts = new Map<string, number>()
  for (let i = 0; i < draws; i++) {
    const { peer } = pickHolder(holders, dice)!
    counts.set(peer, (counts.get(peer) ?? 0) + 1 / draws)
  }
  return counts
}

it('asks the only one, and nobody when there is none', () => {
  const dice = createDice(1)
  expect(pickHolder([], dice)).toBeNull()
  expect(pickHolder([{ peer: 'a', bps: 0 }], dice)?.peer).toBe('a')
})

it('asks anybody while nobody is measured', () => {
  const found = shares(['a', 'b', 'c', 'd'].map(peer => ({ peer, bps: 0 })))
  for (const share of found.values()) expect(share).toBeCloseTo(0.25, 1)
})

it('weighs by bandwidth, and leaves the unproven a tenth of the fastest', () => {
  const found = shares([
    { peer: 'fast', bps: 1_000_000 },
    { peer: 'half', bps: 500_000 },
    { peer: 'new', bps: 0 },
  ])
  expect(found.get('fast')).toBeCloseTo(1 / 1.6, 1)
  expect(found.get('half')).toBeCloseTo(0.5 / 1.6, 1)
  expect(found.get('new')).toBeGreaterThan(0.04)
  expect(found.get('new')).toBeLessThan(0.09)
})
