import { expect, it } from 'vitest'
import { createRanks, isTimeFor, rankFor } from './election.ts'

const swarm = Array.from({ length: 12 }, (_, i) => `peer-${i}`)

it('ranks fully connected peers from 0 up, each once, another owner for each segment', () => {
  const owned = new Map<string, number>()
  for (let seq = 0; seq < 600; seq++) {
    const ranks = swarm.map(self =>
      rankFor(
        self,
        swarm.filter(peer => peer !== self),
        seq,
      ),
    )
    expect([...ranks].sort((x, y) => x - y)).toEqual(swarm.map((_, i) => i))
    const owner = swarm[ranks.indexOf(0)]!
    owned.set(owner, (owned.get(owner) ?? 0) + 1)
  }
  for (const peer of swarm) expect(owned.get(peer) ?? 0).toBeGreaterThan(20)
})

it('elects about n / (d + 1) owners in a ring of n with d neighbours each', () => {
  const ring = Array.from({ length: 120 }, (_, i) => `peer-${i}`)
  const neighboursOf = (i: number) => [1, 2, 118, 119].map(step => ring[(i + step) % 120]!)
  let owners = 0
  for (let seq = 0; seq < 50; seq++) {
    owners += ring.filter((self, i) => rankFor(self, neighboursOf(i), seq) === 0).length
  }
  expect(owners / 50).toBeGreaterThan(21)
  expect(owners / 50).toBeLessThan(27)
})

it('lets the owner fetch at once, and backups in turn when time runs out', () => {
  expect(isTimeFor(0, 60_000, 1_000)).toBe(true)
  expect(isTimeFor(1, 2_500, 1_000)).toBe(true)
  expect(isTimeFor(1, 2_501, 1_000)).toBe(false)
  expect(isTimeFor(2, 2_000, 1_000)).toBe(true)
  expect(isTimeFor(2, 2_001, 1_000)).toBe(false)
  expect(isTimeFor(50, 1_600, 1_000)).toBe(false)
})

it('counts a rank again when somebody comes or goes', () => {
  const ranks = createRanks()
  const seq = Array.from({ length: 100 }, (_, i) => i).find(n => rankFor('a', ['b'], n) === 1)!
  expect(ranks('a', ['b'], 1, seq)).toBe(1)
  expect(ranks('a', [], 1, seq)).toBe(1)
  expect(ranks('a', [], 2, seq)).toBe(0)
})
