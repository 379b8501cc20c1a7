import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const [near, other, third] = [peerNamed(1), peerNamed(2), peerNamed(3)]
const entries = Array.from({ length: 12 }, (_, seq) => entryOf(seq))

/** Playing from 0; `held`: which segments each peer has. */
function playing(held: ReadonlyMap<string, readonly number[]>, live = false): string[] {
  const probe = new Probe({ groupSize: 4 })
  probe.list(entries, live)
  for (const [peer, seqs] of held) {
    probe.pong(probe.join(peer))
    for (const seq of seqs) probe.offer(peer, entries[seq]!)
  }
  probe.play(0, 0)
  probe.live(300)
  const asked = new Set<string>()
  for (const peer of held.keys())
    for (const { n } of probe.requestsTo(peer)) asked.add(`segment ${held.get(peer)![n]}`)
  return [...asked].sort()
}

const all = entries.map(({ seq }) => seq)

describe('prefetch of a recording', () => {
  it('takes the next ones, and the one that fewest hold', () => {
    const but9 = all.filter(seq => seq !== 9)
    const held = new Map([
      [near, all],
      [other, but9],
      [third, but9],
    ])
    expect(playing(held)).toEqual(['segment 0', 'segment 1', 'segment 2', 'segment 9'])
  })

  it('takes only the next ones where all are held by several, or of a live stream', () => {
    const held = new Map([
      [near, all],
      [other, all],
      [third, all],
    ])
    const next = ['segment 0', 'segment 1', 'segment 2']
    expect(playing(held)).toEqual(next)
    expect(playing(new Map([[near, all]]), true)).toEqual(next)
  })
})
