import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const one = peerNamed(1)
const size = 200_000

describe('a want beside a peer that gives nothing', () => {
  it('is not kept waiting by a lease that is complete but for its word', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry, { source: 'edge', frontier: size, rateBps: 100_000 })
    probe.want(0, 3000)
    probe.live(3000)
    expect(probe.requestsTo(one)).not.toEqual([])
    expect(probe.fetches().length).toBeGreaterThan(0)
  })

  it('is not kept off a thin line by a slow lease of another segment that fell silent', () => {
    const probe = new Probe({ lineKbps: 1000, groupSize: 2 })
    const [wanted, other] = [entryOf(0), entryOf(2)]
    probe.list([wanted, entryOf(1), other])
    probe.join(one)
    probe.play(0, 0)
    probe.offer(one, other, { source: 'edge', frontier: 16_384, rateBps: 2_000 })
    probe.want(0, 5000)
    probe.live(6000)
    expect(probe.fetches().some(({ key }) => key === 'segment 0')).toBe(true)
  })

  it('is not kept off a thin line by a lease of what is too large to share', () => {
    const probe = new Probe({ lineKbps: 1000, groupSize: 2 })
    const large = entryOf(1, { size: 20_000_000 })
    probe.list([entryOf(0), { ...large, size: 0 }])
    probe.join(one)
    probe.offer(one, large, { size: 0, source: 'edge', frontier: 0 })
    probe.list([entryOf(0), large])
    probe.play(0, 0)
    probe.want(0, 5000)
    probe.live(6000)
    expect(probe.fetches().some(({ key }) => key === 'segment 0')).toBe(true)
  })

  it('is not kept waiting by a lease that grows while no request is answered', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(one)
    const { n } = probe.offer(one, entry, { source: 'edge', frontier: 16_384, rateBps: 60_000 })
    probe.want(0, 5000)
    for (let frontier = 32_768; frontier < size; frontier += 16_384) {
      probe.live(300)
      probe.hear(one, { type: 'grow', n, frontier, size, rateBps: 60_000 })
    }
    probe.live(1500)
    expect(probe.fetches().length).toBeGreaterThan(0)
  })
})

describe('a machine that slept', () => {
  it('waits no longer for others than before', () => {
    const probe = new Probe()
    const [first, second] = [entryOf(0), entryOf(1)]
    probe.list([first, second])
    probe.want(0, 1000)
    probe.now += 8 * 3_600_000
    const { fetch } = probe.last('fetchEdge')
    const open = probe.fetches().filter(one => !probe.all('abortEdge').some(gone => gone.fetch === one.fetch))
    probe.bring(open[0]!.from, 1000, size, fetch)
    probe.join(one)
    probe.offer(one, second, { source: 'edge', frontier: 0 })
    probe.want(1, 6000)
    probe.live(5500)
    expect(probe.fetches().some(({ key }) => key === 'segment 1')).toBe(true)
  })
})
