import { describe, expect, it } from 'vitest'
import { blockBytes, runBytes } from './messages.ts'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const [near, far, third] = [peerNamed(1), peerNamed(2), peerNamed(3)]
const size = 200_000

/** Media bytes asked of a peer since request number `from`. */
function askedOf(probe: Probe, peer: string, from = 0): number {
  return probe
    .requestsTo(peer)
    .slice(from)
    .reduce((sum, request) => sum + request.length, 0)
}

/** Two peers that gave one segment each: `near` at ten times the rate of `far`. */
function trained(): Probe {
  const probe = new Probe()
  probe.list([0, 1, 2, 3].map(seq => entryOf(seq, { size: seq < 2 ? 65_536 : 500_000 })))
  for (const [seq, peer, ms] of [
    [0, near, 20],
    [1, far, 200],
  ] as const) {
    probe.join(peer)
    probe.offer(peer, entryOf(seq, { size: 65_536 }))
    probe.want(seq, 9000)
    probe.now += ms
    probe.answer(peer)
  }
  return probe
}

describe('several holders', () => {
  it('are asked at once, in proportion to what they give', () => {
    const probe = trained()
    const entry = entryOf(2, { size: 500_000 })
    probe.offer(near, entry)
    probe.offer(far, entry)
    probe.want(2, 9000)
    const [much, little] = [askedOf(probe, near, 1), askedOf(probe, far, 1)]
    expect(much + little).toBe(500_000)
    expect(little).toBeGreaterThan(0)
    expect(much / little).toBeGreaterThan(4)
    expect(much / little).toBeLessThan(16)
  })

  it('are asked for each block once', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    for (const peer of [near, far, third]) {
      probe.join(peer)
      probe.offer(peer, entry)
    }
    probe.want(0, 9000)
    const asked = [near, far, third].flatMap(peer => probe.requestsTo(peer).map(request => request.offset))
    expect(new Set(asked).size).toBe(asked.length)
    expect([near, far, third].reduce((sum, peer) => sum + askedOf(probe, peer), 0)).toBe(size)
    for (const peer of [near, far, third]) probe.answer(peer)
    expect(probe.last('deliver')).toMatchObject({ size, groupBytes: size, edgeBytes: 0, origin: 'held' })
  })

  it('that are busy are asked after the others', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    for (const peer of [near, far]) {
      probe.join(peer)
      probe.offer(peer, entry)
    }
    probe.hear(near, { type: 'busy', on: true })
    probe.want(0, 9000)
    expect(askedOf(probe, near)).toBe(0)
    expect(askedOf(probe, far)).toBe(size)
  })
})

describe('requests', () => {
  it('are runs of whole blocks, 64 KiB at most, the last as short as the segment ends', () => {
    const probe = new Probe()
    const entry = entryOf(0, { size: 300_001 })
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry)
    probe.want(0, 9000)
    const requests = probe.requestsTo(near)
    for (const { offset, length } of requests) {
      expect(offset % blockBytes).toBe(0)
      expect(length).toBeLessThanOrEqual(runBytes)
      expect(length % blockBytes === 0 || offset + length === 300_001).toBe(true)
    }
    expect(requests.map(request => request.offset)).toEqual([0, 65_536, 131_072, 196_608, 262_144])
  })

  it('keep within the window of a peer, and go on as it answers', () => {
    const probe = new Probe()
    const entry = entryOf(0, { size: 3_000_000 })
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry)
    probe.want(0, 30_000)
    const window = askedOf(probe, near)
    expect(window).toBeGreaterThanOrEqual(131_072)
    expect(window).toBeLessThan(1_000_000)
    const [first] = probe.openRequestsTo(near)
    probe.now += 10
    probe.hear(near, { ...first!, type: 'piece' })
    expect(askedOf(probe, near)).toBeGreaterThan(window)
    for (let round = 0; round < 50 && probe.all('deliver').length === 0; round++) {
      probe.now += 50
      probe.answer(near)
    }
    expect(probe.last('deliver')).toMatchObject({ groupBytes: 3_000_000 })
  })

  it('are never more than the peer said it takes', () => {
    const probe = new Probe()
    const entry = entryOf(0, { size: 1_000_000 })
    probe.list([entry])
    probe.join(near, { reqq: 2 })
    probe.offer(near, entry)
    probe.want(0, 30_000)
    for (let round = 0; round < 5; round++) {
      expect(probe.openRequestsTo(near).length).toBeLessThanOrEqual(2)
      probe.answer(near)
    }
  })

  it('of a segment that found no room go out when another segment makes some', () => {
    const probe = new Probe({}, { minAskWindowBytes: 65_536, maxAskWindowBytes: 65_536 })
    const [first, second] = [entryOf(0, { size: 65_536 }), entryOf(1, { size: 65_536 })]
    probe.list([first, second])
    probe.join(near)
    probe.offer(near, first)
    const { n } = probe.offer(near, second)
    probe.want(0, 9000)
    probe.want(1, 9000)
    expect(probe.requestsTo(near).filter(request => request.n === n)).toEqual([])
    probe.answer(near)
    expect(probe.requestsTo(near).filter(request => request.n === n)).toHaveLength(1)
    probe.answer(near)
    expect(probe.all('deliver')).toHaveLength(2)
  })

  it('follow a growing offer block by block, never beyond its frontier', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    const { n } = probe.offer(near, entry, { source: 'edge', frontier: 20_000, rateBps: 500_000 })
    probe.want(0, 9000)
    expect(probe.requestsTo(near)).toMatchObject([{ offset: 0, length: blockBytes }])
    probe.hear(near, { type: 'grow', n, frontier: 33_000, size, rateBps: 500_000 })
    expect(probe.requestsTo(near)).toMatchObject([{ offset: 0 }, { offset: blockBytes, length: blockBytes }])
  })

  it('end when the player gives the segment up and no other need is near', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry)
    probe.want(0, 9000)
    const cancelled = probe.put({ type: 'cancel', id: 1 })
    const cancels = cancelled.filter(output => output.type === 'send' && output.message.type === 'cancel')
    expect(cancels).toHaveLength(probe.requestsTo(near).length)
  })
})

