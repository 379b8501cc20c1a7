import { describe, expect, it } from 'vitest'
import { createDice } from '../../random.ts'
import type { View } from '../pml/rules.ts'
import { type Facts, missingOf, segmentOf, tell, viewOf } from '../pml/testing/view.ts'
import { rankFor } from './election.ts'
import { createSchedule } from './schedule.ts'

const urgentBelowMs = 6_000
const calmMs = 12_000
const a = { peer: 'a', bps: 0 }
const b = { peer: 'b', bps: 0 }

/** Numbers of segments in whose order this viewer and one neighbour come first and second. */
const seqs = Array.from({ length: 200 }, (_, i) => i)
const owned = seqs.filter(seq => rankFor('self', ['a'], seq) === 0)
const others = seqs.filter(seq => rankFor('self', ['a'], seq) === 1)

function decide(change: Partial<View>, entries: readonly (readonly [number, Facts])[], requested?: number) {
  const missing = entries.map(([seq, facts]) => missingOf(segmentOf(seq), facts))
  const found = missing.find(({ segment }) => segment.seq === requested)?.segment ?? null
  const view = viewOf({ bufferMs: calmMs, neighbours: ['a'], ...change, missing, requested: found })
  return tell(createSchedule(urgentBelowMs, createDice(1)).pass(view))
}

describe('an urgent request', () => {
  it('goes to HTTP at once, whoever holds it, and other HTTP downloads end', () => {
    const entries = [
      [0, { holders: [a] }],
      [1, { loading: 'http' }],
      [2, { loading: 'http' }],
    ] as const
    expect(decide({ bufferMs: 5_999 }, entries, 0)).toEqual(['abort 1', 'abort 2', 'http 0'])
  })

  it('moves its own P2P copy to HTTP, and leaves those of others', () => {
    const entries = [
      [0, { loading: 'p2p' }],
      [1, { loading: 'p2p' }],
    ] as const
    expect(decide({ bufferMs: 0 }, entries, 0)).toEqual(['http 0'])
  })

  it('keeps the election silent while it loads', () => {
    const entries = [
      [others[0]!, { loading: 'http' }],
      [owned[0]!, {}],
    ] as const
    expect(decide({ bufferMs: 0 }, entries, others[0])).toEqual([])
    expect(decide({}, entries, others[0])).toEqual([`http ${owned[0]}`])
  })
})

describe('a request with time', () => {
  it('is taken from a holder', () => {
    expect(decide({}, [[0, { holders: [a] }]], 0)).toEqual(['p2p 0 from a'])
  })

  it('waits for a neighbour that fetches it', () => {
    expect(decide({}, [[owned[0]!, { isFetched: true }]], owned[0])).toEqual([])
  })

  it('goes to HTTP with nobody connected, prefetching nothing', () => {
    const entries = [
      [0, {}],
      [1, {}],
    ] as const
    expect(decide({ neighbours: [] }, entries, 0)).toEqual(['http 0'])
  })
})

describe('the election', () => {
  it('makes rank 0 fetch what nobody has, two at a time, before its player asks', () => {
    const entries = owned.slice(0, 3).map(seq => [seq, {}] as const)
    expect(decide({}, entries)).toEqual([`http ${owned[0]}`, `http ${owned[1]}`])
  })

  it('makes a backup fetch only what its own player waits for, in good time', () => {
    const [seq] = others as [number]
    // Nothing measured: a fetch takes as long as the segment plays, 2 s; twice that and 0.5 s before it is urgent.
    const entries = [[seq, {}]] as const
    expect(decide({ bufferMs: urgentBelowMs + 4_500 }, entries)).toEqual([])
    expect(decide({ bufferMs: urgentBelowMs + 4_500 }, entries, seq)).toEqual([`http ${seq}`])
    expect(decide({ bufferMs: urgentBelowMs + 4_600 }, entries, seq)).toEqual([])
  })

  it('expects a fetch to take what sizes and the faster of two bandwidths say', () => {
    const [seq] = others as [number]
    const measured = {
      typicalBytes: 400_000,
      httpBps: (windowMs: number) => (windowMs === 10_000 ? 100_000 : 400_000),
    }
    expect(decide({ ...measured, bufferMs: urgentBelowMs + 2_500 }, [[seq, {}]], seq)).toEqual([
      `http ${seq}`,
    ])
    expect(decide({ ...measured, bufferMs: urgentBelowMs + 2_600 }, [[seq, {}]], seq)).toEqual([])
  })

  it('stops at a full store', () => {
    expect(decide({ storeIsFull: true }, [[owned[0]!, {}]])).toEqual([])
  })
})

it('takes what neighbours hold ahead of the player, three at a time, one a neighbour', () => {
  const entries = [
    [0, { holders: [a] }],
    [1, { holders: [a] }],
    [2, { holders: [a, b] }],
  ] as const
  expect(decide({ neighbours: ['a', 'b'] }, entries)).toEqual(['p2p 0 from a', 'p2p 2 from b'])
  const busy = [0, 1, 2].map(seq => [seq, { loading: 'p2p' }] as const)
  expect(decide({}, [...busy, [3, { holders: [a] }]])).toEqual([])
})
