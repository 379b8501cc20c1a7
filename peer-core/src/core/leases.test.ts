import { describe, expect, it } from 'vitest'
import { turnOf } from './hash.ts'
import { entryOf, Probe, peerNamed, root, self, track } from './testing/probe.ts'

const size = 200_000

/** A peer that comes before us, or after us, in the order of this slot. */
function peerAt(slot: number, where: 'before' | 'after', nth = 0): string {
  const found = []
  for (let index = 1; found.length <= nth; index++) {
    const peer = peerNamed(index)
    if (turnOf(slot, peer) < turnOf(slot, self) === (where === 'before')) found.push(peer)
  }
  return found[nth]!
}

/** We have played beside `peers` long enough to be a candidate. */
function settled(peers: readonly string[], probe = new Probe()): Probe {
  for (const peer of peers) probe.pong(probe.join(peer, { seq: 3 }))
  probe.live(2500)
  for (const peer of peers) {
    probe.hear(peer, { type: 'ping', id: 1 })
    probe.tell(peer, 3, 6000)
  }
  probe.play(0, 6000)
  return probe
}

describe('alone', () => {
  it('takes the whole segment from the edge at once', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0)])
    probe.want(0, 0, 'start')
    expect(probe.fetches()).toMatchObject([{ from: 0, to: 0, reason: 'alone' }])
  })

  it('never asks the edge for what the player did not ask for', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0), entryOf(1), entryOf(2)])
    probe.play(0, 0)
    probe.pass(5000)
    expect(probe.fetches()).toEqual([])
  })
})

describe('starting where others are', () => {
  it('goes on past the first 64 KiB while nobody else brings the rest', () => {
    const probe = new Probe({ groupSize: 3 })
    probe.list([entryOf(0)])
    probe.want(0, 0, 'start')
    expect(probe.fetches()).toMatchObject([{ from: 0, to: 0, reason: 'start' }])
    probe.bring(0, 65_536, size)
    probe.bring(65_536, 65_536, size)
    expect(probe.all('abortEdge')).toEqual([])
    expect(probe.fetches()).toHaveLength(1)
  })

  it('stops there when a peer has the rest', () => {
    const probe = new Probe({ groupSize: 3 })
    const entry = entryOf(0)
    probe.list([entry])
    probe.want(0, 0, 'start')
    const holder = peerNamed(1)
    probe.join(holder)
    probe.offer(holder, entry)
    probe.bring(0, 49_152, size)
    expect(probe.all('abortEdge')).toEqual([])
    probe.bring(49_152, 16_384, size)
    expect(probe.all('abortEdge')).toHaveLength(1)
    probe.answer(holder)
    expect(probe.fetches()).toHaveLength(1)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: 65_536, groupBytes: size - 65_536 })
  })

  it('has seen how fast the edge is when all of a body came in one piece', () => {
    const probe = new Probe({ groupSize: 3 }, { companyMs: 4_000 })
    probe.list([entryOf(0), entryOf(1)])
    probe.want(0, 0, 'start')
    probe.pass(40)
    probe.bring(0, size, size)
    probe.done()
    probe.want(1, 1_900)
    probe.pass(1_000)
    // Believed to give no more than before the first measurement, the second fragment would have been late by now.
    expect(probe.fetches()).toHaveLength(1)
    probe.pass(800)
    expect(probe.fetches()).toHaveLength(2)
  })

  it('lets what is not urgent wait for the first links, and no longer than it can', () => {
    const probe = new Probe({ groupSize: 3 }, { companyMs: 1_500 })
    probe.list([entryOf(0), entryOf(1)])
    probe.want(0, 10_000)
    probe.want(1, 1_900)
    probe.pass(300)
    expect(probe.fetches()).toEqual([])
    probe.pass(700)
    expect(probe.fetches()).toMatchObject([{ key: 'segment 1' }])
    probe.pass(600)
    expect(probe.fetches()).toMatchObject([{ key: 'segment 1' }, { key: 'segment 0' }])
  })

  it('waits for nobody where the tracker counts nobody else', () => {
    const probe = new Probe({ groupSize: 1 }, { companyMs: 1_500 })
    probe.list([entryOf(0)])
    probe.want(0, 10_000)
    expect(probe.fetches()).toHaveLength(1)
  })

  it('on a thin line waits for a lease before it goes to the edge', () => {
    const probe = new Probe({ groupSize: 50, lineKbps: 1000 })
    probe.list([entryOf(0)])
    const first = probe.want(0, 0, 'start')
    expect(first.some(output => output.type === 'fetchEdge')).toBe(false)
    probe.pass(350)
    expect(probe.fetches()).toEqual([])
    probe.pass(600)
    expect(probe.fetches()).toHaveLength(1)
  })
})

