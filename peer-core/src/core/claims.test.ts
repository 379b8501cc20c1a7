import { describe, expect, it } from 'vitest'
import { keyHash } from './hash.ts'
import { blockBytes, type PeerMessage } from './messages.ts'
import { entryOf, Probe, peerNamed, root, track } from './testing/probe.ts'

const [one, two, three] = [peerNamed(1), peerNamed(2), peerNamed(3)]
const size = 200_000

type Of<T extends PeerMessage['type']> = Extract<PeerMessage, { type: T }>

function sent<T extends PeerMessage['type']>(probe: Probe, peer: string, type: T): Of<T>[] {
  return probe.sentTo(peer).filter((message): message is Of<T> => message.type === type)
}

/** A viewer that took segment 0 from the edge while nobody was here. */
function holder(changes: Partial<ReturnType<typeof entryOf>> = {}): Probe {
  const probe = new Probe({ groupSize: 1 })
  const entry = entryOf(0, changes)
  probe.list([entry])
  probe.hold(entry)
  return probe
}

/** A viewer whose lease of segment 0 is under way beside `one`. */
function leasing(): Probe {
  const probe = new Probe()
  probe.list([entryOf(0)])
  probe.join(one)
  probe.want(0, 9000)
  probe.pass(600)
  return probe
}

describe('what is held', () => {
  it('is told to who comes: the whole, its name, and that it is complete', () => {
    const probe = holder()
    probe.join(one)
    const [offer] = sent(probe, one, 'offer')
    expect(offer).toMatchObject({ key: keyHash('segment 0'), seq: 0, size, from: 0, frontier: size })
    expect(offer).toMatchObject({ source: 'held', hops: 0, etag: '"1"', root: '', etaMs: 0 })
    expect(sent(probe, one, 'have')).toEqual([{ type: 'have', n: offer!.n }])
    expect(sent(probe, one, 'track')).toEqual([{ type: 'track', id: offer!.track, path: track }])
  })

  it('is told newest first, and no more than a peer remembers', () => {
    const probe = new Probe({ groupSize: 1 }, { maxOffersPerPeer: 6 })
    const entries = Array.from({ length: 5 }, (_, seq) => entryOf(seq))
    probe.list(entries)
    for (const entry of entries) {
      probe.hold(entry)
      probe.now += 100
    }
    probe.join(one)
    expect(sent(probe, one, 'offer').map(offer => offer.seq)).toEqual([4, 3, 2])
  })

  it('is told with its root, which the receiver may compare', () => {
    const probe = holder({ root })
    probe.join(one)
    expect(sent(probe, one, 'offer')).toMatchObject([{ root, frontier: size }])
  })

  it('is not told to a peer that has it, and told again when that peer forgets it', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(one)
    probe.join(two)
    const { n } = probe.offer(one, entry)
    probe.want(0, 9000)
    probe.answer(one)
    expect(sent(probe, one, 'offer')).toEqual([])
    expect(sent(probe, two, 'grow').at(-1)).toMatchObject({ frontier: size })
    expect(sent(probe, two, 'have')).toHaveLength(1)
    probe.hear(one, { type: 'withdraw', n, offset: 0, reason: 'evicted' })
    expect(sent(probe, one, 'offer')).toMatchObject([{ source: 'held', frontier: size }])
  })

  it('has another number on each wire, never used twice, not even after a reconnection', () => {
    const probe = holder()
    probe.join(one)
    probe.join(two)
    probe.put({ type: 'peerLeft', peer: one, reason: 'gone' })
    probe.join(one)
    const [first, second] = sent(probe, one, 'offer')
    expect([first!.n, second!.n]).toEqual([0, 0])
    probe.list([entryOf(0), entryOf(1)])
    probe.offer(two, entryOf(1))
    probe.want(1, 9000)
    probe.answer(two)
    expect(sent(probe, one, 'offer').at(-1)).toMatchObject({ n: 1, seq: 1 })
  })
})

