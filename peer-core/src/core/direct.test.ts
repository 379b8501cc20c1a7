import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const near = peerNamed(1)
const size = 400_000

/** A viewer beside a holder that answers one request in 450 ms: 145 kB a second, where 160 would be enough. */
function served(segments: number, policy: ConstructorParameters<typeof Probe>[0] = {}): Probe {
  const probe = new Probe({ groupSize: 2, ...policy })
  const entries = Array.from({ length: segments }, (_, seq) => entryOf(seq, { size }))
  probe.list(entries)
  probe.pong(probe.join(near))
  for (const entry of entries) probe.offer(near, entry)
  for (let seq = 0; seq < segments; seq++) {
    probe.want(seq, 2_500)
    for (let step = 0; step < 5; step++) {
      probe.live(450)
      const request = probe.openRequestsTo(near)[step]
      if (request) probe.hear(near, { ...request, type: 'piece' })
    }
    const fetch = probe.fetches().at(-1)
    if (fetch?.key !== `segment ${seq}`) continue
    probe.bring(fetch.from, size - fetch.from, size, fetch.fetch)
    probe.done(fetch.fetch, size)
  }
  return probe
}

describe('peers that give, but too slowly for what is played', () => {
  it('are left alone for a while after their segments had to be saved again and again', () => {
    const probe = served(12)
    const reasons = probe.fetches().map(({ reason }) => reason)
    const first = reasons.indexOf('direct')
    expect(
      reasons.slice(0, Math.max(first, 0)).filter(reason => reason === 'tail').length,
    ).toBeGreaterThanOrEqual(2)
    const direct = probe.fetches().find(({ reason }) => reason === 'direct')
    expect(direct).toMatchObject({ from: 0, to: 0 })
  })

  it('are asked on where the line could not carry that', () => {
    const probe = served(12, { lineKbps: 3_000 })
    expect(probe.fetches().some(({ reason }) => reason === 'direct')).toBe(false)
  })
})