describe('the lease', () => {
  it('is taken at once by the first rank, before its player asks', () => {
    const probe = settled([peerAt(4, 'after')])
    probe.list([entryOf(4)])
    probe.live(10)
    expect(probe.fetches().map(fetch => fetch.key)).toEqual(['segment 4'])
    expect(probe.fetches()[0]).toMatchObject({ reason: 'lease', from: 0, to: 0 })
  })

  it('is announced with its source before the first byte is here', () => {
    const other = peerAt(4, 'after')
    const probe = settled([other])
    probe.list([entryOf(4)])
    probe.live(10)
    expect(probe.sentTo(other)).toContainEqual(
      expect.objectContaining({ type: 'offer', source: 'edge', frontier: 0, hops: 0 }),
    )
  })

  it('is left to a lower rank for rank × δ', () => {
    const probe = settled([peerAt(4, 'before'), peerAt(4, 'before', 1)])
    probe.list([entryOf(4)])
    probe.want(4, 6000)
    probe.live(70)
    expect(probe.fetches()).toEqual([])
    probe.live(60)
    expect(probe.fetches()).toHaveLength(1)
  })

  it('is not taken when another is seen to hold it, whatever the rank', () => {
    const other = peerAt(4, 'after')
    const probe = settled([other])
    const entry = entryOf(4)
    probe.offer(other, entry, { source: 'edge', frontier: 0, rateBps: 200_000 })
    probe.list([entry])
    probe.want(4, 6000)
    probe.live(200)
    expect(probe.fetches()).toEqual([])
  })

  it('is yielded to the lower turn, and the bytes are kept', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other])
    const entry = entryOf(4)
    probe.list([entry])
    probe.want(4, 6000)
    probe.live(100)
    probe.bring(0, 32_768, size)
    probe.offer(other, entry, { source: 'edge', frontier: 16_384 })
    expect(probe.all('abortEdge')).toHaveLength(1)
    expect(probe.sentTo(other)).toContainEqual({ type: 'withdraw', n: 1, offset: 32_768, reason: 'yielded' })
  })

  it('is kept against the lower turn once it is half done', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other])
    const entry = entryOf(4)
    probe.list([entry])
    probe.want(4, 6000)
    probe.live(100)
    probe.bring(0, 150_000, size)
    probe.offer(other, entry, { source: 'edge', frontier: 16_384 })
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('is kept against the first bite of a newcomer', () => {
    const newcomer = peerAt(4, 'before')
    const probe = settled([peerAt(4, 'after')])
    const entry = entryOf(4)
    probe.list([entry])
    probe.want(4, 6000)
    probe.live(100)
    probe.bring(0, 32_768, size)
    probe.pong(probe.join(newcomer, { seq: 4 }))
    probe.offer(newcomer, entry, { source: 'edge', frontier: 0 })
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('gives way, once, to one that only relays tell of', () => {
    const relay = peerAt(4, 'after')
    const probe = settled([relay])
    const entry = entryOf(4)
    probe.list([entry])
    probe.want(4, 6000)
    probe.live(100)
    probe.bring(0, 32_768, size)
    probe.offer(relay, entry, { source: 'relay', hops: 1, frontier: 49_152 })
    expect(probe.all('abortEdge')).toEqual([])
    const { n } = probe.offer(relay, entry, { source: 'relay', hops: 1, frontier: 65_536 })
    expect(probe.all('abortEdge')).toHaveLength(1)
    // It was a lie: nothing more comes, and the next lease is not given away.
    probe.hear(relay, { type: 'withdraw', n, offset: 0, reason: 'evicted' })
    probe.live(3000)
    const aborted = probe.all('abortEdge').length
    probe.offer(relay, entry, { source: 'relay', hops: 1, frontier: 131_072 })
    expect(probe.all('abortEdge')).toHaveLength(aborted)
  })

  it('outlives the abort of the player while others follow it', () => {
    const probe = settled([peerAt(4, 'after')])
    probe.list([entryOf(4)])
    probe.want(4, 6000)
    probe.live(10)
    probe.put({ type: 'cancel', id: 1 })
    probe.play(500_000, 0)
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('ends with the abort of a player that is alone', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(4)])
    probe.want(4, 6000)
    probe.put({ type: 'cancel', id: 1 })
    expect(probe.all('abortEdge')).toHaveLength(1)
  })

  it('is resumed from its offset by the next rank when its holder dies', () => {
    const other = peerAt(4, 'before')
    const third = peerAt(4, 'after')
    const probe = settled([other, third])
    const entry = entryOf(4)
    probe.list([entry])
    const { n } = probe.offer(other, entry, { source: 'edge', frontier: 0, rateBps: 100_000 })
    probe.hear(other, { type: 'grow', n, frontier: 65_536, size, rateBps: 100_000 })
    probe.want(4, 6000)
    probe.answer(other)
    probe.put({ type: 'peerLeft', peer: other, reason: 'gone' })
    probe.live(100)
    expect(probe.fetches()).toMatchObject([{ from: 65_536, to: 0, reason: 'resume' }])
  })

  it('that is silent is void, long before the deadline', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other])
    const entry = entryOf(4)
    probe.list([entry])
    probe.offer(other, entry, { source: 'edge', frontier: 0 })
    probe.want(4, 6000)
    probe.live(2000)
    expect(probe.fetches()).toHaveLength(1)
    expect(probe.all('trace').some(({ note }) => note.kind === 'void' && note.why === 'silent')).toBe(true)
  })

  it('that is too slow for the deadline is met from the end', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other])
    const entry = entryOf(4)
    probe.list([entry])
    const { n } = probe.offer(other, entry, { source: 'edge', frontier: 0, rateBps: 20_000 })
    probe.want(4, 3000)
    for (let frontier = 16_384; frontier < 81_920; frontier += 16_384) {
      probe.hear(other, { type: 'grow', n, frontier, size, rateBps: 20_000 })
      probe.answer(other)
      probe.live(200)
    }
    const rescue = probe.fetches()[0]
    expect(rescue?.reason).toBe('backwards')
    expect(rescue!.from).toBeGreaterThan(100_000)
    expect(rescue!.to).toBe(0)
  })

  it('is asked of the edge in few requests, though its gaps open one block after the other', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other])
    const entry = entryOf(4, { size: 20 * 16_384 })
    probe.list([entry])
    const { n } = probe.offer(other, entry, { source: 'edge', frontier: 0, rateBps: 2_000_000 })
    probe.want(4, 4000)
    for (let block = 1; block <= 19; block++) {
      const frontier = block * 16_384
      probe.hear(other, { type: 'grow', n, frontier, size: entry.size, rateBps: 2_000_000 })
      probe.live(50)
    }
    probe.hear(other, { type: 'withdraw', n, offset: 19 * 16_384, reason: 'yielded' })
    probe.live(2500)
    expect(probe.fetches().length).toBeGreaterThan(0)
    expect(probe.fetches().length).toBeLessThanOrEqual(4)
  })

  it('of a viewer that just came is left to those who stay', () => {
    const other = peerAt(4, 'after')
    const probe = new Probe()
    probe.join(other, { seq: 3 })
    probe.list([entryOf(4)])
    probe.play(0, 6000)
    probe.live(500)
    expect(probe.fetches()).toEqual([])
  })

  it('goes on for a thin line only as far as the line carries', () => {
    const other = peerAt(4, 'after')
    const probe = settled([other], new Probe({ groupSize: 2, lineKbps: 1000 }))
    const [busy, next] = [entryOf(4), entryOf(5)]
    probe.offer(other, busy, { source: 'edge', frontier: 0, rateBps: 100_000 })
    probe.list([busy, next])
    probe.want(5, 9000)
    probe.live(300)
    expect(probe.fetches()).toEqual([])
  })
})