describe('a peer that does not answer', () => {
  function silent(): Probe {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry, entryOf(1)])
    probe.join(near)
    probe.offer(near, entry)
    probe.want(0, 9000)
    probe.join(far)
    probe.offer(far, entry)
    probe.pass(500)
    return probe
  }

  it('is replaced by another for the same blocks, long before the deadline', () => {
    const probe = silent()
    expect(askedOf(probe, far)).toBe(size)
    probe.answer(far)
    expect(probe.last('deliver')).toMatchObject({ groupBytes: size })
  })

  it('rests: it is not asked for the next segment, until it gives something again', () => {
    const probe = silent()
    const entry = entryOf(1, { root })
    probe.list([entryOf(0), entry])
    const { n } = probe.offer(near, entry)
    probe.want(1, 9000)
    const asked = () => probe.requestsTo(near).filter(request => request.n === n)
    expect(asked()).toEqual([])
    probe.answer(near)
    expect(asked()).not.toEqual([])
  })

  it('is welcome when it answers late after all', () => {
    const probe = silent()
    probe.answer(near)
    expect(probe.last('deliver')).toMatchObject({ groupBytes: size })
    const twice = probe.answer(far)
    expect(twice.filter(output => output.type === 'accept')).toEqual([])
    expect(probe.all('closePeer')).toEqual([])
  })
})

describe('what was taken back', () => {
  /** Asked of `near`, given up by the player, and wanted again. */
  function takenBack(): Probe {
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(near)
    probe.offer(near, entryOf(0))
    probe.want(0, 9000)
    probe.put({ type: 'cancel', id: 1 })
    probe.want(0, 9000)
    return probe
  }

  it('is not asked of the same peer again before it was answered', () => {
    const probe = takenBack()
    const requests = [...probe.requestsTo(near)]
    expect(requests.reduce((sum, request) => sum + request.length, 0)).toBe(size)
    for (const request of requests) probe.hear(near, { ...request, type: 'reject' })
    expect(askedOf(probe, near, requests.length)).toBe(size)
    probe.answer(near)
    expect(probe.last('deliver')).toMatchObject({ groupBytes: size })
  })

  it('is asked of others meanwhile', () => {
    const probe = takenBack()
    probe.join(far)
    probe.offer(far, entryOf(0))
    expect(askedOf(probe, far)).toBe(size)
  })
})

describe('a reject', () => {
  it('voids the offer, and others are asked', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    probe.offer(near, entry)
    probe.want(0, 9000)
    probe.join(far)
    probe.offer(far, entry)
    for (const request of probe.openRequestsTo(near)) probe.hear(near, { ...request, type: 'reject' })
    expect(askedOf(probe, far)).toBe(size)
    const before = probe.requestsTo(near).length
    probe.pass(3000)
    expect(probe.requestsTo(near)).toHaveLength(before)
  })

  it('of something never asked means nothing', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    const { n } = probe.offer(near, entry)
    probe.hear(near, { type: 'reject', n, offset: 16_384, length: 16_384 })
    probe.want(0, 9000)
    expect(askedOf(probe, near)).toBe(size)
  })
})

