import { describe, expect, it } from 'vitest'
import { turnOf } from './hash.ts'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const entry = entryOf(4)
const [first, second] = [peerNamed(1), peerNamed(2)].sort((a, b) => turnOf(4, a) - turnOf(4, b)) as [
  string,
  string,
]

describe('who sees two leases on the same bytes', () => {
  /** Both began, and neither gave way. */
  function seen(): { probe: Probe; grow: (peer: string, frontier: number) => void } {
    const probe = new Probe({ groupSize: 3 })
    probe.list([entry])
    probe.join(first)
    probe.join(second)
    const lease = { source: 'edge', frontier: 0, rateBps: 50_000 } as const
    probe.offer(first, entry, lease)
    probe.offer(second, entry, lease)
    const grow = (peer: string, frontier: number): void => {
      probe.hear(peer, { type: 'grow', n: 0, frontier, size: 200_000, rateBps: 50_000 })
    }
    return { probe, grow }
  }
  const toldOf = (probe: Probe, peer: string) => probe.sentTo(peer).filter(({ type }) => type === 'doubled')

  it('tells the one whose turn comes later, once', () => {
    const { probe, grow } = seen()
    probe.live(150)
    grow(first, 16_384)
    grow(second, 16_384)
    grow(second, 32_768)
    expect(toldOf(probe, second)).toEqual([{ type: 'doubled', n: 0, by: first }])
    expect(toldOf(probe, first)).toEqual([])
  })

  it('gives them the time to see each other', () => {
    const { probe, grow } = seen()
    grow(first, 16_384)
    grow(second, 16_384)
    expect(toldOf(probe, second)).toEqual([])
  })

  it('says nothing to a holder that is half done', () => {
    const { probe, grow } = seen()
    probe.live(150)
    grow(second, 114_688)
    grow(first, 16_384)
    expect(toldOf(probe, second)).toEqual([])
  })

  it('does not take a tail fetched from the end backwards for a double', () => {
    const probe = new Probe({ groupSize: 3 })
    probe.list([entry])
    probe.join(first)
    probe.join(second)
    probe.offer(first, entry, { source: 'edge', frontier: 0, rateBps: 50_000 })
    probe.offer(second, entry, { source: 'edge', from: 131_072, frontier: 131_072, rateBps: 50_000 })
    probe.live(150)
    probe.hear(first, { type: 'grow', n: 0, frontier: 16_384, size: 200_000, rateBps: 50_000 })
    probe.hear(second, { type: 'grow', n: 0, frontier: 147_456, size: 200_000, rateBps: 50_000 })
    expect(toldOf(probe, second)).toEqual([])
  })
})

describe('a holder that is told of a double', () => {
  const other = peerNamed(7)

  /** We hold the lease, and two neighbours follow it. */
  function leased(): { probe: Probe; n: number } {
    const probe = new Probe({ groupSize: 4 })
    probe.list([entry])
    probe.join(first)
    probe.join(second)
    probe.want(4, 0, 'start')
    probe.live(110)
    const offer = probe.sentTo(first).find(({ type }) => type === 'offer')
    return { probe, n: offer?.type === 'offer' ? offer.n : -1 }
  }

  it('gives way, and leaves the edge alone until the other bytes reach it', () => {
    const { probe, n } = leased()
    probe.hear(first, { type: 'doubled', n, by: other })
    expect(probe.all('abortEdge')).toHaveLength(1)
    probe.live(300)
    expect(probe.fetches()).toHaveLength(1)
  })

  it('takes the lease again when the other one was empty words, and believes nobody a second time', () => {
    const { probe, n } = leased()
    probe.hear(first, { type: 'doubled', n, by: other })
    probe.live(1_000)
    expect(probe.fetches()).toHaveLength(2)
    const again = probe
      .sentTo(second)
      .filter(({ type }) => type === 'offer')
      .at(-1)
    probe.hear(second, { type: 'doubled', n: again?.type === 'offer' ? again.n : -1, by: other })
    expect(probe.all('abortEdge')).toHaveLength(1)
  })

  it('keeps it against somebody whom it sees itself, and against numbers it never gave', () => {
    const { probe, n } = leased()
    probe.hear(first, { type: 'doubled', n, by: second })
    probe.hear(first, { type: 'doubled', n: n + 7, by: other })
    expect(probe.all('abortEdge')).toEqual([])
  })
})
