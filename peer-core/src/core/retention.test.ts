import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const one = peerNamed(1)
const size = 200_000

/** Bytes in the host's memory: what was accepted of segments not evicted since. */
function memory(probe: Probe): number {
  const bytes = new Map<string, number>()
  for (const output of probe.said) {
    if (output.type === 'accept') bytes.set(output.key, (bytes.get(output.key) ?? 0) + output.length)
    if (output.type === 'evict') bytes.delete(output.key)
  }
  return [...bytes.values()].reduce((sum, count) => sum + count, 0)
}

/** A viewer that took these segments from the edge, one after the other. */
function holder(count: number, storeBytes: number): Probe {
  const probe = new Probe({ groupSize: 1 }, { storeBytes })
  const entries = Array.from({ length: count }, (_, seq) => entryOf(seq))
  probe.list(entries)
  for (const entry of entries) {
    probe.hold(entry)
    probe.now += 10
  }
  return probe
}

function evicted(probe: Probe): string[] {
  return probe.all('evict').map(({ key }) => key)
}

describe('the budget', () => {
  it('is kept by forgetting what was unused longest', () => {
    const probe = holder(5, 3 * size)
    expect(evicted(probe)).toEqual(['segment 0', 'segment 1'])
    expect(probe.core.inspect().heldBytes).toBe(3 * size)
    expect(memory(probe)).toBe(3 * size)
  })

  it('spares what others still ask for', () => {
    const probe = holder(3, 3 * size)
    probe.join(one)
    const offer = probe.sentTo(one).find(message => message.type === 'offer' && message.seq === 0)
    probe.now += 10
    if (offer?.type === 'offer') probe.hear(one, { type: 'request', n: offer.n, offset: 0, length: 16_384 })
    probe.list([0, 1, 2, 3].map(seq => entryOf(seq)))
    probe.offer(one, entryOf(3))
    probe.want(3, 9000)
    for (let round = 0; round < 5; round++) probe.answer(one)
    expect(evicted(probe)).toEqual(['segment 1'])
  })

  it('is paid first by what no playlist lists any more', () => {
    const probe = holder(3, 3 * size)
    probe.list([0, 1, 3].map(seq => entryOf(seq)))
    probe.hold(entryOf(3))
    expect(evicted(probe)).toEqual(['segment 2'])
  })

  it('takes nothing ahead twice: what it has no room for waits until the player asks', () => {
    const probe = new Probe({}, { storeBytes: 2 * size })
    const entries = Array.from({ length: 6 }, (_, seq) => entryOf(seq))
    probe.join(one)
    probe.list(entries)
    for (const entry of entries) probe.offer(one, entry)
    for (let turns = 0; turns < 20; turns++) {
      probe.play(0, 2000)
      probe.answer(one)
      probe.pass(100)
    }
    const asked = () => probe.requestsTo(one).reduce((sum, request) => sum + request.length, 0)
    expect(asked()).toBeLessThanOrEqual(5 * size)
    const before = asked()
    probe.want(1, 3000)
    expect(asked()).toBeGreaterThan(before)
  })

  it('covers what was begun and left: seeks fill no memory', () => {
    const probe = new Probe({ groupSize: 1 }, { storeBytes: 5 * size })
    const entries = Array.from({ length: 100 }, (_, seq) => entryOf(seq))
    probe.list(entries)
    for (const { seq } of entries) {
      probe.want(seq, 0, 'seek')
      probe.bring(0, 100_000, size)
      probe.put({ type: 'cancel', id: seq + 1 })
      probe.now += 100
    }
    expect(probe.core.inspect().fetches).toBe(0)
    expect(memory(probe)).toBeLessThanOrEqual(5 * size)
    expect(memory(probe)).toBeGreaterThan(size)
  })

  it('lets the receiver know: what is evicted is withdrawn', () => {
    const probe = holder(3, 3 * size)
    probe.join(one)
    const offers = probe.sentTo(one).flatMap(message => (message.type === 'offer' ? [message] : []))
    const first = offers.find(offer => offer.seq === 0)!
    probe.list([0, 1, 2, 3].map(seq => entryOf(seq)))
    probe.offer(one, entryOf(3))
    probe.want(3, 9000)
    for (let round = 0; round < 5; round++) probe.answer(one)
    expect(probe.sentTo(one)).toContainEqual({ type: 'withdraw', n: first.n, offset: 0, reason: 'evicted' })
    probe.hear(one, { type: 'request', n: first.n, offset: 0, length: 16_384 })
    expect(probe.sentTo(one).at(-1)).toMatchObject({ type: 'reject', n: first.n })
  })
})

