import { describe, expect, it } from 'vitest'
import { createDice } from '../../random.ts'
import { type Facts, missingOf, segmentOf, tell, viewOf } from '../pml/testing/view.ts'
import { schedule } from './schedule.ts'

const a = { peer: 'a', bps: 0 }
const b = { peer: 'b', bps: 0 }
const c = { peer: 'c', bps: 0 }

/** Segments 0, 1, … or those named, with the playhead at 0: the first eight start within 15 s. */
function decide(facts: readonly Facts[], seqs = facts.map((_, i) => i), playheadMs = 0): readonly string[] {
  const missing = facts.map((fact, i) => missingOf(segmentOf(seqs[i]!), fact))
  return tell(schedule(viewOf({ playheadMs, missing, neighbours: ['a', 'b', 'c'] }), createDice(1)))
}

describe('within 15 s of the playhead', () => {
  it('takes two segments over HTTP, held by a neighbour or not', () => {
    expect(decide([{ holders: [a] }, {}, {}])).toEqual(['http 0', 'http 1'])
  })

  it('falls back to a neighbour only when both HTTP slots are taken', () => {
    expect(decide([{ loading: 'http' }, { loading: 'http' }, { holders: [a] }])).toEqual(['p2p 2 from a'])
  })

  it('ends a later HTTP download for an earlier segment', () => {
    expect(decide([{}, { loading: 'http' }, { loading: 'http' }])).toEqual(['abort 2', 'http 0'])
  })

  it('moves a copy in flight from a neighbour to HTTP', () => {
    expect(decide([{ loading: 'p2p' }])).toEqual(['http 0'])
    expect(decide([{ loading: 'http' }, { loading: 'http' }, { loading: 'p2p' }])).toEqual([])
  })

  it('counts what starts at 15 s in, and nothing later', () => {
    expect(decide([{ holders: [a] }], [8], 1_000)).toEqual(['http 8'])
    expect(decide([{ holders: [a] }], [8], 999)).toEqual(['p2p 8 from a'])
  })

  it('leaves what failed too often', () => {
    expect(decide([{ isSpent: true }, {}])).toEqual(['http 1'])
  })
})

describe('beyond', () => {
  it('takes from neighbours alone, one download each, three in all', () => {
    const seqs = [8, 9, 10, 11, 12]
    const one: Facts = { holders: [a] }
    expect(decide([one, one, {}, { holders: [a, b] }, {}], seqs)).toEqual(['p2p 8 from a', 'p2p 11 from b'])
    const loading: Facts = { loading: 'p2p' }
    expect(decide([loading, loading, loading, { holders: [c] }], seqs)).toEqual([])
  })

  it('ends the download furthest ahead for a nearer segment that somebody holds', () => {
    const loading: Facts = { loading: 'p2p' }
    expect(decide([{ holders: [c] }, loading, loading, loading], [8, 9, 10, 11])).toEqual([
      'abort 11',
      'p2p 8 from c',
    ])
    expect(decide([{ isFetched: true }, loading, loading, loading], [8, 9, 10, 11])).toEqual([])
  })
})
