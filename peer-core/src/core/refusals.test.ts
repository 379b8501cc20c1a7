import { describe, expect, it } from 'vitest'
import { turnOf } from './hash.ts'
import { entryOf, Probe, peerNamed, self } from './testing/probe.ts'

const size = 200_000
const entry = entryOf(4)

/** Peers that come before us in the order of the segment, and after us. */
function peersAt(where: 'before' | 'after', count: number): string[] {
  const found: string[] = []
  for (let index = 1; found.length < count; index++) {
    const peer = peerNamed(index)
    if (turnOf(4, peer) < turnOf(4, self) === (where === 'before')) found.push(peer)
  }
  return found
}

/** We have played beside `peers` long enough to be a candidate. */
function settled(peers: readonly string[]): Probe {
  const probe = new Probe({ groupSize: peers.length + 1 })
  probe.edgeBps = 10_000_000
  for (const peer of peers) probe.pong(probe.join(peer, { seq: 3 }))
  probe.live(2_600)
  for (const peer of peers) probe.tell(peer, 3, 6_000)
  probe.play(0, 6_000)
  probe.list([entry])
  return probe
}

function refuse(probe: Probe, retryAfterMs = 0): void {
  const { fetch } = probe.fetches().at(-1)!
  probe.put({ type: 'edgeRefused', fetch, reason: 'busy', retryAfterMs })
}

/** This peer's lease ends before a byte of it came. */
function hearRefusal(probe: Probe, peer: string): void {
  const { n } = probe.offer(peer, entry, { source: 'edge', frontier: 0 })
  probe.hear(peer, { type: 'withdraw', n, offset: 0, reason: 'failed' })
}

describe('an edge that refuses', () => {
  it('leaves trying again to the host while nobody else is here', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entry])
    probe.want(4, 4_000)
    refuse(probe)
    expect(probe.all('abortEdge')).toEqual([])
    expect(probe.fetches()).toHaveLength(1)
  })

  it('makes us tell the others at once, and leave the next try to whoever was refused less often', () => {
    const [after] = peersAt('after', 1)
    const probe = settled([after!])
    probe.want(4, 4_000)
    probe.live(100)
    refuse(probe)
    expect(probe.all('abortEdge')).toHaveLength(1)
    expect(probe.sentTo(after!)).toContainEqual(
      expect.objectContaining({ type: 'withdraw', offset: 0, reason: 'failed' }),
    )
    probe.live(160)
    expect(probe.fetches()).toHaveLength(1)
    hearRefusal(probe, after!)
    // Both were refused once: the order is the usual one again.
    probe.live(260)
    expect(probe.fetches()).toHaveLength(2)
  })

  it('is tried by us when nobody whose turn comes first does it', () => {
    const probe = settled(peersAt('after', 2))
    probe.want(4, 4_000)
    probe.live(100)
    refuse(probe)
    probe.live(400)
    expect(probe.fetches()).toHaveLength(2)
  })

  it('is asked in turn, and not by everybody, when the deadline has come', () => {
    const before = peersAt('before', 3)
    const probe = settled(before)
    probe.want(4, 1_000)
    let ours = 0
    for (let round = 0; round < 16; round++) {
      if (probe.fetches().length > ours) {
        ours++
        refuse(probe)
      } else hearRefusal(probe, before[round % 3]!)
      probe.live(255)
    }
    expect(ours).toBeGreaterThanOrEqual(3)
    expect(ours).toBeLessThanOrEqual(5)
  })

  it('is believed of one peer three times and no more, unless we see it ourselves', () => {
    const [liar] = peersAt('before', 1)
    const probe = settled([liar!])
    probe.want(4, 1_000)
    for (let time = 0; time < 30 && probe.fetches().length === 0; time++) {
      hearRefusal(probe, liar!)
      probe.live(100)
    }
    expect(probe.fetches()).toHaveLength(1)
    expect(probe.now - 1_000 - 2_600).toBeLessThan(1_500)
  })

  it('is left alone as long as it asks for', () => {
    const probe = settled(peersAt('after', 1))
    probe.want(4, 4_000)
    probe.live(100)
    refuse(probe, 2_000)
    probe.live(1_900)
    expect(probe.fetches()).toHaveLength(1)
    probe.live(300)
    expect(probe.fetches()).toHaveLength(2)
  })

  it('is told to the player when it lasts', () => {
    const [other] = peersAt('after', 1)
    const probe = settled([other!])
    probe.want(4, 4_000)
    probe.live(100)
    for (let time = 0; time < 60 && probe.all('fail').length === 0; time++) {
      if (probe.fetches().length > probe.all('abortEdge').length) refuse(probe)
      probe.live(100)
    }
    expect(probe.last('fail')).toMatchObject({ reason: 'edge-busy' })
    expect(probe.fetches().length).toBeGreaterThan(5)
    expect(probe.fetches().length).toBeLessThan(20)
  })
})

describe('bytes after all', () => {
  it('are given the time to go round, though everybody is late', () => {
    const [other] = peersAt('before', 1)
    const probe = settled([other!])
    hearRefusal(probe, other!)
    probe.want(4, 300)
    probe.live(100)
    const { n } = probe.offer(other!, entry, { source: 'edge', frontier: 0 })
    probe.hear(other!, { type: 'grow', n, frontier: 16_384, size, rateBps: 400_000 })
    probe.live(350)
    expect(probe.fetches()).toEqual([])
    expect(probe.requestsTo(other!)).not.toEqual([])
  })
})

describe('a link that is open before its peer has spoken', () => {
  it('does not make us the first of all', () => {
    const [other] = peersAt('before', 1)
    const probe = new Probe({ groupSize: 2 })
    probe.list([entry])
    probe.play(0, 2_000)
    probe.put({ type: 'peerJoined', peer: other!, place: 'group', hello: { v: 1, mode: 'share', reqq: 256 } })
    probe.want(4, 4_000)
    probe.live(250)
    expect(probe.fetches()).toEqual([])
    probe.live(100)
    expect(probe.fetches()).toHaveLength(1)
  })
})