describe('a live segment that left the playlist', () => {
  function live(): Probe {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0), entryOf(1)], true)
    probe.hold(entryOf(0))
    probe.list([entryOf(1), entryOf(2)], true)
    return probe
  }

  it('stays for late joiners and slow readers', () => {
    const probe = live()
    probe.pass(20_000)
    probe.list([entryOf(2), entryOf(3)], true)
    probe.join(one)
    expect(probe.sentTo(one).some(message => message.type === 'offer' && message.seq === 0)).toBe(true)
  })

  it('goes after half a minute in which nobody asked for it', () => {
    const probe = live()
    probe.pass(31_000)
    probe.list([entryOf(2), entryOf(3)], true)
    expect(evicted(probe)).toEqual(['segment 0'])
    expect(probe.core.inspect()).toMatchObject({ heldBytes: 0, segments: 2 })
  })

  it('of which only the first bytes came goes too', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0)], true)
    probe.want(0, 0, 'start')
    probe.bring(0, 100, size)
    probe.put({ type: 'cancel', id: 1 })
    probe.list([entryOf(1)], true)
    probe.pass(31_000)
    probe.list([entryOf(1)], true)
    expect(memory(probe)).toBe(0)
    expect(probe.core.inspect().segments).toBe(1)
  })
})

describe('a recorded segment that left the playlist', () => {
  it('stays while the budget holds: the player may switch back', () => {
    const probe = holder(2, 10 * size)
    probe.list([entryOf(1)])
    probe.pass(120_000)
    probe.list([entryOf(1)])
    expect(evicted(probe)).toEqual([])
    probe.list([entryOf(0), entryOf(1)])
    probe.want(0, 0)
    expect(probe.last('deliver')).toMatchObject({ key: 'segment 0', size })
    expect(probe.fetches()).toHaveLength(2)
  })
})

describe('a segment too large to share', () => {
  const large = entryOf(0, { size: 20_000_000 })

  it('comes from the edge, is offered to nobody, and is forgotten once it is played', () => {
    const probe = new Probe()
    probe.list([large])
    probe.join(one)
    probe.offer(one, large)
    probe.want(0, 9000)
    expect(probe.fetches()).toMatchObject([{ reason: 'unshared', from: 0, to: 0 }])
    probe.bring(0, 20_000_000, 20_000_000)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: 20_000_000 })
    expect(evicted(probe)).toEqual(['segment 0'])
    expect(probe.all('store')).toEqual([])
    expect(probe.sentTo(one).filter(message => message.type === 'offer')).toEqual([])
    expect(probe.requestsTo(one)).toEqual([])
  })

  it('and only found to be so while it comes is withdrawn at once', () => {
    const probe = new Probe()
    probe.list([{ ...large, size: 0 }])
    probe.join(one)
    probe.want(0, 9000)
    probe.pass(600)
    expect(probe.sentTo(one).filter(message => message.type === 'offer')).toHaveLength(1)
    probe.bring(0, 100_000, 20_000_000)
    expect(probe.sentTo(one).at(-1)).toMatchObject({ type: 'withdraw', n: 0, offset: 0 })
    probe.bring(100_000, 19_900_000, 20_000_000)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: 20_000_000 })
  })
})