describe('what is called back for a quicker peer', () => {
  /** `far` was asked for all of segment 2, gives nothing, and `near` comes to have it too. */
  function calledBack() {
    const probe = trained()
    const entry = entryOf(2, { size: 500_000, root })
    probe.list([entry])
    probe.pass(600)
    probe.offer(far, entry)
    probe.want(2, 20_000)
    probe.pass(100)
    // What is due from it at once is left to come.
    const asked = probe.openRequestsTo(far).slice(1)
    const before = probe.requestsTo(near).length
    probe.offer(near, entry)
    const nearOffsets = () =>
      probe
        .requestsTo(near)
        .slice(before)
        .map(request => request.offset)
    return { probe, asked, nearOffsets }
  }

  it('is asked of that one as soon as the first rejects it, and not of the first again', () => {
    const { probe, asked, nearOffsets } = calledBack()
    const cancelled = probe.sentTo(far).filter(message => message.type === 'cancel')
    expect(cancelled.map(({ offset }) => offset)).toEqual(asked.map(({ offset }) => offset))
    for (const { offset } of asked) expect(nearOffsets()).not.toContain(offset)
    const times = probe.requestsTo(far).length
    for (const request of asked) probe.hear(far, { ...request, type: 'reject' })
    expect(nearOffsets()).toContain(asked[0]!.offset)
    probe.pass(200)
    expect(
      probe
        .requestsTo(far)
        .slice(times)
        .map(({ offset }) => offset),
    ).not.toContain(asked[0]!.offset)
  })

  it('is taken when it comes after all, and asked of nobody', () => {
    const { probe, asked, nearOffsets } = calledBack()
    const [first] = asked
    const outputs = probe.hear(far, {
      type: 'piece',
      n: first!.n,
      offset: first!.offset,
      length: first!.length,
    })
    expect(outputs.filter(output => output.type === 'accept')).toHaveLength(1)
    probe.pass(400)
    expect(nearOffsets()).not.toContain(first!.offset)
  })

  it('is asked of that one after a moment when the first says nothing', () => {
    const { probe, asked, nearOffsets } = calledBack()
    probe.pass(290)
    expect(nearOffsets()).not.toContain(asked[0]!.offset)
    probe.pass(20)
    expect(nearOffsets()).toContain(asked[0]!.offset)
  })
})

describe('a piece nobody asked for', () => {
  it('is not taken', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    const { n } = probe.offer(near, entry)
    const outputs = probe.hear(near, { type: 'piece', n, offset: 0, length: 16_384 })
    expect(outputs.filter(output => output.type === 'accept')).toEqual([])
  })

  it('is counted, be its offer known or gone', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(near)
    const { n } = probe.offer(near, entry)
    for (const [of, key] of [
      [n, entry.key],
      [n + 1, ''],
    ] as const) {
      const outputs = probe.hear(near, { type: 'piece', n: of, offset: 0, length: 16_384 })
      expect(outputs).toContainEqual({
        type: 'trace',
        note: { kind: 'duplicate', key, bytes: 16_384, from: near },
      })
    }
  })

  it('costs its sender the connection when there are many', () => {
    const probe = new Probe()
    probe.join(near)
    for (let i = 0; i < 65; i++) probe.hear(near, { type: 'piece', n: 0, offset: 0, length: 16_384 })
    expect(probe.all('closePeer')).toEqual([
      { type: 'closePeer', peer: near, reason: 'unsolicited', ban: false },
    ])
  })
})

describe('what lies ahead of a start', () => {
  function starting(): Probe {
    const probe = new Probe()
    probe.list([entryOf(0), entryOf(1)])
    probe.play(0, 0)
    probe.join(peerNamed(1))
    probe.want(0, 0, 'start')
    probe.offer(peerNamed(1), entryOf(1))
    return probe
  }

  it('is left alone until the player has its first media', () => {
    const probe = starting()
    expect(probe.requestsTo(peerNamed(1))).toEqual([])
    probe.play(0, 2000)
    expect(probe.requestsTo(peerNamed(1)).length).toBeGreaterThan(0)
  })

  it('is taken after a second, however long the start takes', () => {
    const probe = starting()
    probe.pass(990)
    expect(probe.requestsTo(peerNamed(1))).toEqual([])
    probe.pass(20)
    expect(probe.requestsTo(peerNamed(1)).length).toBeGreaterThan(0)
  })
})