describe('the edge failing', () => {
  it('waits on a thin line also for leases of segments that we do not need', () => {
    const other = peerAt(4, 'after')
    const probe = settled([other], new Probe({ groupSize: 2, lineKbps: 1000 }))
    const { n } = probe.offer(other, entryOf(90, { size: 1_000_000 }), {
      source: 'edge',
      frontier: 0,
      rateBps: 100_000,
    })
    probe.list([entryOf(5)])
    probe.want(5, 20_000)
    const goesOn = (ms: number) => {
      for (let waited = 0; waited < ms; waited += 500) {
        const frontier = 16_384 * (1 + Math.floor(probe.now / 500))
        probe.hear(other, { type: 'grow', n, frontier, size: 1_000_000, rateBps: 100_000 })
        probe.live(500)
      }
    }
    goesOn(3500)
    expect(probe.fetches()).toEqual([])
    goesOn(1500)
    expect(probe.fetches()).toHaveLength(1)
  })

  it('is tried again, and given back to the player when it fails for good', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0)])
    probe.want(0, 4000)
    for (let round = 0; round < 3; round++) {
      probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'busy' })
      probe.live(1000)
    }
    expect(probe.all('fail')).toMatchObject([{ id: 1, reason: 'edge-busy' }])
  })

  it('ends the want at once when the segment is not there', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entryOf(0)])
    probe.want(0, 4000)
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'status' })
    expect(probe.last('fail')).toMatchObject({ reason: 'edge-status' })
  })

  it('is not the end while a peer has it', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.want(0, 4000)
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'busy' })
    const holder = peerNamed(1)
    probe.join(holder)
    probe.offer(holder, entry, { etag: '"1"' })
    probe.answer(holder)
    probe.answer(holder)
    expect(probe.all('deliver')).toHaveLength(1)
    expect(probe.all('fail')).toEqual([])
  })
})

