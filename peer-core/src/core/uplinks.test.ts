import { describe, expect, it } from 'vitest'
import { blockBytes, runBytes } from './messages.ts'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const [one, two, three] = [peerNamed(1), peerNamed(2), peerNamed(3)]
const size = 1_000_000
/** Of the stream that all of them play. */
const bitrate = 500_000

/** We hold segment 0, and our uplink was measured while `one` was fed: a quarter of the bitrate. */
function narrow(): Probe {
  const probe = new Probe({ groupSize: 4 })
  const entry = entryOf(0, { size })
  probe.list([entry])
  probe.hold(entry)
  // Now its size is known, and with it the bitrate.
  probe.list([entry])
  probe.play(0, 6_000)
  probe.join(one)
  for (let run = 0; run < 4; run++) ask(probe, one, run)
  for (let left = 3; left >= 0; left--) {
    probe.pass(500)
    probe.put({ type: 'drained', peer: one, queuedBytes: left * runBytes })
  }
  probe.live(2_500)
  return probe
}

function ask(probe: Probe, peer: string, run: number): void {
  probe.hear(peer, { type: 'request', n: 0, offset: run * runBytes, length: runBytes })
}

function fed(probe: Probe): string[] {
  return probe.all('send').flatMap(({ peer, message }) => (message.type === 'piece' ? [peer] : []))
}

function busy(probe: Probe, peer: string): boolean[] {
  return probe.sentTo(peer).flatMap(message => (message.type === 'busy' ? [message.on] : []))
}

/** Everything that waits in links is gone. */
function drain(probe: Probe): void {
  for (const peer of [one, two, three]) probe.put({ type: 'drained', peer, queuedBytes: 0 })
}

/** All three ask for two runs each. The first fills the link; who is fed after it had to wait in line. */
function fedInTurn(probe: Probe): string[] {
  const before = fed(probe).length
  for (const peer of [one, two, three]) for (const run of [0, 1]) ask(probe, peer, run)
  for (let i = 0; i < 8; i++) {
    probe.pass(300)
    drain(probe)
  }
  return fed(probe).slice(before + 1)
}

describe('an uplink narrower than the stream', () => {
  it('is told with our position', () => {
    const told = narrow()
      .sentTo(one)
      .flatMap(message => (message.type === 'position' ? [message.uplinkBps] : []))
    expect(told[0]).toBe(0)
    expect(told.at(-1)).toBeGreaterThan(0.2 * bitrate)
    expect(told.at(-1)).toBeLessThan(0.4 * bitrate)
  })

  it('feeds the one with the widest uplink first, and who only takes last', () => {
    const probe = narrow()
    probe.join(two)
    probe.join(three)
    probe.tell(one, 0, 6_000, 'leech')
    probe.tell(two, 0, 6_000, 'share', bitrate / 2)
    probe.tell(three, 0, 6_000, 'share', 3 * bitrate)
    expect(fedInTurn(probe)).toEqual([three, three, two, two, one])
  })

  it('puts one that never was full behind those known to pass on, where narrow ones are around', () => {
    const probe = narrow()
    probe.join(two)
    probe.join(three)
    probe.tell(one, 0, 6_000, 'share', bitrate / 2)
    probe.tell(two, 0, 6_000, 'share', 0)
    probe.tell(three, 0, 6_000, 'share', 2 * bitrate)
    expect(fedInTurn(probe)).toEqual([three, three, two, two, one])
  })

  it('sends those away whose turn is far, half a second at least, and calls them back', () => {
    const probe = narrow()
    probe.join(two)
    probe.tell(one, 0, 6_000, 'share', 3 * bitrate)
    probe.tell(two, 0, 6_000, 'share', bitrate / 2)
    for (let run = 0; run < 6; run++) ask(probe, one, run)
    ask(probe, two, 0)
    expect(busy(probe, one)).toEqual([])
    expect(busy(probe, two)).toEqual([true])
    for (let run = 0; run < 6; run++)
      probe.hear(one, { type: 'cancel', n: 0, offset: run * runBytes, length: runBytes })
    probe.hear(two, { type: 'cancel', n: 0, offset: 0, length: runBytes })
    drain(probe)
    expect(busy(probe, two)).toEqual([true])
    probe.pass(600)
    drain(probe)
    expect(busy(probe, two)).toEqual([true, false])
  })
})

describe('a peer whose uplink is narrow', () => {
  function giver(uplinkBps: number): Probe {
    const probe = new Probe()
    const entries = [entryOf(0), entryOf(1)]
    probe.list(entries)
    probe.hold(entries[0]!)
    probe.list(entries)
    probe.play(0, 2_000)
    probe.join(one)
    probe.tell(one, 0, 2_000, 'share', uplinkBps)
    probe.offer(one, entries[1]!)
    probe.want(1, 9_000)
    return probe
  }

  it('is asked for a single block until it has given one', () => {
    const probe = giver(50_000)
    expect(probe.requestsTo(one)).toMatchObject([{ offset: 0, length: blockBytes }])
    probe.pass(100)
    probe.answer(one)
    expect(probe.requestsTo(one).length).toBeGreaterThan(1)
  })

  it('or whose uplink never was full is asked for as much as the link takes', () => {
    expect(giver(0).requestsTo(one).length).toBeGreaterThan(2)
  })

  it('is not asked at all while it has others to feed, and what it owes is asked elsewhere', () => {
    const probe = giver(0)
    const owed = probe.requestsTo(one).length
    probe.join(two)
    probe.offer(two, entryOf(1))
    probe.hear(one, { type: 'busy', on: true })
    const taken = probe.sentTo(one).filter(message => message.type === 'cancel')
    expect(taken).toHaveLength(owed)
    expect(probe.requestsTo(two).length).toBeGreaterThanOrEqual(owed)
    expect(probe.requestsTo(one)).toHaveLength(owed)
  })
})

describe('an answer that crossed our taking it back', () => {
  it('is kept, and what was asked elsewhere meanwhile is taken back', () => {
    const probe = new Probe()
    const entry = entryOf(0)
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry)
    probe.want(0, 9_000)
    probe.join(two)
    probe.offer(two, entry)
    probe.hear(one, { type: 'busy', on: true })
    expect(probe.requestsTo(two)).not.toEqual([])
    probe.answer(one)
    expect(probe.last('deliver')).toMatchObject({ groupBytes: entry.size })
    const taken = probe.sentTo(two).filter(message => message.type === 'cancel')
    expect(taken).toHaveLength(probe.requestsTo(two).length)
  })
})
