import { createCore } from '../../peer-core/src/core/core.ts'
import type { Input, Output, WindowEntry } from '../../peer-core/src/core/events.ts'
import { keyHash } from '../../peer-core/src/core/hash.ts'
import type { PeerMessage } from '../../peer-core/src/core/messages.ts'

/**
 * What one decision of the core costs with 100 and with 10,000 known segments: a recording of that many, each offered
 * by two of twelve peers, watched from peers while they tell their positions and one of them comes and goes. The store
 * is small, so that both cores hold and have in flight the same. They take turns: both meet the same weather. Prints a
 * table for people and, as its last line, one JSON object.
 */

const track = 'video'
const segmentMs = 2_000
const segmentBytes = 400_000
const storeBytes = 50 * segmentBytes
const peers = Array.from({ length: 12 }, (_, i) => (i + 16).toString(16).repeat(20))
/** Offers nothing, leaves and comes back. */
const guest = '7f'.repeat(20)
const rounds = 15
const segmentsPerRound = 60

interface Bench {
  readonly known: number
  /** Plays so many segments on; returns the microseconds that an input took, its outputs included. */
  play(segments: number): number
}

const benches = [createBench(100), createBench(10_000)]
const times = new Map(benches.map(bench => [bench, [] as number[]]))
for (const bench of benches) bench.play(300)
for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? benches : [...benches].reverse()
  for (const bench of order) times.get(bench)?.push(bench.play(segmentsPerRound))
}
const [few = 0, many = 0] = benches.map(bench => median(times.get(bench) ?? []))
console.log('known segments   a decision')
for (const [i, { known }] of benches.entries())
  console.log(`${String(known).padStart(14)}   ${(i === 0 ? few : many).toFixed(2).padStart(7)} µs`)
console.log(
  JSON.stringify({ known100Us: round2(few), known10000Us: round2(many), ratio: round2(many / few) }),
)

function createBench(known: number): Bench {
  const core = createCore({ self: '80'.repeat(20), seed: 1, config: { storeBytes } })
  const entries = Array.from({ length: known }, (_, seq) => entryOf(seq))
  const waiting: Input[] = []
  let inputs = 0
  let spentMs = 0
  let now = 1_000
  let at = 0
  let want = 0

  const put = (input: Input): void => {
    waiting.push(input)
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const said: Output[] = []
      const started = performance.now()
      core.handle(now, next)
      for (let output = core.poll(); output !== null; output = core.poll()) said.push(output)
      spentMs += performance.now() - started
      inputs++
      for (const output of said) answer(output)
    }
  }

  /** The world beside the core: peers that answer at once. */
  const answer = (output: Output): void => {
    if (output.type !== 'send') return
    const { peer, message } = output
    if (message.type === 'ping') waiting.push(heard(peer, { type: 'pong', id: message.id }))
    else if (message.type === 'request') waiting.push(heard(peer, { ...message, type: 'piece' }))
    else if (message.type === 'piece') waiting.push({ type: 'drained', peer, queuedBytes: 0 })
  }

  const join = (peer: string): void => {
    put({ type: 'peerJoined', peer, place: 'group', hello: { v: 1, mode: 'share', reqq: 256 } })
    put(heard(peer, { type: 'track', id: 0, path: track }))
  }

  put({
    type: 'policy',
    policy: {
      mode: 'share',
      wan: 'deny',
      integrity: 'off',
      lineKbps: 0,
      uploadKbps: 0,
      groupSize: peers.length + 2,
    },
  })
  put({ type: 'window', track, live: false, entries })
  for (const peer of peers) join(peer)
  for (const entry of entries) {
    for (const turn of [0, 5]) {
      const peer = peers[(entry.seq + turn) % peers.length] ?? ''
      put(heard(peer, offerOf(entry)))
    }
  }

  return {
    known,
    play(segments) {
      const before = { inputs, spentMs }
      for (let i = 0; i < segments; i++) {
        at = (at + 1) % known
        put({ type: 'want', id: ++want, key: keyOf(at), track, deadline: now + segmentMs, urgency: 'play' })
        for (let step = 0; step < 4; step++) {
          now += segmentMs / 4
          put(positionAt(at * segmentMs + step * (segmentMs / 4)))
          for (const peer of peers) put(heard(peer, tellOf(at)))
          put({ type: 'tick' })
        }
        if (i % 10 === 0) put({ type: 'peerLeft', peer: guest, reason: 'remote-closed' })
        if (i % 10 === 0) join(guest)
      }
      return ((spentMs - before.spentMs) * 1000) / (inputs - before.inputs)
    },
  }
}

function heard(peer: string, message: PeerMessage): Input {
  return { type: 'message', peer, message }
}

function keyOf(seq: number): string {
  return `${track}/${seq}`
}

function entryOf(seq: number): WindowEntry {
  return {
    key: keyOf(seq),
    seq,
    slot: seq,
    startMs: seq * segmentMs,
    durationMs: segmentMs,
    size: segmentBytes,
    root: '',
  }
}

function offerOf(entry: WindowEntry): PeerMessage {
  return {
    type: 'offer',
    n: entry.seq,
    track: 0,
    seq: entry.seq,
    key: keyHash(entry.key),
    size: entry.size,
    root: '',
    etag: '"1"',
    from: 0,
    frontier: entry.size,
    to: 0,
    source: 'held',
    hops: 0,
    etaMs: 0,
    rateBps: 0,
    epoch: 0,
  }
}

function tellOf(seq: number): PeerMessage {
  return {
    type: 'position',
    tracks: [0],
    seq,
    bufferMs: 6_000,
    rate: 100,
    paused: false,
    hidden: false,
    mode: 'share',
    edgeBps: 0,
    uplinkBps: 0,
  }
}

function positionAt(mediaMs: number): Input {
  return {
    type: 'position',
    mediaMs,
    bufferMs: 4_000,
    rate: 1,
    paused: false,
    hidden: false,
    tracks: [track],
    goalMs: 10_000,
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
