import { describe, expect, it } from 'vitest'
import type { PeerMessage } from './messages.ts'
import { entryOf, Probe, peerNamed, track } from './testing/probe.ts'

const [one, two] = [peerNamed(1), peerNamed(2)]

type Of<T extends PeerMessage['type']> = Extract<PeerMessage, { type: T }>

function sent<T extends PeerMessage['type']>(probe: Probe, peer: string, type: T): Of<T>[] {
  return probe.sentTo(peer).filter((message): message is Of<T> => message.type === type)
}

/** Lets time pass while a peer answers pings after `rttMs`. */
function passAnswering(probe: Probe, peer: string, ms: number, rttMs: number): void {
  const answered = new Set<number>()
  const due: { id: number; at: number }[] = []
  for (let waited = 0; waited < ms; waited += 10) {
    probe.pass(10)
    for (const { id } of sent(probe, peer, 'ping')) {
      if (!answered.has(id)) due.push({ id, at: probe.now + rttMs })
      answered.add(id)
    }
    while (due[0] && due[0].at <= probe.now) probe.hear(peer, { type: 'pong', id: due.shift()!.id })
  }
}

function rtts(probe: Probe): number[] {
  return probe.all('trace').flatMap(({ note }) => (note.kind === 'rtt' ? [note.rttMs] : []))
}

describe('pings', () => {
  it('go out when a peer comes and every second and a half', () => {
    const probe = new Probe()
    probe.join(one)
    expect(sent(probe, one, 'ping')).toHaveLength(1)
    probe.pass(4400)
    expect(sent(probe, one, 'ping')).toHaveLength(3)
  })

  it('are few on a wire that talks and whose round trip stays what it was', () => {
    const probe = new Probe()
    probe.pong(probe.join(one))
    let pings = 0
    for (let tenth = 0; tenth < 300; tenth++) {
      probe.hear(one, { type: 'busy', on: false })
      const said = probe.pass(100)
      probe.pong(said)
      pings += said.filter(output => output.type === 'send' && output.message.type === 'ping').length
    }
    // After 1.5, 3, 6 and 12 seconds.
    expect(pings).toBeGreaterThanOrEqual(3)
    expect(pings).toBeLessThanOrEqual(5)
  })

  it('come again every second and a half once the round trip is another one', () => {
    const probe = new Probe()
    probe.join(one)
    passAnswering(probe, one, 12_000, 10)
    const before = sent(probe, one, 'ping').length
    passAnswering(probe, one, 30_000, 200)
    expect(rtts(probe).at(-1)).toBeGreaterThan(150)
    expect(sent(probe, one, 'ping').length).toBeGreaterThan(before + 4)
  })

  it('are answered with their own number', () => {
    const probe = new Probe()
    probe.join(one)
    probe.hear(one, { type: 'ping', id: 54_321 })
    expect(sent(probe, one, 'pong')).toEqual([{ type: 'pong', id: 54_321 }])
  })

  it('measure the round trip, smoothed', () => {
    const probe = new Probe()
    probe.join(one)
    for (const rttMs of [40, 80]) {
      const { id } = sent(probe, one, 'ping').at(-1)!
      probe.now += rttMs
      probe.hear(one, { type: 'pong', id })
      probe.now += 1500 - rttMs
      probe.put({ type: 'tick' })
    }
    expect(rtts(probe)).toEqual([40, 50])
  })

  it('measure nothing by a pong nobody asked for, or by the same pong twice', () => {
    const probe = new Probe()
    probe.join(one)
    const [{ id }] = sent(probe, one, 'ping') as [Of<'ping'>]
    probe.hear(one, { type: 'pong', id: id + 7 })
    expect(rtts(probe)).toEqual([])
    probe.now += 30
    probe.hear(one, { type: 'pong', id })
    probe.now += 900
    probe.hear(one, { type: 'pong', id })
    expect(rtts(probe)).toEqual([30])
  })

  it('show a peer behind a slow road as slow, though its answers outlast their pings', () => {
    const probe = new Probe()
    const entry = entryOf(0, { size: 100_000 })
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry)
    passAnswering(probe, one, 4000, 2000)
    probe.join(two)
    probe.offer(two, entry)
    probe.want(0, 9000)
    expect(probe.requestsTo(one)).toEqual([])
    expect(probe.requestsTo(two)).not.toEqual([])
  })
})