describe('digests', () => {
  it('are fetched once, by whoever takes the lease', () => {
    const probe = settled([peerAt(4, 'after')])
    probe.list([entryOf(4, { root })])
    probe.live(10)
    expect(probe.all('fetchEdge').filter(fetch => fetch.what === 'hashes')).toHaveLength(1)
  })

  it('are not asked of the edge by those who follow', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other])
    const entry = entryOf(4, { root })
    probe.list([entry])
    const { n } = probe.offer(other, entry, { source: 'edge', frontier: 0 })
    probe.want(4, 6000)
    probe.hear(other, { type: 'grow', n, frontier: 65_536, size, rateBps: 0 })
    probe.hear(other, { type: 'hashes', n, first: 0, count: 13 })
    probe.answer(other)
    expect(probe.all('fetchEdge')).toEqual([])
    expect(probe.last('verify')).toMatchObject({ what: 'hashes', count: 13 })
  })
})

describe('track', () => {
  it('is named once a wire', () => {
    const other = peerAt(4, 'after')
    const probe = settled([other])
    probe.list([entryOf(4), entryOf(5)])
    probe.live(200)
    expect(probe.sentTo(other).filter(message => message.type === 'track')).toEqual([
      { type: 'track', id: 0, path: track },
    ])
  })
})

describe('a lease whose holder went silent', () => {
  it('is resumed before what it had shown and did not give when asked', () => {
    const other = peerAt(4, 'before')
    const probe = settled([other, peerAt(4, 'after')])
    const entry = entryOf(4)
    probe.list([entry])
    probe.want(4, 2_000)
    const { n } = probe.offer(other, entry, { source: 'edge', frontier: 16_384, rateBps: 1_000_000 })
    probe.answer(other)
    probe.hear(other, { type: 'grow', n, frontier: 98_304, size, rateBps: 1_000_000 })
    expect(probe.openRequestsTo(other)).not.toEqual([])
    probe.live(2_000)
    expect(probe.fetches()).toMatchObject([{ from: 16_384, to: 0, reason: 'resume' }])
  })
})

