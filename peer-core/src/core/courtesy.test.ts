import { describe, expect, it } from 'vitest'
import { runBytes } from './messages.ts'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const far = peerNamed(1)
const size = 16_000_000
const uplinkBps = 400_000

/** Gives to a peer outside over an uplink of 400 kB/s whose pongs take `rttMs(at)`; bytes given in each second. */
function givenEachSecond(seconds: number, rttMs: (at: number) => number): number[] {
  const probe = new Probe({ groupSize: 1 })
  const entry = entryOf(0, { size })
  probe.list([entry])
  probe.hold(entry)
  const pings: { id: number; at: number }[] = []
  const keep = (said: ReturnType<Probe['put']>): void => {
    for (const output of said)
      if (output.type === 'send' && output.message.type === 'ping')
        pings.push({ id: output.message.id, at: probe.now + rttMs(probe.now) })
  }
  keep(probe.join(far, { place: 'outside' }))
  const start = probe.now
  const given: number[] = []
  let queued = 0
  let run = 0
  let seen = 0
  while (probe.now < start + seconds * 1000) {
    keep(probe.pass(10))
    const pieces = probe.sentTo(far).filter(({ type }) => type === 'piece')
    for (const piece of pieces.slice(seen)) {
      if (piece.type !== 'piece') continue
      queued += piece.length
      const second = Math.floor((probe.now - start) / 1000)
      given[second] = (given[second] ?? 0) + piece.length
    }
    seen = pieces.length
    // Four requests are always out.
    while (run < seen + 4 && run < size / runBytes - 1)
      keep(probe.hear(far, { type: 'request', n: 0, offset: run++ * runBytes, length: runBytes }))
    const left = Math.min(queued, (uplinkBps * 10) / 1000)
    queued -= left
    if (left > 0) keep(probe.put({ type: 'drained', peer: far, queuedBytes: queued }))
    for (const pong of pings.filter(({ at }) => at <= probe.now)) {
      pings.splice(pings.indexOf(pong), 1)
      keep(probe.hear(far, { type: 'pong', id: pong.id }))
    }
  }
  return given
}

describe('uploads', () => {
  it('take the whole uplink while round trips stay what they are', () => {
    const given = givenEachSecond(14, () => 40)
    expect(given[13]).toBeGreaterThan(0.8 * uplinkBps)
  })

  it('give way while somebody queues behind them, and come back afterwards', () => {
    const given = givenEachSecond(40, at => (at > 8_000 && at < 20_000 ? 400 : 40))
    expect(given[6]).toBeGreaterThan(0.8 * uplinkBps)
    let meanwhile = 0
    for (let second = 14; second < 19; second++) meanwhile += (given[second] ?? 0) / 5
    expect(meanwhile).toBeLessThan(0.3 * uplinkBps)
    expect(meanwhile).toBeGreaterThan(0)
    expect(given[38]).toBeGreaterThan(0.8 * uplinkBps)
  })
})