describe('a lease', () => {
  it('is told from its first moment, follows block by block, and ends as a whole', () => {
    const probe = leasing()
    expect(sent(probe, one, 'offer')).toMatchObject([
      { source: 'edge', frontier: 0, hops: 0, to: 0, etag: '' },
    ])
    probe.bring(0, 20_000, size)
    probe.bring(20_000, 20_000, size)
    probe.bring(40_000, 160_000, size)
    // Without a root it is told anew with its first block: only now its validator is known.
    const [before, after, ...others] = sent(probe, one, 'offer')
    expect(after).toMatchObject({ source: 'edge', frontier: blockBytes, hops: 0, to: 0, etag: '"1"', size })
    expect(others).toEqual([])
    expect(sent(probe, one, 'withdraw')).toMatchObject([{ n: before!.n, offset: 0 }])
    const { n } = after!
    expect(sent(probe, one, 'grow')).toMatchObject([2 * blockBytes, size].map(frontier => ({ n, frontier })))
    expect(sent(probe, one, 'have')).toEqual([{ type: 'have', n }])
  })

  it('that comes whole at once is told under its validator too', () => {
    const probe = leasing()
    probe.bring(0, size, size)
    const offers = sent(probe, one, 'offer')
    expect(offers.at(-1)).toMatchObject({ etag: '"1"', frontier: size })
    expect(sent(probe, one, 'withdraw')).toMatchObject([{ n: offers[0]!.n, offset: 0 }])
  })

  it('tells the rate at which it is fed, and when it will be through', () => {
    const probe = leasing()
    for (let at = 0; at < 98_304; at += 16_384) {
      probe.bring(at, 16_384, size)
      probe.pass(100)
    }
    const grow = sent(probe, one, 'grow').at(-1)!
    expect(grow.rateBps).toBeGreaterThan(120_000)
    expect(grow.rateBps).toBeLessThan(250_000)
    probe.join(two)
    const [offer] = sent(probe, two, 'offer')
    expect(offer!.rateBps).toBe(grow.rateBps)
    expect(offer!.etaMs).toBeCloseTo(((size - 98_304) * 1000) / offer!.rateBps, -1)
  })

  it('that was closed is told to who comes as no more than it is', () => {
    const probe = new Probe({ groupSize: 1 })
    const entry = entryOf(0)
    probe.list([entry])
    probe.want(0, 0)
    probe.bring(0, 32_768, entry.size)
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'network' })
    const late = peerNamed(9)
    probe.join(late)
    const offers = probe.sentTo(late).filter(message => message.type === 'offer')
    expect(offers).toMatchObject([{ from: 0, frontier: 32_768, to: 32_768 }])
  })

  it('that ended gives way to the next: each block is told once', () => {
    const probe = leasing()
    for (let failures = 0; failures < 2; failures++) {
      probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'network' })
      probe.pass(1000)
    }
    expect(sent(probe, one, 'offer').map(offer => offer.n)).toEqual([0, 1, 2])
    for (let at = 0; at < 5 * blockBytes; at += blockBytes) probe.bring(at, blockBytes, size)
    expect(sent(probe, one, 'grow').map(grow => [grow.n, grow.frontier / blockBytes])).toEqual(
      [2, 3, 4, 5].map(blocks => [3, blocks]),
    )
    expect(sent(probe, one, 'offer').at(-1)).toMatchObject({ n: 3, frontier: blockBytes })
  })

  it('that fails is withdrawn where it stands; what is below stays', () => {
    const probe = leasing()
    probe.bring(0, 40_000, size)
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'network' })
    const { n } = sent(probe, one, 'offer').at(-1)!
    expect(sent(probe, one, 'withdraw').at(-1)).toEqual({
      type: 'withdraw',
      n,
      offset: 2 * blockBytes,
      reason: 'failed',
    })
    probe.hear(one, { type: 'request', n, offset: 0, length: 2 * blockBytes })
    expect(sent(probe, one, 'piece')).toHaveLength(1)
  })
})

