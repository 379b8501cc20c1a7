import { describe, expect, it } from 'vitest'
import { blockBytes } from './messages.ts'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const [one, two] = [peerNamed(1), peerNamed(2)]
const size = 200_000
const count = 13
const entry = entryOf(0, { root })

/** A viewer that waits for segment 0 under a root, which these peers hold. */
function taking(holders: readonly string[], of = entry): { probe: Probe; numbers: number[] } {
  const probe = new Probe()
  probe.list([of])
  const numbers = holders.map(peer => {
    probe.join(peer)
    return probe.offer(peer, of).n
  })
  probe.want(0, 9000)
  return { probe, numbers }
}

function listFrom(probe: Probe, peer: string, n = 0, blocks = count): void {
  probe.hear(peer, { type: 'hashes', n, first: 0, count: blocks })
}

function pieces(probe: Probe, peer: string) {
  return probe.sentTo(peer).filter(message => message.type === 'piece')
}

describe('bytes of a peer', () => {
  it('are not played before list and blocks are proven', () => {
    const { probe } = taking([one])
    probe.answer(one)
    expect(probe.all('deliver')).toEqual([])
    listFrom(probe, one)
    expect(probe.last('verify')).toMatchObject({ what: 'hashes', first: 0, count })
    expect(probe.all('deliver')).toEqual([])
    probe.judge()
    expect(probe.last('verify')).toMatchObject({ what: 'blocks', first: 0, count })
    expect(probe.all('deliver')).toEqual([])
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true, groupBytes: size })
  })

  it('are not given on before they are proven', () => {
    const { probe } = taking([one])
    probe.join(two)
    probe.answer(one)
    listFrom(probe, one)
    expect(probe.sentTo(two).filter(message => message.type === 'offer')).toEqual([])
    probe.judge()
    probe.judge()
    expect(probe.sentTo(two).filter(message => message.type === 'offer')).toMatchObject([{ frontier: size }])
    probe.hear(two, { type: 'request', n: 0, offset: 0, length: blockBytes })
    expect(pieces(probe, two)).toHaveLength(1)
  })

  it('are checked as they come once the list is known, each block once', () => {
    const { probe } = taking([one])
    listFrom(probe, one)
    probe.judge()
    probe.answer(one)
    const checks = probe.all('verify').filter(check => check.what === 'blocks')
    const checked = checks.flatMap(check => Array.from({ length: check.count }, (_, i) => check.first + i))
    expect(checked.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index))
  })

  it('of a segment of one block need no list: the root is its hash', () => {
    const small = entryOf(0, { root, size: 9000 })
    const { probe } = taking([one], small)
    probe.answer(one)
    expect(probe.last('verify')).toMatchObject({ what: 'blocks', first: 0, count: 1 })
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true, size: 9000 })
  })

  it('without a root are played as they are, and called unverified', () => {
    const { probe } = taking([one], entryOf(0))
    probe.answer(one)
    expect(probe.all('verify')).toEqual([])
    expect(probe.last('deliver')).toMatchObject({ verified: false })
  })

  it('without a root come only from the edge where proof is required', () => {
    const probe = new Probe({ integrity: 'required' })
    probe.list([entryOf(0)])
    probe.join(one)
    probe.offer(one, entryOf(0))
    probe.want(0, 9000)
    expect(probe.requestsTo(one)).toEqual([])
    expect(probe.fetches()).toMatchObject([{ reason: 'unshared' }])
    probe.bring(0, size, size)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: size })
    expect(probe.sentTo(one).filter(message => message.type === 'offer')).toEqual([])
  })
})

