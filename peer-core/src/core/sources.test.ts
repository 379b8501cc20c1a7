import { describe, expect, it } from 'vitest'
import type { OfferMessage } from './messages.ts'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const [near, far, away] = [peerNamed(1), peerNamed(2), peerNamed(3)]

function bytesFrom(probe: Probe, peer: string): number {
  return probe.requestsTo(peer).reduce((sum, request) => sum + request.length, 0)
}

describe('peers outside', () => {
  it('are asked when nobody of the group is here', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(away, { place: 'outside' })
    probe.offer(away, entry)
    probe.want(0, 9000)
    probe.answer(away)
    probe.answer(away)
    expect(probe.last('deliver')).toMatchObject({ outsideBytes: 200_000, groupBytes: 0, edgeBytes: 0 })
  })

  it('are not asked beside a group that has it', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    for (const [peer, place] of [
      [near, 'group'],
      [away, 'outside'],
    ] as const) {
      probe.join(peer, { place })
      probe.offer(peer, entry)
    }
    probe.want(0, 9000)
    expect(bytesFrom(probe, away)).toBe(0)
    expect(bytesFrom(probe, near)).toBe(200_000)
  })

  it('stand for the edge when it is our turn in the group, and the group follows us', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.join(away, { place: 'outside' })
    probe.offer(away, entry)
    probe.want(0, 30_000)
    for (let waited = 0; waited < 600; waited += 50) {
      probe.pass(50)
      probe.answer(away)
    }
    expect(probe.fetches()).toEqual([])
    expect(probe.last('deliver')).toMatchObject({ outsideBytes: 200_000 })
    expect(probe.sentTo(near)).toContainEqual(expect.objectContaining({ type: 'offer', source: 'edge' }))
  })

  it('are never asked where the operator keeps the line closed', () => {
    const probe = new Probe({ wan: 'deny' })
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(away, { place: 'outside' })
    probe.offer(away, entry)
    probe.want(0, 9000)
    probe.pass(2000)
    expect(bytesFrom(probe, away)).toBe(0)
    expect(probe.fetches()).toHaveLength(1)
  })
})

describe('peers that only take', () => {
  it.each(['leech', 'off'] as const)('are not asked: %s', mode => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.tell(near, 0, 6000, mode)
    probe.offer(near, entry)
    probe.want(0, 9000)
    expect(bytesFrom(probe, near)).toBe(0)
  })
})

