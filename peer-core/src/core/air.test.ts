import { describe, expect, it } from 'vitest'
import { entryOf, Probe, peerNamed } from './testing/probe.ts'

const size = 1_000_000
const bitrate = size / 2

interface Surroundings {
  readonly peers?: number
  /** Bytes a second. */
  readonly edge?: number
  readonly uplinks?: number
  /** A peer's answer to a request, and to a ping once it was asked for something, ms. */
  readonly answerMs?: number
  readonly pongMs?: number
}

/** A group whose peers answer as slowly as told; whether a start then waits its turn, as on a thin line. */
function sparesTheLine({
  peers = 10,
  edge = 2 * bitrate,
  uplinks = 1.5 * bitrate,
  answerMs = 60,
  pongMs = 80,
}: Surroundings): boolean {
  const probe = new Probe({ groupSize: peers + 1 })
  const names = Array.from({ length: peers }, (_, index) => peerNamed(index + 1))
  probe.edgeBps = edge
  const held = entryOf(1, { size: 32_768 })
  probe.list([held, entryOf(9, { size })])
  probe.play(0, 6_000)
  for (const name of names) {
    probe.pong(probe.join(name, { seq: 1 }))
    probe.tell(name, 1, 6_000, 'share', uplinks)
  }
  for (const name of names) probe.offer(name, held)
  probe.want(1, 3_000)
  probe.pass(answerMs)
  for (const name of names) probe.answer(name)
  // From now on round trips are longer.
  for (let waited = 0; waited < 8_000; waited += 10) {
    const pings = probe.pass(10)
    if (!pings.some(output => output.type === 'send' && output.message.type === 'ping')) continue
    probe.pass(pongMs)
    probe.pong(pings)
  }
  for (const name of names) probe.tell(name, 8, 6_000, 'share', uplinks)
  const before = probe.fetches().length
  probe.want(9, 0, 'start')
  return probe.fetches().length === before
}

describe('an edge that gives two copies, with peers no faster', () => {
  it('is not a thin line: the air is full', () => {
    expect(sparesTheLine({})).toBe(false)
  })

  it.each<[string, Surroundings]>([
    ['the others’ uplinks are wide', { uplinks: 20 * bitrate }],
    ['nobody’s uplink was ever full', { uplinks: 0 }],
    ['nothing queues on the way to them', { pongMs: 5 }],
    ['peers answer quickly', { answerMs: 2 }],
    ['there are too few to fill the air', { peers: 4 }],
    ['the edge carries one copy and a third', { edge: 1.3 * bitrate }],
  ])('is a thin line where %s', (_, surroundings) => {
    expect(sparesTheLine(surroundings)).toBe(true)
  })
})