describe('a relay', () => {
  /** `one` leases a segment of 20 blocks, `two` listens to us. */
  function relaying(hops: number): { probe: Probe; n: number } {
    const probe = new Probe()
    const entry = entryOf(0, { size: 20 * blockBytes })
    probe.list([entry])
    probe.join(one)
    probe.join(two)
    const source = hops === 0 ? 'edge' : 'relay'
    const { n } = probe.offer(one, entry, { source, frontier: 0, hops, rateBps: 500_000 })
    probe.want(0, 9000)
    return { probe, n }
  }

  it('is one hop further than its source', () => {
    const { probe, n } = relaying(2)
    probe.hear(one, { type: 'grow', n, frontier: 5 * blockBytes, size: 20 * blockBytes, rateBps: 0 })
    probe.answer(one)
    expect(sent(probe, two, 'offer')).toMatchObject([{ source: 'relay', hops: 3 }])
  })

  it('is told in strides of 64 KiB, since its source is usually heard directly', () => {
    const { probe, n } = relaying(0)
    for (let block = 1; block <= 20; block++) {
      probe.hear(one, { type: 'grow', n, frontier: block * blockBytes, size: 20 * blockBytes, rateBps: 0 })
      probe.answer(one)
    }
    const [offer] = sent(probe, two, 'offer')
    expect(offer).toMatchObject({ source: 'relay', hops: 1, frontier: blockBytes })
    expect(sent(probe, two, 'grow').map(grow => grow.frontier / blockBytes)).toEqual([5, 9, 13, 17, 20])
    expect(sent(probe, two, 'have')).toHaveLength(1)
  })

  it('takes the place of a lease that ended before its first byte', () => {
    const { probe, n } = relaying(0)
    probe.put({ type: 'peerLeft', peer: one, reason: 'gone' })
    probe.live(300)
    expect(sent(probe, two, 'offer')).toMatchObject([{ source: 'edge', frontier: 0 }])
    probe.put({ type: 'edgeFailed', fetch: probe.last('fetchEdge').fetch, reason: 'timeout' })
    probe.join(one)
    const entry = entryOf(0, { size: 20 * blockBytes })
    const again = probe.offer(one, entry, { source: 'edge', frontier: 0, rateBps: 500_000 })
    expect(again.n).toBe(n)
    for (let block = 1; block <= 5; block++) {
      const frontier = block * blockBytes
      probe.hear(one, { type: 'grow', n, frontier, size: 20 * blockBytes, rateBps: 0 })
      probe.answer(one)
    }
    expect(sent(probe, two, 'offer').at(-1)).toMatchObject({ n: 1, source: 'relay', frontier: blockBytes })
    expect(sent(probe, two, 'grow')).toMatchObject([{ n: 1, frontier: 5 * blockBytes }])
  })

  it('goes on behind the next lease when the one before it died, and not for ever', () => {
    const { probe } = relaying(0)
    const entry = entryOf(0, { size: 20 * blockBytes })
    const relays: number[] = []
    for (let lease = 1; lease <= 6; lease++) {
      const holder = peerNamed(10 + lease)
      probe.join(holder)
      const { n } = probe.offer(holder, entry, { source: 'edge', frontier: 0, rateBps: 500_000 })
      const end = 2 * lease * blockBytes
      for (const frontier of [end - blockBytes, end]) {
        probe.hear(holder, { type: 'grow', n, frontier, size: 20 * blockBytes, rateBps: 500_000 })
        probe.live(20)
        for (const peer of [one, holder]) probe.answer(peer)
      }
      probe.hear(holder, { type: 'withdraw', n, offset: end, reason: 'failed' })
      probe.put({ type: 'peerLeft', peer: one, reason: 'gone' })
      for (const { fetch } of probe.fetches()) probe.put({ type: 'edgeFailed', fetch, reason: 'timeout' })
      relays.push(sent(probe, two, 'offer').filter(({ source }) => source === 'relay').length)
    }
    expect(relays[1]).toBeGreaterThan(1)
    expect(relays.at(-1)).toBeLessThanOrEqual(3)
  })

  it('whose source dies promises nothing more', () => {
    const { probe, n } = relaying(0)
    probe.hear(one, { type: 'grow', n, frontier: 5 * blockBytes, size: 20 * blockBytes, rateBps: 0 })
    probe.answer(one)
    probe.put({ type: 'peerLeft', peer: one, reason: 'gone' })
    const ended = sent(probe, two, 'withdraw').some(withdraw => withdraw.reason === 'failed')
    const leased = sent(probe, two, 'offer').some(offer => offer.source === 'edge')
    expect(ended || leased).toBe(true)
  })
})

