import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const one = peerNamed(1)
const size = 200_000

/** Our own request brings a kilobyte a second, and a neighbour has the whole under another validator. */
function trickling(entry = entryOf(0), etag = '"another"'): Probe {
  const probe = new Probe()
  probe.list([entry])
  probe.want(0, 2_000)
  probe.join(one)
  probe.live(500)
  for (let second = 0; second < 4; second++) {
    probe.bring(second * 1_000, 1_000, size)
    probe.live(1_000)
  }
  probe.offer(one, entry, { etag })
  probe.live(200)
  return probe
}

describe('a request that trickles', () => {
  it('is given up for a neighbour’s whole copy that it cannot be joined with', () => {
    const probe = trickling()
    expect(probe.all('abortEdge')).toHaveLength(1)
    probe.answer(one)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: 0, groupBytes: size })
  })

  it('goes on where the two can be joined: the neighbour gives the rest', () => {
    const probe = trickling(entryOf(0), '"1"')
    expect(probe.requestsTo(one)).not.toEqual([])
    expect(probe.all('abortEdge')).toEqual([])
  })

  it('is never needed where the publisher proves what it is', () => {
    const probe = trickling(entryOf(0, { root }))
    const reasons = probe.all('send').filter(({ message }) => message.type === 'withdraw')
    expect(reasons.map(({ message }) => message)).not.toContainEqual(
      expect.objectContaining({ reason: 'void' }),
    )
  })
})
