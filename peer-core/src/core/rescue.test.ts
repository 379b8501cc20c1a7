import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const near = peerNamed(1)

/** A start beside somebody who holds the segment. */
function startBesideHolder(): Probe {
  const probe = new Probe()
  const entry = entryOf(0)
  probe.list([entry])
  probe.join(near)
  probe.offer(near, entry)
  probe.want(0, 0, 'start')
  return probe
}

describe('a start whose segment a neighbour holds', () => {
  it('costs the line nothing while the neighbour answers', () => {
    const probe = startBesideHolder()
    probe.pass(100)
    probe.answer(near)
    probe.pass(100)
    probe.answer(near)
    expect(probe.last('deliver')).toMatchObject({ groupBytes: 200_000, edgeBytes: 0 })
    expect(probe.fetches()).toEqual([])
  })

  it('goes to the edge for what is missing when nothing came for a fifth of a second', () => {
    const probe = startBesideHolder()
    probe.pass(190)
    expect(probe.fetches()).toEqual([])
    probe.pass(120)
    expect(probe.fetches()).toMatchObject([{ from: 0, reason: 'start' }])
  })
})
