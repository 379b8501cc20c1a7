import { describe, expect, it } from 'vitest'
import { turnOf } from './hash.ts'
import { blockBytes } from './messages.ts'
import { entryOf, Probe, peerNamed, root, self } from './testing/probe.ts'

const [one, two, three] = [peerNamed(1), peerNamed(2), peerNamed(3)]
const size = 200_000
const whole = { from: 0, frontier: size, size }

function bytesFrom(probe: Probe, peer: string): number {
  return probe.requestsTo(peer).reduce((sum, request) => sum + request.length, 0)
}

/** A viewer of segment 0 beside `one`. */
function beside(changes: Parameters<typeof entryOf>[1] = {}): Probe {
  const probe = new Probe()
  probe.list([entryOf(0, changes)])
  probe.join(one)
  return probe
}

/** Bytes asked of `one` once the player wants segment 0. */
function wanted(probe: Probe): number {
  probe.want(0, 9000)
  return bytesFrom(probe, one)
}

describe('an offer', () => {
  it.each([
    ['is larger than any shared segment', { size: 20_000_000, frontier: size }],
    ['of unknown size reaches further than any shared segment', { size: 0, frontier: 0x7fff_ffff }],
    ['begins within a block', { from: 1000 }],
    ['ends before it begins', { from: 5 * blockBytes, frontier: blockBytes }],
    ['names a track it never named', { track: 7 }],
  ])('is refused when it %s', (_, changes) => {
    const probe = beside()
    probe.offer(one, entryOf(0), { ...whole, ...changes })
    expect(probe.core.inspect().offers).toBe(0)
    expect(wanted(probe)).toBe(0)
  })

  it.each([
    ['another root than the playlist', { root: 'cd'.repeat(32) }],
    ['another size than the playlist', { size: 199_999, frontier: 199_999 }],
  ])('is not asked when it has %s', (_, changes) => {
    const probe = beside({ root })
    probe.offer(one, entryOf(0, { root }), changes)
    expect(wanted(probe)).toBe(0)
  })

  it('with a wrong root takes no lease away from us', () => {
    const before = [1, 2, 3, 4, 5, 6, 7, 8].map(peerNamed).find(id => turnOf(0, id) < turnOf(0, self))!
    const probe = new Probe()
    probe.list([entryOf(0, { root })])
    probe.join(before)
    probe.want(0, 9000)
    probe.pass(600)
    expect(probe.fetches()).toHaveLength(1)
    probe.offer(before, entryOf(0), { root: 'cd'.repeat(32), source: 'edge', frontier: 0 })
    expect(probe.all('abortEdge')).toEqual([])
    probe.offer(before, entryOf(0), { root, source: 'edge', frontier: 0 })
    expect(probe.all('abortEdge')).toHaveLength(1)
  })

  it.each([
    ['who only takes', 'group', 'leech'],
    ['outside the group', 'outside', 'share'],
  ] as const)('of one %s takes no lease away from us', (_, place, mode) => {
    const before = [1, 2, 3, 4, 5, 6, 7, 8].map(peerNamed).find(id => turnOf(0, id) < turnOf(0, self))!
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(before, { place })
    probe.tell(before, 0, 6000, mode)
    probe.want(0, 9000)
    probe.pass(600)
    probe.offer(before, entryOf(0), { source: 'edge', frontier: 0 })
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('whose number was used before changes nothing', () => {
    const probe = beside()
    const { n } = probe.offer(one, entryOf(5))
    probe.offer(one, entryOf(0), { n })
    expect(wanted(probe)).toBe(0)
    expect(probe.core.inspect().offers).toBe(1)
  })

  it('that came before its playlist is found when the playlist lists the segment', () => {
    const probe = new Probe()
    probe.join(one)
    probe.offer(one, entryOf(0))
    probe.list([entryOf(0)])
    probe.want(0, 9000)
    expect(bytesFrom(probe, one)).toBe(size)
  })

  it('outlives a playlist that dropped the segment and lists it again', () => {
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(one)
    probe.offer(one, entryOf(0))
    probe.list([entryOf(1)])
    expect(probe.core.inspect()).toMatchObject({ segments: 1, offers: 1 })
    probe.list([entryOf(0), entryOf(1)])
    probe.want(0, 9000)
    expect(bytesFrom(probe, one)).toBe(size)
  })

  it('is gone with its peer', () => {
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(one)
    probe.offer(one, entryOf(0))
    probe.offer(one, entryOf(77))
    probe.put({ type: 'peerLeft', peer: one, reason: 'gone' })
    expect(probe.core.inspect().offers).toBe(0)
    probe.join(one)
    probe.want(0, 9000)
    expect(bytesFrom(probe, one)).toBe(0)
  })
})

describe('a frontier', () => {
  it('does not shrink, nor pass the size, nor change the size', () => {
    const probe = beside()
    const { n } = probe.offer(one, entryOf(0), { source: 'edge', frontier: 2 * blockBytes })
    for (const [frontier, told] of [
      [blockBytes, size],
      [size + 1, size],
      [4 * blockBytes, size + 5],
      [0x7fff_ffff, 0],
    ] as const) {
      probe.hear(one, { type: 'grow', n, frontier, size: told, rateBps: 0 })
    }
    expect(wanted(probe)).toBe(2 * blockBytes)
    probe.hear(one, { type: 'grow', n, frontier: 3 * blockBytes, size, rateBps: 0 })
    expect(bytesFrom(probe, one)).toBe(3 * blockBytes)
  })

  it('of a number never offered means nothing', () => {
    const probe = beside()
    for (const n of [0, 1, 399_999]) {
      probe.hear(one, { type: 'grow', n, frontier: size, size, rateBps: 0 })
      probe.hear(one, { type: 'have', n })
      probe.hear(one, { type: 'withdraw', n, offset: 0, reason: 'void' })
    }
    expect(probe.core.inspect().offers).toBe(0)
  })
})

describe('have', () => {
  it('makes an offer whole', () => {
    const probe = beside()
    const { n } = probe.offer(one, entryOf(0), { source: 'edge', frontier: blockBytes })
    probe.hear(one, { type: 'have', n })
    expect(wanted(probe)).toBe(size)
  })

  it('says nothing about an offer of unknown size, or of a segment’s end', () => {
    const probe = beside({ size: 0 })
    const { n } = probe.offer(one, entryOf(0), { size: 0, frontier: blockBytes })
    probe.hear(one, { type: 'have', n })
    expect(wanted(probe)).toBe(blockBytes)
    const tail = probe.offer(one, entryOf(0), { from: 8 * blockBytes, frontier: 8 * blockBytes })
    probe.hear(one, { type: 'have', n: tail.n })
    expect(bytesFrom(probe, one)).toBe(blockBytes)
  })
})

describe('withdraw', () => {
  it('leaves what is below its offset on offer', () => {
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(one)
    const { n } = probe.offer(one, entryOf(0))
    probe.hear(one, { type: 'withdraw', n, offset: 3 * blockBytes, reason: 'failed' })
    probe.want(0, 9000)
    expect(bytesFrom(probe, one)).toBe(3 * blockBytes)
  })

  it('takes all when nothing is left below it', () => {
    const probe = new Probe()
    probe.join(one)
    const { n } = probe.offer(one, entryOf(0))
    probe.hear(one, { type: 'withdraw', n, offset: 0, reason: 'evicted' })
    expect(probe.core.inspect().offers).toBe(0)
  })

  it('never gives back what was not offered', () => {
    const probe = beside()
    const { n } = probe.offer(one, entryOf(0), { source: 'edge', frontier: blockBytes })
    probe.hear(one, { type: 'withdraw', n, offset: 0x7fff_ffff, reason: 'yielded' })
    expect(wanted(probe)).toBe(blockBytes)
  })
})

describe('a flood', () => {
  it('of offers pushes out the sender’s own oldest, and nobody else’s', () => {
    const probe = new Probe({}, { maxOffersPerPeer: 50 })
    probe.list([entryOf(0)])
    probe.join(one)
    probe.join(two)
    probe.offer(two, entryOf(0))
    for (let seq = 0; seq < 500; seq++) probe.offer(one, entryOf(seq))
    expect(probe.core.inspect().offers).toBe(51)
    probe.want(0, 9000)
    expect(bytesFrom(probe, one)).toBe(0)
    expect(bytesFrom(probe, two)).toBe(size)
  })

  it('of offers for segments no playlist knows is bounded over all peers', () => {
    const probe = new Probe()
    for (const [index, peer] of [one, two, three].entries()) {
      probe.join(peer)
      for (let seq = 0; seq < 4000; seq++) probe.offer(peer, entryOf(index * 10_000 + seq))
    }
    expect(probe.core.inspect().offers).toBe(12_000)
    probe.list([entryOf(50_000)])
    expect(probe.core.inspect().offers).toBe(8_192)
  })

  it('of track names stops being remembered', () => {
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(one)
    for (let id = 1; id < 1000; id++) probe.hear(one, { type: 'track', id, path: `track ${id}` })
    probe.offer(one, entryOf(0), { track: 63 })
    probe.offer(one, entryOf(0), { track: 64 })
    expect(probe.core.inspect().offers).toBe(1)
  })
})
