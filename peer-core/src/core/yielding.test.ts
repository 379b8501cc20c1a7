import { describe, expect, it } from 'vitest'
import { turnOf } from './hash.ts'
import type { OfferMessage } from './messages.ts'
import { entryOf, Probe, peerNamed, self } from './testing/probe.ts'

const size = 200_000
const entry = entryOf(4)

/** A peer whose turn comes before ours: our lease gives way to its. */
const first = Array.from({ length: 99 }, (_, index) => peerNamed(index + 1)).find(
  peer => turnOf(4, peer) < turnOf(4, self),
)!

/** We took segment 4 because its time was nearly up, and have a block of it. */
function rescuing(): Probe {
  const probe = new Probe()
  probe.pong(probe.join(first, { seq: 3 }))
  probe.live(2500)
  probe.play(0, 6000)
  probe.list([entry])
  probe.want(4, 300)
  probe.live(300)
  expect(probe.fetches()).toHaveLength(1)
  probe.bring(0, 16_384, size)
  return probe
}

function leases(probe: Probe, changes: Partial<OfferMessage> = {}): number {
  return probe.offer(first, entry, { source: 'edge', frontier: 16_384, ...changes }).n
}

describe('a lease of ours gives way', () => {
  it('to one that is counted on', () => {
    const probe = rescuing()
    leases(probe, { rateBps: 500_000 })
    expect(probe.all('abortEdge')).toHaveLength(1)
  })

  it('not to one so slow that the segment would be taken again at once', () => {
    const probe = rescuing()
    const n = leases(probe, { rateBps: 10_000 })
    for (let frontier = 32_768; frontier < 131_072; frontier += 16_384)
      probe.hear(first, { type: 'grow', n, frontier, size, rateBps: 10_000 })
    expect(probe.all('abortEdge')).toEqual([])
    expect(probe.fetches()).toHaveLength(1)
  })

  it('not to one whose bytes cannot be joined with ours', () => {
    const probe = rescuing()
    leases(probe, { etag: '', rateBps: 500_000 })
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('not to one whose holder lets our requests wait', () => {
    const probe = rescuing()
    probe.offer(first, entryOf(5))
    probe.list([entry, entryOf(5)])
    probe.want(5, 3000)
    probe.live(1600)
    leases(probe, { rateBps: 500_000 })
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('to each peer once: what was taken back from it is not left to it again', () => {
    const probe = rescuing()
    const n = leases(probe, { rateBps: 500_000 })
    expect(probe.all('abortEdge')).toHaveLength(1)
    probe.hear(first, { type: 'withdraw', n, offset: 16_384, reason: 'failed' })
    probe.live(500)
    expect(probe.fetches()).toHaveLength(2)
    leases(probe, { rateBps: 500_000 })
    expect(probe.all('abortEdge')).toHaveLength(1)
  })
})