describe('bytes without a root', () => {
  /** Two holders of one segment, and what is asked of each. */
  function shares(first: Partial<OfferMessage>, second: Partial<OfferMessage>): [number, number] {
    const probe = new Probe()
    const entry = entryOf(0, { size: 500_000 })
    probe.list([{ ...entry, size: 0 }])
    for (const [peer, changes] of [
      [near, first],
      [far, second],
    ] as const) {
      probe.join(peer)
      probe.offer(peer, entry, changes)
    }
    probe.want(0, 20_000)
    return [bytesFrom(probe, near), bytesFrom(probe, far)]
  }

  it('come from several peers under one strong validator and one size', () => {
    const [some, others] = shares({ etag: '"a"' }, { etag: '"a"' })
    expect(some + others).toBe(500_000)
    expect(Math.min(some, others)).toBeGreaterThan(0)
  })

  it.each([
    ['validators differ', { etag: '"a"' }, { etag: '"b"' }],
    ['there is no validator', { etag: '' }, { etag: '' }],
    ['sizes differ', { etag: '"a"' }, { etag: '"a"', size: 499_999, frontier: 499_999 }],
  ])('come from one peer alone when %s', (_, first, second) => {
    const [some, others] = shares(first, second)
    expect(Math.min(some, others)).toBe(0)
    expect(Math.max(some, others)).toBeGreaterThan(400_000)
  })

  it('are not mixed with the edge when it cannot show that they are the same', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry, { etag: '' })
    probe.want(0, 9000)
    const [first] = probe.openRequestsTo(near)
    probe.hear(near, { ...first!, type: 'piece' })
    probe.put({ type: 'peerLeft', peer: near, reason: 'gone' })
    probe.pass(100)
    expect(probe.fetches()).toMatchObject([{ from: 0, to: 0, etag: '' }])
    probe.bring(0, 200_000, 200_000)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: 200_000, groupBytes: 0 })
  })

  it('are joined with the edge under the same validator, which the edge is told', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry, { etag: '"1"' })
    probe.want(0, 9000)
    const [first] = probe.openRequestsTo(near)
    probe.hear(near, { ...first!, type: 'piece' })
    probe.put({ type: 'peerLeft', peer: near, reason: 'gone' })
    probe.pass(100)
    expect(probe.fetches()).toMatchObject([{ from: 65_536, to: 0, etag: '"1"' }])
    probe.bring(65_536, 134_464, 200_000)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: 134_464, groupBytes: 65_536 })
  })

  it('of a peer that comes again with another validator are not mixed with its old ones', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.want(0, 9000)
    // The edge rests a while: only peers can give.
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'busy' })
    probe.join(near)
    probe.offer(near, entry, { etag: '"1"' })
    probe.hear(near, { ...probe.openRequestsTo(near)[0]!, type: 'piece' })
    const before = probe.requestsTo(near).length
    probe.join(near)
    probe.offer(near, entry, { etag: '"2"' })
    expect(probe.requestsTo(near)).toHaveLength(before)
  })

  it('begin anew with whom comes next when nothing came of the first source', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.join(far)
    probe.offer(near, entry, { etag: '"1"' })
    probe.want(0, 9000)
    probe.put({ type: 'peerLeft', peer: near, reason: 'gone' })
    probe.offer(far, entry, { etag: '"2"' })
    expect(bytesFrom(probe, far)).toBe(200_000)
    probe.answer(far)
    expect(probe.last('deliver')).toMatchObject({ groupBytes: 200_000 })
  })

  it('begin anew when the edge answers with another validator', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0)])
    probe.want(0, 9000)
    probe.bring(0, 100_000, 200_000)
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'network' })
    probe.pass(300)
    expect(probe.last('fetchEdge')).toMatchObject({ from: 98_304, etag: '"1"' })
    const { fetch } = probe.last('fetchEdge')
    const [offset, length] = [98_304, 50_000]
    const outputs = probe.put({ type: 'edgeData', fetch, offset, length, size: 200_000, etag: '"2"' })
    expect(outputs.filter(output => output.type === 'accept')).toEqual([])
    expect(probe.last('abortEdge').fetch).toBe(fetch)
    probe.pass(600)
    expect(probe.last('fetchEdge')).toMatchObject({ from: 0, to: 0, etag: '' })
  })

  it('have the size that the edge says, whatever a peer claimed', () => {
    const probe = new Probe()
    const entry = entryOf(0, { size: 0 })
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry, { size: 999_999, frontier: 999_999, etag: '"x"' })
    probe.want(0, 9000)
    probe.put({ type: 'peerLeft', peer: near, reason: 'gone' })
    probe.pass(50)
    for (let round = 0; round < 2 && probe.all('deliver').length === 0; round++) {
      probe.bring(0, 200_000, 200_000)
      probe.pass(600)
    }
    expect(probe.last('deliver')).toMatchObject({ size: 200_000, edgeBytes: 200_000 })
    expect(probe.all('fail')).toEqual([])
  })
})

describe('bytes under a root', () => {
  it('come from whoever has them, whatever their validators', () => {
    const probe = new Probe()
    const entry = entryOf(0, { root, size: 500_000 })
    probe.list([entry])
    for (const [peer, etag] of [
      [near, '"a"'],
      [far, ''],
    ] as const) {
      probe.join(peer)
      probe.offer(peer, entry, { etag })
    }
    probe.want(0, 9000)
    expect(bytesFrom(probe, near) + bytesFrom(probe, far)).toBe(500_000)
    expect(bytesFrom(probe, near)).toBeGreaterThan(0)
    expect(bytesFrom(probe, far)).toBeGreaterThan(0)
  })
})