describe('a viewer whose leases reach nobody', () => {
  const [four, five, six] = [entryOf(4), entryOf(5), entryOf(6)]

  /** It took these and has them whole; a moment later another begins each of them anew. */
  function overruled(probe: Probe, by: string): void {
    for (const entry of [four, five]) {
      probe.want(entry.seq, 6_000)
      probe.live(700)
      const { fetch } = probe.fetches().find(({ key }) => key === entry.key)!
      probe.bring(0, size, size, fetch)
      probe.done(fetch)
      probe.tell(by, entry.seq, 6_000)
      probe.live(200)
      probe.offer(by, entry, { source: 'edge', frontier: 0 })
    }
  }

  it('leaves even what its own player asked for to the others, until its time comes', () => {
    const other = peerNamed(1)
    const probe = settled([other])
    probe.list([four, five])
    overruled(probe, other)
    expect(probe.fetches()).toHaveLength(2)
    probe.list([four, five, six])
    probe.want(6, 6_000)
    for (let waited = 0; waited < 4_000; waited += 500) {
      probe.tell(other, 6, 6_000)
      probe.live(500)
    }
    expect(probe.fetches()).toHaveLength(2)
    probe.live(1_500)
    expect(probe.fetches()).toHaveLength(3)
  })

  it('is told of the lease that takes the place of its own, though it has the whole', () => {
    const silent = peerAt(4, 'before')
    const probe = settled([silent, peerAt(4, 'after')])
    for (const entry of [five, four]) {
      probe.list([entry])
      probe.offer(silent, entry, { source: 'edge', frontier: size })
      probe.want(entry.seq, 4_200)
      probe.live(3_500)
    }
    expect(probe.fetches().at(-1)).toMatchObject({ key: four.key, from: 0 })
    expect(probe.sentTo(silent)).toContainEqual(expect.objectContaining({ type: 'offer', source: 'edge' }))
  })
})

describe('a line that nobody stated', () => {
  it('is as thin as a neighbour says that a lease was slow, though it measured nothing itself', () => {
    const neighbour = peerAt(0, 'before')
    const rates: [number, number][] = [
      [120_000, 0],
      [3_000_000, 1],
    ]
    for (const [rateBps, fetches] of rates) {
      const probe = new Probe({ groupSize: 30 })
      probe.list([entryOf(0), entryOf(1)])
      probe.join(neighbour)
      probe.offer(neighbour, entryOf(1), { rateBps })
      probe.want(0, 0, 'start')
      probe.live(20)
      expect(probe.fetches(), `${rateBps} B/s`).toHaveLength(fetches)
      probe.live(500)
      expect(probe.fetches()).toHaveLength(1)
    }
  })

  it('is spared by a crowd until one of it knows: nobody helps itself unranked, and one lease goes on at a time', () => {
    const [before, after] = [peerAt(0, 'before'), peerAt(0, 'after')]
    const rates: [number, number][] = [
      [0, 0],
      [3_000_000, 1],
    ]
    for (const [edgeBps, fetches] of rates) {
      const probe = new Probe({ groupSize: 60 })
      probe.edgeBps = edgeBps
      probe.list([entryOf(0, { size: 0 })])
      for (const peer of [before, after]) probe.join(peer)
      probe.want(0, 0, 'start')
      probe.offer(before, entryOf(0), { source: 'edge', frontier: 0 })
      for (let waited = 0; waited < 900; waited += 300) {
        probe.hear(before, { type: 'grow', n: 0, frontier: 16_384 * (1 + waited / 300), size, rateBps: 0 })
        probe.live(300)
        probe.answer(before)
      }
      expect(probe.fetches().length, `${edgeBps} B/s`).toBeGreaterThanOrEqual(fetches)
      if (fetches === 0) expect(probe.fetches()).toEqual([])
    }
  })

  it('is not left to fetchers by a member that has a link to nobody', () => {
    const probe = new Probe({ groupSize: 100, role: 'member' })
    probe.list([entryOf(0), entryOf(1)])
    probe.want(0, 0, 'start')
    probe.pass(400)
    for (let offset = 0; offset < size; offset += 20_000) {
      probe.bring(offset, 20_000, size)
      probe.pass(150)
    }
    probe.done()
    probe.want(1, 2_000)
    probe.pass(1_500)
    expect(probe.fetches()).toMatchObject([{ key: 'segment 0' }, { key: 'segment 1' }])
  })
})

it('counts on a segment of unknown size for as long as its track would need', () => {
  const probe = settled([peerNamed(1)], new Probe({ mode: 'leech' }))
  probe.list([entryOf(4), entryOf(5), entryOf(6, { size: 0 })])
  probe.want(6, 4_000)
  for (let waited = 0; waited < 3_000; waited += 500) {
    probe.tell(peerNamed(1), 6, 6_000)
    probe.live(500)
  }
  expect(probe.fetches()).toMatchObject([{ key: 'segment 6' }])
})
