import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const size = 200_000
/** Of the stream that all of them play. */
const bitrate = 100_000

/** Ten neighbours hold segment 4, and each could carry so much of the stream to another. */
function beside(
  uplinkBps: number,
  policy: ConstructorParameters<typeof Probe>[0] = {},
  firstBps = uplinkBps,
): Probe {
  const probe = new Probe({ groupSize: 11, ...policy })
  probe.edgeBps = 2_000_000
  const peers = Array.from({ length: 10 }, (_, index) => peerNamed(index + 1))
  const entries = [entryOf(3), entryOf(4)]
  probe.list(entries)
  probe.hold(entries[0]!)
  // Now its size is known, and with it the bitrate.
  probe.list(entries)
  probe.play(2_000, 6_000)
  for (const peer of peers) probe.pong(probe.join(peer, { seq: 3 }))
  probe.live(3_000)
  for (const peer of peers) {
    probe.tell(peer, 3, 3_000, 'share', peer === peers[0] ? firstBps : uplinkBps)
    probe.offer(peer, entryOf(4))
  }
  probe.pass(300)
  probe.want(4, 2_500)
  return probe
}

const ownCopies = (probe: Probe) =>
  probe.all('fetchEdge').filter(({ what, reason }) => what === 'media' && reason === 'share')

describe('a group', () => {
  it('whose uplinks can feed it takes nothing more from the edge', () => {
    const probe = beside(0)
    expect(ownCopies(probe)).toEqual([])
    expect(probe.last('send').message).toMatchObject({ type: 'request' })
  })

  it('whose uplinks cannot takes what they lack from the edge at once, not at the last moment', () => {
    const probe = beside(bitrate / 5)
    expect(ownCopies(probe)).toMatchObject([{ key: 'segment 4', from: 0, to: 0 }])
    // What was asked of peers before is taken back.
    const sent = (type: string) => probe.all('send').filter(({ message }) => message.type === type)
    expect(sent('cancel')).toHaveLength(sent('request').length)
    probe.bring(0, size, size, ownCopies(probe)[0]!.fetch)
    expect(probe.last('deliver')).toMatchObject({ key: 'segment 4', edgeBytes: size })
  })

  it('believes nobody an uplink for more than sixteen: one liar does not keep the others from the edge', () => {
    // Twenty-nine neighbours of no uplink, and one who claims to feed a thousand.
    const probe = beside(1, {}, 1_000 * bitrate)
    const newcomers = Array.from({ length: 20 }, (_, index) => peerNamed(index + 40))
    for (const peer of newcomers) {
      probe.pong(probe.join(peer, { seq: 3 }))
      probe.tell(peer, 3, 3_000, 'share', 1)
    }
    probe.list([entryOf(3), entryOf(4), entryOf(5)])
    probe.pass(300)
    probe.want(5, 2_500)
    expect(ownCopies(probe).map(({ key }) => key)).toContain('segment 5')
  })

  it('does not ask an edge again that has just failed: peers are asked meanwhile', () => {
    const probe = beside(bitrate / 5)
    probe.put({ type: 'edgeFailed', fetch: ownCopies(probe)[0]!.fetch, reason: 'busy' })
    probe.pass(100)
    expect(ownCopies(probe)).toHaveLength(1)
    expect(probe.last('send').message).toMatchObject({ type: 'request' })
  })

  it('does not on a thin line, which could not carry that', () => {
    expect(ownCopies(beside(bitrate / 5, { lineKbps: 1_600 }))).toEqual([])
  })

  it('learns from a rescue that it counted on too much', () => {
    // Just enough, as told: eleven viewers, and 4 + 10 × 0.7 of them fed.
    const probe = beside(0.7 * bitrate)
    expect(ownCopies(probe)).toEqual([])
    for (let seq = 5; seq < 12; seq++) {
      probe.list(Array.from({ length: seq }, (_, i) => entryOf(i + 1)))
      for (let index = 1; index <= 10; index++) {
        probe.tell(peerNamed(index), seq - 1, 2_000, 'share', 0.7 * bitrate)
        probe.offer(peerNamed(index), entryOf(seq))
      }
      probe.play((seq - 1) * 2_000, 2_000)
      // Nobody answers; what comes of it is taken from the edge when time runs out.
      probe.want(seq, 1_500)
      probe.live(1_600)
    }
    expect(probe.all('fetchEdge').some(({ reason }) => reason === 'rescue')).toBe(true)
    expect(ownCopies(probe)).not.toEqual([])
  })
})
