import { describe, expect, it } from 'vitest'
import type { Policy } from './events.ts'
import { blockBytes, runBytes } from './messages.ts'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const [one, two] = [peerNamed(1), peerNamed(2)]
const size = 1_000_000

/** A viewer that holds segment 0, offer 0 on each wire. */
function holder(policy: Partial<Policy> = {}, config: ConstructorParameters<typeof Probe>[1] = {}): Probe {
  const probe = new Probe({ groupSize: 1, ...policy }, config)
  const entry = entryOf(0, { size })
  probe.list([entry])
  probe.hold(entry)
  return probe
}

function request(probe: Probe, peer: string, run: number, length = runBytes): void {
  probe.hear(peer, { type: 'request', n: 0, offset: run * runBytes, length })
}

function answers(probe: Probe, type: 'piece' | 'reject'): { peer: string; offset: number; length: number }[] {
  return probe
    .all('send')
    .flatMap(({ peer, message }) =>
      message.type === type ? [{ peer, offset: message.offset, length: message.length }] : [],
    )
}

describe('an upload', () => {
  it('goes out at once, with exactly the asked bytes, and names the segment for the host', () => {
    const probe = holder()
    probe.join(one)
    probe.hear(one, { type: 'request', n: 0, offset: 15 * runBytes, length: size - 15 * runBytes })
    expect(answers(probe, 'piece')).toEqual([
      { peer: one, offset: 15 * runBytes, length: size - 15 * runBytes },
    ])
    expect(probe.last('send').key).toBe('segment 0')
  })

  it('serves whoever runs dry first', () => {
    const probe = holder({ uploadKbps: 800 })
    probe.join(one, { bufferMs: 20_000 })
    probe.join(two, { bufferMs: 1_000 })
    request(probe, one, 0)
    request(probe, one, 1)
    request(probe, two, 0)
    expect(answers(probe, 'piece').map(({ peer }) => peer)).toEqual([one])
    probe.pass(2000)
    expect(answers(probe, 'piece').map(({ peer }) => peer)).toEqual([one, two, one])
  })

  it('keeps to the cap, all peers together', () => {
    const probe = holder({ uploadKbps: 1600 })
    const start = probe.now
    for (const peer of [one, two]) {
      probe.join(peer)
      for (let run = 0; run < 12; run++) request(probe, peer, run)
    }
    for (let second = 0; second < 4; second++) {
      probe.pass(1000)
      for (const peer of [one, two]) probe.put({ type: 'drained', peer, queuedBytes: 0 })
      const given = answers(probe, 'piece').reduce((sum, { length }) => sum + length, 0)
      const allowed = 200 * (probe.now - start)
      expect(given).toBeLessThanOrEqual(allowed + 2 * runBytes)
      expect(given).toBeGreaterThanOrEqual(allowed - 2 * runBytes)
    }
  })

  it('waits here, not in the link, once the link is full, and goes on as it drains', () => {
    const probe = holder()
    probe.join(one)
    for (let run = 0; run < 8; run++) request(probe, one, run)
    expect(answers(probe, 'piece')).toHaveLength(4)
    expect(probe.core.inspect().queued).toBe(4)
    probe.put({ type: 'drained', peer: one, queuedBytes: 200_000 })
    expect(answers(probe, 'piece')).toHaveLength(5)
    probe.put({ type: 'drained', peer: one, queuedBytes: 0 })
    expect(answers(probe, 'piece').map(({ offset }) => offset / runBytes)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('to one full link does not hold up the others', () => {
    const probe = holder()
    probe.join(one)
    probe.join(two)
    for (let run = 0; run < 8; run++) request(probe, one, run)
    request(probe, two, 0)
    expect(answers(probe, 'piece').filter(({ peer }) => peer === two)).toHaveLength(1)
  })
})

describe('a request', () => {
  it.each([
    ['begins within a block', { offset: 100, length: blockBytes }],
    ['is empty', { offset: 0, length: 0 }],
    ['is longer than a run', { offset: 0, length: runBytes + blockBytes }],
    ['ends within a block', { offset: 0, length: 1000 }],
    ['reaches beyond the end', { offset: 61 * blockBytes, length: blockBytes }],
    ['lies beyond the end', { offset: 0x7fff_c000, length: blockBytes }],
    ['is of a number we never gave', { n: 5, offset: 0, length: blockBytes }],
  ])('is rejected when it %s', (_, changes) => {
    const probe = holder()
    probe.join(one)
    probe.hear(one, { type: 'request', n: 0, ...changes })
    expect(answers(probe, 'piece')).toEqual([])
    const { offset, length } = changes
    expect(answers(probe, 'reject')).toEqual([{ peer: one, offset, length }])
  })

  it('for bytes of a lease that are not here yet is rejected', () => {
    const probe = new Probe()
    probe.list([entryOf(0)])
    probe.join(one)
    probe.want(0, 9000)
    probe.pass(600)
    probe.bring(0, 20_000, 200_000)
    const { n } = probe.sentTo(one).findLast(message => message.type === 'offer')!
    probe.hear(one, { type: 'request', n, offset: blockBytes, length: blockBytes })
    probe.hear(one, { type: 'request', n, offset: 0, length: blockBytes })
    expect(answers(probe, 'reject')).toEqual([{ peer: one, offset: blockBytes, length: blockBytes }])
    expect(answers(probe, 'piece')).toEqual([{ peer: one, offset: 0, length: blockBytes }])
  })

  it('too many is rejected, so that one peer cannot fill our queue', () => {
    const probe = holder()
    probe.join(one)
    for (let i = 0; i < 400; i++) request(probe, one, i % 8)
    expect(probe.core.inspect().queued).toBeLessThanOrEqual(256)
    expect(answers(probe, 'reject').length + answers(probe, 'piece').length).toBe(
      400 - probe.core.inspect().queued,
    )
  })

  it('that is cancelled while it waits is answered by a reject, and not by a piece', () => {
    const probe = holder()
    probe.join(one)
    for (let run = 0; run < 5; run++) request(probe, one, run)
    probe.hear(one, { type: 'cancel', n: 0, offset: 4 * runBytes, length: runBytes })
    expect(answers(probe, 'reject')).toEqual([{ peer: one, offset: 4 * runBytes, length: runBytes }])
    probe.put({ type: 'drained', peer: one, queuedBytes: 0 })
    expect(answers(probe, 'piece')).toHaveLength(4)
  })

  it('that was answered is not answered again when its cancel comes late', () => {
    const probe = holder()
    probe.join(one)
    request(probe, one, 0)
    probe.hear(one, { type: 'cancel', n: 0, offset: 0, length: runBytes })
    expect(answers(probe, 'reject')).toEqual([])
  })

  it('that waits is rejected when its segment is evicted', () => {
    const probe = holder({}, { storeBytes: 1_100_000 })
    probe.join(one)
    for (let run = 0; run < 6; run++) request(probe, one, run)
    probe.put({ type: 'peerLeft', peer: two, reason: 'gone' })
    const next = entryOf(1, { size })
    probe.list([entryOf(0, { size }), next])
    probe.offer(one, next)
    probe.want(1, 9000)
    for (let round = 0; round < 20; round++) probe.answer(one)
    expect(probe.all('evict')).toMatchObject([{ key: 'segment 0' }])
    expect(answers(probe, 'reject')).toEqual([
      { peer: one, offset: 4 * runBytes, length: runBytes },
      { peer: one, offset: 5 * runBytes, length: runBytes },
    ])
  })

  it('that waits is rejected when we stop giving', () => {
    const probe = holder()
    probe.join(one)
    for (let run = 0; run < 5; run++) request(probe, one, run)
    const policy = { wan: 'allow', integrity: 'prefer', lineKbps: 0, uploadKbps: 0, groupSize: 1 } as const
    probe.put({ type: 'policy', policy: { ...policy, mode: 'leech' } })
    expect(answers(probe, 'reject')).toHaveLength(1)
    request(probe, one, 0)
    expect(answers(probe, 'reject')).toHaveLength(2)
  })

  it('that waits is rejected when the operator closes the line between us', () => {
    const probe = holder()
    probe.join(one, { place: 'outside' })
    for (let run = 0; run < 5; run++) request(probe, one, run)
    const policy = { mode: 'share', integrity: 'prefer', lineKbps: 0, uploadKbps: 0, groupSize: 1 } as const
    probe.put({ type: 'policy', policy: { ...policy, wan: 'deny' } })
    probe.put({ type: 'drained', peer: one, queuedBytes: 0 })
    expect(answers(probe, 'piece')).toHaveLength(4)
    expect(answers(probe, 'reject')).toHaveLength(1)
  })

  it('that waits is forgotten with its peer', () => {
    const probe = holder()
    probe.join(one)
    for (let run = 0; run < 8; run++) request(probe, one, run)
    probe.put({ type: 'peerLeft', peer: one, reason: 'gone' })
    expect(probe.core.inspect().queued).toBe(0)
    probe.join(one)
    probe.put({ type: 'drained', peer: one, queuedBytes: 0 })
    expect(answers(probe, 'piece')).toHaveLength(4)
  })
})

describe('an uplink that is late', () => {
  it('says so, once, and takes it back when it has caught up', () => {
    const probe = holder()
    probe.join(one)
    for (let run = 0; run < 5; run++) request(probe, one, run)
    const busy = () => probe.sentTo(one).filter(message => message.type === 'busy')
    expect(busy()).toEqual([])
    probe.pass(3500)
    expect(busy()).toEqual([{ type: 'busy', on: true }])
    probe.put({ type: 'drained', peer: one, queuedBytes: 0 })
    expect(busy()).toEqual([
      { type: 'busy', on: true },
      { type: 'busy', on: false },
    ])
  })
})
