import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const parent = peerNamed(1)
const viewers = 1_000
const dueMs = 8_000

/** When a member, fed by nobody though its parent's beacons go on, fetches segment `seq` itself: ms before it is due. */
function helpsItselfBefore(seq: number, policy: { groupSize?: number; lineKbps?: number } = {}): number {
  const probe = new Probe({ groupSize: viewers, role: 'member', ...policy })
  probe.edgeBps = 2_000_000
  probe.pong(probe.join(parent, { seq }))
  probe.play((seq - 4) * 2000, dueMs)
  probe.list([entryOf(seq)])
  probe.want(seq, dueMs)
  for (let waited = 0; waited < dueMs; waited += 20) {
    if (waited % 500 === 0) {
      probe.hear(parent, { type: 'beacon', epoch: 1, hops: 0 })
      probe.tell(parent, seq, 6000)
    }
    probe.live(20)
    if (probe.fetches().length > 0) return dueMs - waited
  }
  return 0
}

describe('members of a large group that nobody feeds', () => {
  // Another segment gives a member another place, as another member would have for the same one.
  const before = Array.from({ length: 100 }, (_, index) => helpsItselfBefore(index + 4)).sort((a, b) => b - a)

  it('help themselves in good time, each of them', () => {
    expect(before.at(-1)).toBeGreaterThan(400)
  })

  it('go few at first, and twice as many with each step, so that what the first fetched comes round before', () => {
    const first = before[0]!
    const within = (ms: number) => before.filter(at => at > first - ms).length
    expect(within(300)).toBeLessThanOrEqual(2)
    expect(within(600)).toBeLessThanOrEqual(6)
    expect(within(900)).toBeLessThanOrEqual(25)
    expect(within(1_200)).toBeGreaterThan(40)
  })
})
