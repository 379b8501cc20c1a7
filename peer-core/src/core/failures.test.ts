import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const [one] = [peerNamed(1)]
const size = 200_000

function alone(changes: Parameters<typeof entryOf>[1] = {}): Probe {
  const probe = new Probe({ groupSize: 1 })
  probe.list([entryOf(0, changes)])
  return probe
}

function fail(probe: Probe, reason: 'status' | 'busy' | 'network' | 'mismatch'): void {
  probe.put({ type: 'edgeFailed', fetch: probe.fetches().at(-1)!.fetch, reason })
}

describe('a want', () => {
  it('of a segment that no playlist lists fails at once', () => {
    const probe = new Probe()
    probe.want(7, 1000)
    expect(probe.all('fail')).toMatchObject([{ id: 1, key: 'segment 7', reason: 'unknown-segment' }])
  })

  it('of a segment that is here is served at once, again and again', () => {
    const probe = alone()
    probe.hold(entryOf(0))
    for (const id of [2, 3])
      expect(probe.want(0, 0)).toContainEqual(expect.objectContaining({ type: 'deliver', id }))
    expect(probe.fetches()).toHaveLength(1)
  })

  it('beside another of the same segment costs no second fetch, and both end', () => {
    const probe = alone()
    probe.want(0, 9000)
    probe.want(0, 4000)
    probe.bring(0, size, size)
    expect(probe.fetches()).toHaveLength(1)
    expect(probe.all('deliver').map(({ id }) => id)).toEqual([1, 2])
  })

  it('that was cancelled ends in nothing, and its bytes serve the next', () => {
    const probe = alone()
    probe.want(0, 9000)
    probe.bring(0, 100_000, size)
    probe.put({ type: 'cancel', id: 1 })
    probe.pass(100)
    probe.want(0, 9000)
    expect(probe.fetches().at(-1)).toMatchObject({ from: 98_304 })
    probe.bring(98_304, size - 98_304, size)
    expect(probe.all('deliver').map(({ id }) => id)).toEqual([2])
    expect(probe.all('fail')).toEqual([])
  })

  it('with a peer that offers but gives nothing fails when the edge does not have it', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.want(0, 9000)
    fail(probe, 'status')
    expect(probe.all('fail')).toHaveLength(1)
    probe.join(one)
    probe.offer(one, entry, { frontier: 0 })
    probe.want(0, 9000)
    probe.pass(1500)
    fail(probe, 'status')
    expect(probe.all('fail')).toHaveLength(2)
  })

  it('with a holder that falls silent fails in time for the player’s own way', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry)
    probe.want(0, 5000)
    for (let waited = 0; waited < 4000 && probe.all('fail').length === 0; waited += 100) {
      probe.pass(100)
      probe.hear(one, { type: 'busy', on: false })
      const open = probe.fetches().length - probe.all('abortEdge').length
      if (open > 0) fail(probe, 'status')
    }
    expect(probe.all('fail')).toMatchObject([{ reason: 'edge-status' }])
  })
})

describe('a body of the edge', () => {
  it.each([
    ['is empty', 0],
    ['ends too early', 90_000],
  ])('that %s is asked for again with a pause, and not for ever', (_, bytes) => {
    const probe = alone({ size: 0 })
    probe.want(0, 9000)
    for (let round = 0; round < 20 && probe.all('fail').length === 0; round++) {
      const { fetch, from } = probe.fetches().at(-1)!
      if (bytes > 0) probe.bring(from, bytes, size, fetch)
      probe.done(fetch, bytes > 0 ? size : 0)
      const before = probe.fetches().length
      probe.pass(100)
      expect(probe.fetches()).toHaveLength(before)
      probe.pass(2000)
    }
    expect(probe.all('fail')).toMatchObject([{ reason: 'edge-mismatch' }])
    expect(probe.fetches().length).toBeLessThanOrEqual(3)
    expect(probe.all('deliver')).toEqual([])
  })

  it('that tells no length ends where it ends', () => {
    const probe = alone({ size: 0 })
    probe.want(0, 9000)
    probe.bring(0, 100_001, 0)
    expect(probe.all('deliver')).toEqual([])
    probe.done(undefined, 0)
    expect(probe.last('deliver')).toMatchObject({ size: 100_001 })
  })

  it('with a hole in it is no body', () => {
    const probe = alone()
    probe.want(0, 9000)
    probe.bring(0, 50_000, size)
    const outputs = probe.bring(60_000, 140_000, size)
    expect(outputs.filter(output => output.type === 'accept')).toEqual([])
    expect(probe.all('deliver')).toEqual([])
    expect(probe.all('abortEdge')).toHaveLength(1)
  })

  it('longer than it said is no body', () => {
    const probe = alone()
    probe.want(0, 9000)
    const outputs = probe.bring(0, size + 1, size)
    expect(outputs.filter(output => output.type === 'accept')).toEqual([])
  })

  it('that arrives for a fetch given up is not taken', () => {
    const probe = alone()
    probe.want(0, 9000)
    const { fetch } = probe.last('fetchEdge')
    probe.put({ type: 'cancel', id: 1 })
    const outputs = probe.bring(0, size, size, fetch)
    expect(outputs.filter(output => output.type !== 'wakeAt')).toEqual([])
  })
})

describe('a list that the edge does not have', () => {
  it('says nothing about the segment itself', () => {
    const probe = alone({ root })
    probe.want(0, 9000)
    fail(probe, 'busy')
    const list = probe.all('fetchEdge').find(fetch => fetch.what === 'hashes')!
    probe.put({ type: 'edgeFailed', fetch: list.fetch, reason: 'status' })
    expect(probe.all('fail')).toEqual([])
    probe.pass(500)
    probe.bring(0, size, size, probe.fetches().at(-1)!.fetch)
    expect(probe.last('deliver')).toMatchObject({ size, verified: false })
  })
})

describe('a timer', () => {
  it('that goes off too early is set again', () => {
    const probe = new Probe()
    probe.join(one)
    const { at } = probe.last('wakeAt')
    probe.now = at - 5
    expect(probe.put({ type: 'tick' })).toContainEqual({ type: 'wakeAt', at })
  })
})
