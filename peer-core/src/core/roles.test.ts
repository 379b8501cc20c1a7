import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const [one, two] = [peerNamed(1), peerNamed(2)]

/** In a large group: linked to `peers` for long enough, with a segment coming that nobody has yet. */
function inLargeGroup(role: 'fetcher' | 'member', peers: readonly string[], lineKbps = 0): Probe {
  const probe = new Probe({ groupSize: 100, role, lineKbps })
  for (const peer of peers) probe.pong(probe.join(peer, { seq: 3 }))
  probe.play(0, 6000)
  return probe
}

/** Beside peers that answer pings and beacon every half second. */
function pass(probe: Probe, ms: number, beacons: Readonly<Record<string, number>>): void {
  for (let left = ms; left > 0; left -= 500) {
    for (const [peer, hops] of Object.entries(beacons)) {
      probe.hear(peer, { type: 'beacon', epoch: 1, hops })
      probe.tell(peer, 3, 6000)
    }
    probe.live(Math.min(left, 500))
  }
}

const beaconsTo = (probe: Probe, peer: string) =>
  probe.sentTo(peer).flatMap(message => (message.type === 'beacon' ? [message.hops] : []))

describe('a member of a large group', () => {
  it('leaves the fetching to fetchers while it hears of one, however far away', () => {
    const probe = inLargeGroup('member', [one, two])
    pass(probe, 4000, { [one]: 2, [two]: 1 })
    probe.list([entryOf(3), entryOf(4)])
    pass(probe, 2000, { [one]: 2, [two]: 1 })
    expect(probe.fetches()).toEqual([])
  })

  it('passes on how far the nearest fetcher is', () => {
    const probe = inLargeGroup('member', [one, two])
    pass(probe, 3000, { [one]: 2, [two]: 1 })
    expect(beaconsTo(probe, one).at(-1)).toBe(2)
  })

  it('does not tell it to who is nearer, until that falls silent', () => {
    const probe = inLargeGroup('member', [one, two])
    pass(probe, 3000, { [one]: 0, [two]: 1 })
    expect(beaconsTo(probe, one)).toEqual([])
    expect(beaconsTo(probe, two).at(-1)).toBe(1)
    pass(probe, 4500, { [two]: 1 })
    expect(beaconsTo(probe, one).at(-1)).toBe(2)
  })

  it('takes its turn when none was heard for three seconds', () => {
    const probe = inLargeGroup('member', [one])
    pass(probe, 3000, { [one]: 0 })
    probe.list([entryOf(3), entryOf(4)])
    probe.live(2000)
    expect(probe.fetches()).toEqual([])
    probe.tell(one, 3, 6000)
    // Players tell where they are twice a second.
    for (let waited = 0; waited < 2500; waited += 500) {
      probe.play(0, 6000)
      probe.live(500)
    }
    expect(probe.fetches()).not.toEqual([])
  })

  it('does not count two members that hear only each other as a way to a fetcher', () => {
    const probe = inLargeGroup('member', [one])
    pass(probe, 3500, { [one]: 7 })
    const before = beaconsTo(probe, one).length
    pass(probe, 3000, { [one]: 9 })
    expect(beaconsTo(probe, one).length).toBe(before)
  })

  it('waits six seconds for its parents before it costs a thin line anything', () => {
    const probe = inLargeGroup('member', [one], 1200)
    pass(probe, 2500, { [one]: 0 })
    probe.list([entryOf(3)])
    probe.want(3, 1500)
    pass(probe, 5500, { [one]: 0 })
    expect(probe.fetches()).toEqual([])
    pass(probe, 1500, { [one]: 0 })
    expect(probe.fetches()).toHaveLength(1)
  })
})

describe('a fetcher', () => {
  it('says so, and takes turns with those who say so too', () => {
    const probe = inLargeGroup('fetcher', [one, two])
    pass(probe, 3000, { [one]: 1, [two]: 1 })
    expect(beaconsTo(probe, one).at(-1)).toBe(0)
    probe.list([entryOf(3), entryOf(4)])
    // Nobody else is a fetcher: our rank is 0 whatever the others' turns are.
    probe.live(10)
    expect(probe.fetches().map(fetch => fetch.reason)).toContain('lease')
  })
})

describe('the uplink', () => {
  it('is told to the tracker as child links, once it was measured', () => {
    const probe = new Probe({ groupSize: 2 })
    const entry = entryOf(0)
    probe.list([entry])
    probe.play(0, 6000)
    probe.hold(entry)
    probe.pong(probe.join(one))
    const offered = probe.sentTo(one).find(message => message.type === 'offer')
    if (offered?.type !== 'offer') throw new Error('nothing was offered')
    expect(probe.all('capacity')).toEqual([])
    for (let offset = 0; offset < 196_608; offset += 65_536) {
      probe.hear(one, { type: 'request', n: offered.n, offset, length: 65_536 })
    }
    // 131 kB leave within 200 ms: 655 kB/s for a stream of 100 kB/s.
    probe.now += 200
    probe.put({ type: 'drained', peer: one, queuedBytes: 65_536 })
    const { childLinks } = probe.last('capacity')
    expect(childLinks).toBeGreaterThanOrEqual(4)
    expect(childLinks).toBeLessThanOrEqual(6)
  })
})