describe('a list', () => {
  it('that is wrong bans its sender, and the next one is taken', () => {
    const { probe } = taking([one, two])
    probe.answer(one)
    probe.answer(two)
    listFrom(probe, one)
    probe.judge({ list: true })
    expect(probe.all('closePeer')).toEqual([{ type: 'closePeer', peer: one, reason: 'lied', ban: true }])
    listFrom(probe, two)
    probe.judge()
    probe.answer(two)
    probe.judge()
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true })
  })

  it('of a liar does not keep the true one out: several are checked at once', () => {
    const { probe } = taking([one, two])
    listFrom(probe, one)
    listFrom(probe, two)
    const [wrong, right] = probe.all('verify')
    probe.put({ type: 'verified', job: wrong!.job, bad: [0] })
    probe.put({ type: 'verified', job: right!.job, bad: [] })
    probe.answer(two)
    probe.answer(two)
    probe.judge()
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true })
    expect(probe.all('closePeer').map(({ peer }) => peer)).toEqual([one])
  })

  it('sent again and again by one peer is checked once at a time', () => {
    const { probe } = taking([one])
    for (let i = 0; i < 20; i++) listFrom(probe, one)
    expect(probe.all('verify')).toHaveLength(1)
  })

  it.each([
    ['begins later than the first block', { first: 1, count: 12 }],
    ['has not as many hashes as the segment blocks', { first: 0, count: 12 }],
    ['is of a number never offered', { n: 9, first: 0, count }],
  ])('is not looked at when it %s', (_, changes) => {
    const { probe } = taking([one])
    probe.hear(one, { type: 'hashes', n: 0, ...changes })
    expect(probe.all('verify')).toEqual([])
    expect(probe.all('closePeer')).toEqual([])
  })

  it('that is known already is not checked again', () => {
    const { probe } = taking([one, two])
    listFrom(probe, one)
    probe.judge()
    const before = probe.all('verify').filter(check => check.what === 'hashes').length
    listFrom(probe, two)
    expect(probe.all('verify').filter(check => check.what === 'hashes')).toHaveLength(before)
  })

  it('comes from the edge when peers gave bytes but no list', () => {
    const { probe } = taking([one])
    probe.answer(one)
    probe.pass(1500)
    const lists = probe.all('fetchEdge').filter(fetch => fetch.what === 'hashes')
    expect(lists).toHaveLength(1)
    probe.bringList(lists[0]!.fetch)
    probe.judge()
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true, groupBytes: size, edgeBytes: 0 })
  })

  it('that the edge does not have is asked again later', () => {
    const { probe } = taking([one])
    probe.answer(one)
    probe.pass(1500)
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'busy' })
    probe.pass(2000)
    expect(probe.all('fetchEdge').filter(fetch => fetch.what === 'hashes')).toHaveLength(2)
    expect(probe.all('fail')).toEqual([])
  })

  it('goes out before the first piece on each wire, once', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entry])
    probe.hold(entry)
    for (const peer of [one, two]) {
      probe.join(peer)
      probe.hear(peer, { type: 'request', n: 0, offset: 0, length: blockBytes })
      probe.hear(peer, { type: 'request', n: 0, offset: blockBytes, length: blockBytes })
      const told = probe.sentTo(peer).filter(({ type }) => type === 'hashes' || type === 'piece')
      expect(told).toMatchObject([{ type: 'hashes', first: 0, count }, { type: 'piece' }, { type: 'piece' }])
    }
  })
})

describe('a liar', () => {
  it('is closed and banned, and its block asked of somebody else', () => {
    const { probe } = taking([one, two])
    listFrom(probe, one)
    probe.judge()
    const wrong = probe.requestsTo(one)[0]!.offset / blockBytes
    probe.answer(one)
    probe.answer(two)
    probe.judge({ blocks: [wrong] })
    expect(probe.all('closePeer')).toEqual([{ type: 'closePeer', peer: one, reason: 'lied', ban: true }])
    const note = probe.all('trace').find(output => output.note.kind === 'polluted')
    expect(note?.note).toMatchObject({ peer: one })
    for (let round = 0; round < 4; round++) {
      probe.answer(two)
      probe.judge()
    }
    expect(probe.last('deliver')).toMatchObject({ verified: true })
    expect(probe.requestsTo(two).some(request => request.offset / blockBytes <= wrong)).toBe(true)
  })

  it('is not let in again', () => {
    const { probe } = taking([one])
    listFrom(probe, one)
    probe.judge({ list: true })
    const outputs = probe.join(one)
    expect(outputs).toContainEqual({ type: 'closePeer', peer: one, reason: 'banned', ban: false })
    probe.offer(one, entry)
    expect(probe.core.inspect().offers).toBe(0)
  })

  it('loses its other unproven blocks, in every segment', () => {
    const other = entryOf(1, { root })
    const probe = new Probe()
    probe.list([entry, other])
    probe.join(one)
    probe.offer(one, entry)
    probe.offer(one, other)
    probe.want(0, 9000)
    probe.want(1, 11_000)
    probe.answer(one)
    listFrom(probe, one)
    probe.judge()
    probe.join(two)
    probe.offer(two, entry)
    probe.offer(two, other)
    probe.judge({ blocks: [3] })
    const again = probe.requestsTo(two).reduce((sum, request) => sum + request.length, 0)
    expect(again).toBe(blockBytes + size)
  })
})

describe('a block that the host could not check', () => {
  it('is dropped and taken again, and nobody is to blame', () => {
    const { probe } = taking([one])
    listFrom(probe, one)
    probe.judge()
    probe.answer(one)
    probe.judge({ unknown: [0, 1, 2, 3] })
    expect(probe.all('closePeer')).toEqual([])
    expect(probe.all('trace').filter(({ note }) => note.kind === 'polluted')).toEqual([])
    for (let round = 0; round < 40 && probe.all('deliver').length === 0; round++) {
      probe.pass(50)
      probe.answer(one)
      if (round === 0) listFrom(probe, one)
      probe.judge()
    }
    expect(probe.last('deliver')).toMatchObject({ verified: true, groupBytes: size })
  })

  it('does not make its list a lie either', () => {
    const { probe } = taking([one])
    listFrom(probe, one)
    const { job } = probe.last('verify')
    probe.put({ type: 'verified', job, bad: [], unknown: [0] })
    expect(probe.all('closePeer')).toEqual([])
    listFrom(probe, one)
    probe.judge()
    probe.answer(one)
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true })
  })
})