describe('a viewer that does not give', () => {
  it.each(['leech', 'off'] as const)('tells nobody what it has: %s', mode => {
    const probe = holder()
    probe.put({ type: 'policy', policy: policyOf(mode) })
    probe.join(one)
    expect(sent(probe, one, 'offer')).toEqual([])
    probe.hear(one, { type: 'request', n: 0, offset: 0, length: blockBytes })
    expect(sent(probe, one, 'piece')).toEqual([])
  })

  it('withdraws what it offered when it stops giving, and offers it again when it gives again', () => {
    const probe = holder()
    probe.join(one)
    probe.put({ type: 'policy', policy: policyOf('leech') })
    expect(sent(probe, one, 'withdraw')).toMatchObject([{ n: 0, offset: 0 }])
    probe.put({ type: 'policy', policy: policyOf('share') })
    expect(sent(probe, one, 'offer').map(offer => offer.n)).toEqual([0, 1])
    expect(sent(probe, one, 'offer')[1]).toMatchObject({ source: 'held', frontier: size })
  })

  it('keeps what comes while it leeches, to give it later', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.put({ type: 'policy', policy: policyOf('leech') })
    probe.list([entryOf(0)])
    probe.hold(entryOf(0))
    probe.join(one)
    probe.put({ type: 'policy', policy: policyOf('share') })
    expect(sent(probe, one, 'offer')).toMatchObject([{ source: 'held', frontier: size }])
  })

  it('tells nobody what nothing proves where proof is required', () => {
    const probe = holder()
    probe.put({ type: 'policy', policy: { ...policyOf('share'), integrity: 'required' } })
    probe.join(one)
    expect(sent(probe, one, 'offer')).toEqual([])
  })

  it('outside the site gets nothing where the operator keeps the line closed, and all when he opens it', () => {
    const probe = holder()
    probe.put({ type: 'policy', policy: { ...policyOf('share'), wan: 'deny' } })
    probe.join(three, { place: 'outside' })
    expect(sent(probe, three, 'offer')).toEqual([])
    probe.put({ type: 'policy', policy: policyOf('share') })
    expect(sent(probe, three, 'offer')).toHaveLength(1)
  })
})

describe('a wire whose numbers run out', () => {
  it('is renewed before the package under it stops listening', () => {
    const probe = new Probe({ groupSize: 1 })
    const entries = Array.from({ length: 1000 }, (_, seq) => entryOf(seq, { size: 1000 }))
    probe.list(entries)
    for (const entry of entries) probe.hold(entry)
    probe.join(one)
    let closed = 0
    for (let round = 0; round < 400 && closed === 0; round++) {
      for (const mode of ['leech', 'share'] as const) probe.put({ type: 'policy', policy: policyOf(mode) })
      closed = probe.all('closePeer').length
      for (const { n } of sent(probe, one, 'offer')) expect(n).toBeLessThan(400_000)
      probe.said.length = 0
    }
    expect(closed).toBe(1)
  })
})

function policyOf(mode: 'share' | 'leech' | 'off') {
  return {
    mode,
    wan: 'allow',
    integrity: 'prefer',
    lineKbps: 0,
    uploadKbps: 0,
    groupSize: 1,
  } as const
}