describe('a peer', () => {
  it('that says nothing for four and a half seconds is given up, within five', () => {
    const probe = new Probe()
    probe.join(one)
    probe.pass(4400)
    expect(probe.all('closePeer')).toEqual([])
    probe.pass(200)
    expect(probe.all('closePeer')).toEqual([{ type: 'closePeer', peer: one, reason: 'silent', ban: false }])
    probe.pass(5000)
    expect(probe.all('closePeer')).toHaveLength(1)
  })

  it('lives as long as it says anything', () => {
    const probe = new Probe()
    probe.join(one)
    for (let second = 0; second < 20; second++) {
      probe.pass(1000)
      probe.hear(one, { type: 'busy', on: false })
    }
    expect(probe.all('closePeer')).toEqual([])
  })

  it('is not given up for the time that we slept', () => {
    const probe = new Probe()
    probe.join(one)
    probe.pass(1000)
    probe.now += 3_600_000
    probe.put({ type: 'tick' })
    expect(probe.all('closePeer')).toEqual([])
    probe.pass(4400)
    expect(probe.all('closePeer')).toEqual([])
    probe.pass(200)
    expect(probe.all('closePeer')).toHaveLength(1)
  })

  it('is asked for a sign of life by our own clock: the core wakes itself for it', () => {
    const probe = new Probe()
    probe.join(one)
    const end = probe.now + 6000
    for (let wake = probe.last('wakeAt').at; wake <= end && probe.all('closePeer').length === 0; ) {
      probe.now = wake
      probe.put({ type: 'tick' })
      wake = probe.last('wakeAt').at
    }
    expect(probe.all('closePeer')).toHaveLength(1)
    expect(probe.now).toBeLessThan(1000 + 4600)
  })

  it('that says goodbye is let go, and what it held is not waited for', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry)
    probe.want(0, 9000)
    probe.hear(one, { type: 'goaway', reason: 'closing' })
    expect(probe.core.inspect()).toMatchObject({ offers: 0, asks: 0 })
    probe.pass(50)
    expect(probe.fetches()).toHaveLength(1)
  })

  it('that comes again under the same name begins anew', () => {
    const probe = new Probe()
    probe.join(one)
    probe.offer(one, entryOf(0))
    probe.join(one)
    expect(probe.core.inspect().offers).toBe(0)
  })
})

describe('our position', () => {
  it('is told to who comes', () => {
    const probe = new Probe()
    probe.list([0, 1, 2, 3].map(seq => entryOf(seq)))
    probe.play(1000, 2500)
    probe.join(one)
    expect(sent(probe, one, 'position')[0]).toMatchObject({
      tracks: [0],
      seq: 2,
      bufferMs: 2500,
      rate: 100,
      paused: false,
      hidden: false,
      mode: 'share',
    })
    expect(sent(probe, one, 'track')).toEqual([{ type: 'track', id: 0, path: track }])
  })

  it('is told once a second while playing, however often the player reports', () => {
    const probe = new Probe()
    probe.join(one)
    probe.list([0, 1, 2, 3].map(seq => entryOf(seq)))
    const before = sent(probe, one, 'position').length
    for (let tick = 0; tick < 30; tick++) {
      probe.play(tick * 100, 4000)
      probe.pass(100)
    }
    const told = sent(probe, one, 'position').length - before
    expect(told).toBeGreaterThanOrEqual(3)
    expect(told).toBeLessThanOrEqual(4)
  })

  it('is told every other second in a large group', () => {
    const probe = new Probe({ groupSize: 100, role: 'member' })
    probe.join(one)
    const before = sent(probe, one, 'position').length
    for (let tick = 0; tick < 100; tick++) {
      probe.play(tick * 100, 4000)
      probe.pong(probe.pass(100))
    }
    const told = sent(probe, one, 'position').length - before
    expect(told).toBeGreaterThanOrEqual(4)
    expect(told).toBeLessThanOrEqual(6)
  })

  it('is told within a tenth of a second when the player pauses, hides, or plays another track', () => {
    const probe = new Probe()
    probe.join(one)
    for (const change of [{ paused: true }, { paused: true, hidden: true }, { tracks: ['audio'] }]) {
      probe.play(0, 4000)
      probe.pass(2000)
      const before = sent(probe, one, 'position').length
      probe.play(0, 4000, change)
      probe.pass(100)
      expect(sent(probe, one, 'position')).toHaveLength(before + 1)
      probe.hear(one, { type: 'busy', on: false })
    }
  })

  it('runs down with the clock between two reports of the player', () => {
    const probe = new Probe()
    probe.list([0, 1, 2, 3].map(seq => entryOf(seq)))
    probe.play(0, 4000)
    probe.now += 1500
    probe.join(one)
    expect(sent(probe, one, 'position')[0]).toMatchObject({ bufferMs: 2500, seq: 2 })
  })

  it('stays where it is while the player pauses', () => {
    const probe = new Probe()
    probe.list([0, 1, 2, 3].map(seq => entryOf(seq)))
    probe.play(0, 4000, { paused: true })
    probe.now += 60_000
    probe.join(one)
    expect(sent(probe, one, 'position')[0]).toMatchObject({ bufferMs: 4000, seq: 2, paused: true })
  })

  it('is not told before a player has one', () => {
    const probe = new Probe()
    probe.join(one)
    probe.pass(3000)
    expect(sent(probe, one, 'position')).toEqual([])
  })
})