describe('an endless live channel', () => {
  it('leaves every table as small after hours as after a minute', () => {
    const probe = new Probe({}, { storeBytes: 20 * size, maxOffersPerPeer: 64 })
    const sizes: number[] = []
    probe.join(one)
    for (let seq = 0; seq < 3000; seq++) {
      probe.list(
        [0, 1, 2, 3, 4, 5].map(ahead => entryOf(seq + ahead)),
        true,
      )
      probe.play(seq * 2000, 4000)
      if (seq % 3 !== 0) probe.offer(one, entryOf(seq + 2))
      probe.want(seq + 2, 2000)
      probe.pass(50)
      probe.answer(one)
      for (const { fetch, from, to } of probe.fetches()) {
        probe.bring(from, (to || size) - from, size, fetch)
        probe.done(fetch)
      }
      if (seq % 7 === 0) probe.put({ type: 'cancel', id: seq + 1 })
      probe.hear(one, { type: 'ping', id: seq % 1000 })
      probe.now += 1940
      const { segments, offers, asks, fetches, queued, heldBytes } = probe.core.inspect()
      sizes.push(segments + offers + asks + fetches + queued)
      expect(heldBytes).toBeLessThanOrEqual(21 * size)
      probe.said.length = 0
    }
    expect(Math.max(...sizes.slice(100))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 100)) + 10)
  })
})

describe('a segment that stands for other bytes now', () => {
  const older = entryOf(0, { root })
  const newer = entryOf(0, { root: 'cd'.repeat(32) })

  function begunAnew(entry = newer): Probe {
    const probe = new Probe({ groupSize: 1 })
    probe.list([older])
    probe.hold(older)
    expect(probe.all('store')).toHaveLength(1)
    probe.join(one)
    probe.list([entry])
    return probe
  }

  it('is forgotten, withdrawn and taken anew: old bytes prove nothing under another root', () => {
    const probe = begunAnew()
    expect(evicted(probe)).toEqual(['segment 0'])
    expect(probe.sentTo(one).at(-1)).toMatchObject({ type: 'withdraw', reason: 'evicted' })
    const delivered = probe.all('deliver').length
    probe.offer(one, newer)
    probe.want(0, 9000)
    expect(probe.all('deliver')).toHaveLength(delivered)
    expect(probe.requestsTo(one).length).toBeGreaterThan(0)
  })

  it('is known by its size where there is no root', () => {
    const probe = begunAnew(entryOf(0, { size: size + 1 }))
    expect(evicted(probe)).toEqual(['segment 0'])
    probe.want(0, 0)
    probe.bring(0, size + 1, size + 1)
    expect(probe.last('deliver')).toMatchObject({ size: size + 1, verified: false })
  })

  it('is not joined with offers of the old bytes', () => {
    const probe = begunAnew()
    probe.offer(one, older)
    probe.want(0, 9000)
    expect(probe.requestsTo(one)).toEqual([])
  })

  it('is not proven by a check of the old bytes that ends late', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([older])
    probe.want(0, 0)
    for (const { fetch, what } of probe.all('fetchEdge')) if (what === 'hashes') probe.bringList(fetch)
    probe.list([newer])
    probe.judge()
    probe.bring(0, size, size, probe.fetches().at(-1)!.fetch)
    expect(probe.all('verify').filter(({ what }) => what === 'blocks')).toEqual([])
  })

  it('is not taken from an older visit’s store, whose copy goes', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([newer])
    probe.put({ type: 'restored', track: 'video/playlist.m3u8', entry: older })
    expect(evicted(probe)).toEqual(['segment 0'])
    probe.want(0, 0)
    expect(probe.fetches()).toHaveLength(1)
  })

  it('is not meant by a window that says less', () => {
    const probe = begunAnew(entryOf(0, { size: 0 }))
    expect(evicted(probe)).toEqual([])
    probe.want(0, 0)
    expect(probe.last('deliver')).toMatchObject({ verified: true, size })
  })
})
