import fc from 'fast-check'
import { defaultConfig } from '../config.ts'
import type { EdgeFailure, Input, Integrity, Policy, WindowEntry } from '../events.ts'
import { keyHash } from '../hash.ts'
import { blockBytes, type Mode, type OfferMessage, type PeerMessage } from '../messages.ts'
import { peerNamed, root, self, track } from './probe.ts'
import { Watch } from './watch.ts'

/** Small enough that every bound is reached. */
export const tightConfig = {
  ...defaultConfig,
  storeBytes: 400_000,
  sharedSegmentBytes: 300_000,
  maxOffersPerPeer: 8,
}

const kinds = [
  ...[
    'want',
    'want',
    'want',
    'window',
    'cancel',
    'position',
    'join',
    'leave',
    'policy',
    'restored',
    'drained',
  ],
  ...['edgeRest', 'edgeRest', 'edgeData', 'edgeData', 'edgeDone', 'edgeFailed', 'unknownFetch'],
  ...['verified', 'proven', 'proven', 'proven', 'unknownJob'],
  ...[
    'answer',
    'answer',
    'answer',
    'answer',
    'hold',
    'hold',
    'hold',
    'offer',
    'offer',
    'grow',
    'have',
    'withdraw',
  ],
  ...['list', 'hashes', 'request', 'request', 'request', 'cancelRequest', 'piece', 'reject'],
  ...['tell', 'busy', 'ping', 'pong', 'goaway', 'track', 'beacon', 'tick', 'tick'],
] as const

export interface Step {
  readonly kind: (typeof kinds)[number]
  /** Numbers that choose among what there is: each step reads its own meaning into them. */
  readonly a: number
  readonly b: number
  readonly c: number
  readonly waitMs: number
}

/** A viewer among viewers. */
const prelude: readonly Step[] = [
  { kind: 'policy', a: 1, b: 1, c: 2, waitMs: 0 },
  { kind: 'window', a: 0, b: 9, c: 1, waitMs: 0 },
  { kind: 'position', a: 0, b: 400, c: 1, waitMs: 0 },
  { kind: 'join', a: 1, b: 600, c: 0, waitMs: 0 },
  { kind: 'join', a: 2, b: 600, c: 0, waitMs: 0 },
]

const number = fc.nat(999)

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    a: number,
    b: number,
    c: number,
    waitMs: fc.oneof(
      { weight: 8, arbitrary: fc.nat(30) },
      { weight: 2, arbitrary: fc.nat(900) },
      { weight: 1, arbitrary: fc.constantFrom(0.25, 3500, 40_000, 1e9) },
    ),
  }),
  { minLength: 1, maxLength: 150, size: 'max' },
)

/** Offsets and sizes that a peer may send, honest and not. */
const hostileBytes = [0, 1, 16_383, 16_384, 65_536, 100_000, 131_072, 299_999, 2_000_000, 0x7fff_ffff]
const sizes = [100_000, 200_000, 16_384, 70_000, 280_000, 500_000, 9_000]
const failures: readonly EdgeFailure[] = ['status', 'busy', 'timeout', 'network', 'mismatch', 'aborted']
const modes: readonly Mode[] = ['share', 'share', 'share', 'share', 'leech', 'off']
const integrities: readonly Integrity[] = ['prefer', 'prefer', 'prefer', 'required', 'audit', 'off']

/** Turns steps into inputs that fit what the core said so far, or that do not. */
export class Chaos {
  readonly watch = new Watch(self, tightConfig)
  #now = 1000
  #wants = 0
  #numbers = new Map<string, number>()
  #reached = new Map<number, number>()
  #wanted: number[] = []
  #rooted = new Set<number>()

  /** A viewer among viewers, and then whatever comes. */
  run(steps: readonly Step[]): void {
    for (const step of prelude) for (const input of this.#inputsOf(step)) this.watch.put(this.#now, input)
    for (const step of steps) {
      this.#wait(step.waitMs)
      for (const input of this.#inputsOf(step)) this.watch.put(this.#now, input)
    }
  }

  /** Time passes as with a host's timer: the core is woken when it asked to be, within reason. */
  #wait(ms: number): void {
    const end = this.#now + ms
    for (let wakes = 0; wakes < 50 && this.watch.armed <= end; wakes++) {
      this.#now = Math.max(this.#now, this.watch.armed)
      this.watch.fire(this.#now)
    }
    this.#now = Math.max(this.#now, end)
  }

  #inputsOf({ kind, a, b, c }: Step): Input[] {
    const peer = peerNamed(1 + (a % 4))
    const wire = this.watch.wires.get(peer)
    const hear = (message: PeerMessage): Input[] => [{ type: 'message', peer, message }]
    const n = b % 12
    switch (kind) {
      case 'window': {
        const entries = Array.from({ length: 1 + (b % 10) }, (_, i) => this.#listed((a % 8) + i, c % 3 === 0))
        return [{ type: 'window', track, live: c % 2 === 0, entries }]
      }
      case 'want': {
        const id = ++this.#wants
        this.#wanted.push(id)
        const urgency = (['start', 'seek', 'play'] as const)[c % 3]!
        const deadline = this.#now + b * 10
        return [{ type: 'want', id, key: entryOf(a % 10, false).key, track, deadline, urgency }]
      }
      case 'cancel': {
        const id = this.#wanted[a % (this.#wanted.length + 1)] ?? 9999
        return [{ type: 'cancel', id }]
      }
      case 'position':
        return [
          {
            type: 'position',
            mediaMs: a * 20,
            bufferMs: b * 10,
            rate: [1, 1, 2, 0][c % 4]!,
            paused: c % 5 === 0,
            hidden: c % 7 === 0,
            tracks: c % 11 === 0 ? [] : [track],
            goalMs: 20_000,
          },
        ]
      case 'join': {
        this.#numbers.delete(peer)
        const place = a % 4 === 3 ? ('outside' as const) : ('group' as const)
        const hello = { v: 1, mode: modes[c % 6]!, reqq: [250, 250, 1][b % 3]! }
        const joined: Input = { type: 'peerJoined', peer, place, hello }
        return [joined, ...hear({ type: 'track', id: 0, path: track }), ...hear(tell(a % 8, b, hello.mode))]
      }
      case 'leave':
        return [{ type: 'peerLeft', peer, reason: 'gone' }]
      case 'policy':
        return [{ type: 'policy', policy: policyOf(a, b, c) }]
      case 'restored':
        if (this.watch.isTouched(entryOf(a % 8, false).key)) return []
        return [{ type: 'restored', track, entry: { ...this.#listed(a % 8, false), size: sizeOf(a % 8) } }]
      case 'drained':
        return [{ type: 'drained', peer, queuedBytes: b % 3 === 0 ? 300_000 : 0 }]
      case 'edgeData':
        return this.#edgeData(a, b, c)
      case 'edgeRest':
        return [...this.#edgeData(a, 4, 1), ...this.#edgeData(a, 4, 1)]
      case 'edgeDone':
      case 'edgeFailed': {
        const fetch = this.#fetch(a)
        if (fetch === undefined) return []
        if (kind === 'edgeFailed') return [{ type: kind, fetch, reason: failures[b % failures.length]! }]
        return [{ type: kind, fetch, size: c % 4 === 0 ? 0 : this.#sizeOf(fetch), etag: '"1"' }]
      }
      case 'unknownFetch': {
        const fetch = 10_000 + a
        const etag = ''
        const all: Input[] = [
          { type: 'edgeData', fetch, offset: 0, length: 100, size: 0, etag },
          { type: 'edgeDone', fetch, size: b, etag },
          { type: 'edgeFailed', fetch, reason: 'network' },
        ]
        return [all[c % 3]!]
      }
      case 'verified': {
        const jobs = [...this.watch.jobs.keys()]
        const job = jobs[a % jobs.length]
        if (job === undefined) return []
        const known = this.watch.jobs.get(job)!
        return [{ type: 'verified', job, bad: b % 4 === 0 ? [known.first + (c % 3)] : [] }]
      }
      case 'proven':
        return [...this.watch.jobs.keys()]
          .slice(0, 1 + (b % 4))
          .map(job => ({ type: 'verified', job, bad: [] }))
      case 'unknownJob':
        return [{ type: 'verified', job: 5000 + a, bad: [b, -1, 0.5] }]
      case 'answer':
        return (wire?.asked ?? [])
          .slice(0, 1 + (b % 4))
          .flatMap(({ n: of, offset, length }) =>
            hear({ type: c % 8 === 0 ? ('reject' as const) : ('piece' as const), n: of, offset, length }),
          )
      case 'hold':
        return hear({ ...offerOf(this.#nextNumber(peer), b % 10, 1, 0), etag: c % 4 === 0 ? '' : '"1"' })
      case 'offer':
        return hear(offerOf(b % 6 === 0 ? n : this.#nextNumber(peer), a, b, c))
      case 'grow': {
        const size = c % 3 === 0 ? 0 : (sizes[b % sizes.length] ?? 0)
        return hear({ type: 'grow', n, frontier: someBytes(c), size, rateBps: a * 1000 })
      }
      case 'have':
        return hear({ type: 'have', n })
      case 'withdraw':
        return hear({
          type: 'withdraw',
          n,
          offset: someBytes(c),
          reason: (['evicted', 'yielded', 'failed', 'void'] as const)[a % 4]!,
        })
      case 'list': {
        const offer = [...(wire?.offers.values() ?? [])][b % 8]
        return offer ? hear({ type: 'hashes', n: offer.n, first: 0, count: blocksOf(offer.size) }) : []
      }
      case 'hashes':
        return hear({ type: 'hashes', n, first: c % 9 === 0 ? 1 : 0, count: listOf(b, c) })
      case 'request':
        return hear({ type: 'request', n: b % 20, ...rangeOf(b, c) })
      case 'cancelRequest':
        return hear({ type: 'cancel', n: b % 20, ...rangeOf(b, c) })
      case 'piece':
        return hear({ type: 'piece', n, ...rangeOf(b, c) })
      case 'reject':
        return hear({ type: 'reject', n, ...rangeOf(b, c) })
      case 'tell':
        return hear(tell(b % 8, c, modes[c % 6]!))
      case 'busy':
        return hear({ type: 'busy', on: b % 2 === 0 })
      case 'ping':
      case 'pong':
        return hear({ type: kind, id: b % 40 })
      case 'goaway':
        return hear({ type: 'goaway', reason: 'bye' })
      case 'beacon':
        return hear({ type: 'beacon', epoch: b, hops: c })
      case 'track':
        return hear({ type: 'track', id: b, path: `other ${c}` })
      case 'tick':
        return [{ type: 'tick' }]
    }
    return []
  }

  /** The next bytes of an open fetch, as an edge adapter brings them: in order, lists whole. */
  #edgeData(a: number, b: number, c: number): Input[] {
    const fetch = this.#fetch(a)
    if (fetch === undefined) return []
    const { what, from, to } = this.watch.openFetches.get(fetch)!
    if (what === 'hashes')
      return [{ type: 'edgeData', fetch, offset: 0, length: 320, size: 320, etag: '' }, ...this.#done(fetch)]
    const size = this.#sizeOf(fetch)
    const offset = this.#reached.get(fetch) ?? from
    const end = to > 0 ? Math.min(to, size) : size
    const length = Math.min([1, 5000, 16_384, 60_000, 400_000][b % 5]!, end - offset)
    if (length <= 0) return this.#done(fetch)
    this.#reached.set(fetch, offset + length)
    const told = c % 10 === 0 ? 0 : c % 31 === 0 ? size + 1 : size
    const etag = c % 13 === 0 ? '"2"' : c % 3 === 0 ? '' : '"1"'
    return [{ type: 'edgeData', fetch, offset, length, size: told, etag }]
  }

  #nextNumber(peer: string): number {
    const next = this.#numbers.get(peer) ?? 0
    this.#numbers.set(peer, next + 1)
    return next
  }

  /** A root may come late, and then stays. */
  #listed(index: number, isLate: boolean): WindowEntry {
    if (!isLate) this.#rooted.add(index)
    return entryOf(index, !this.#rooted.has(index))
  }

  #done(fetch: number): Input[] {
    return [{ type: 'edgeDone', fetch, size: this.#sizeOf(fetch), etag: '"1"' }]
  }

  #fetch(a: number): number | undefined {
    const open = [...this.watch.openFetches.keys()]
    return open[a % open.length]
  }

  #sizeOf(fetch: number): number {
    return sizeOf(Number(this.watch.openFetches.get(fetch)?.key.slice(8) ?? 0))
  }
}

function sizeOf(index: number): number {
  return sizes[index % sizes.length]!
}

/** Every third segment has a root, every fifth says its size only when it comes; roots may come late. */
function entryOf(index: number, isLate: boolean): WindowEntry {
  const hasRoot = index % 3 === 0
  return {
    key: `segment ${index}`,
    seq: index,
    slot: index,
    startMs: index * 2000,
    durationMs: 2000,
    size: !hasRoot && index % 5 < 2 ? 0 : sizeOf(index),
    root: hasRoot && !isLate ? root : '',
  }
}

function tell(seq: number, bufferMs: number, mode: Mode): PeerMessage {
  const tracks = bufferMs % 6 === 0 ? [] : [0, 77]
  const paused = bufferMs % 9 === 0
  return {
    type: 'position',
    tracks,
    seq,
    bufferMs,
    rate: 100,
    paused,
    hidden: false,
    mode,
    edgeBps: seq * 1e5,
  }
}

function policyOf(a: number, b: number, c: number): Policy {
  return {
    mode: modes[a % 6]!,
    wan: b % 3 === 0 ? 'deny' : 'allow',
    integrity: integrities[c % 6]!,
    lineKbps: a % 3 === 0 ? 1500 : 0,
    uploadKbps: b % 2 === 0 ? 800 : 0,
    groupSize: c % 4,
  }
}

function offerOf(n: number, a: number, b: number, c: number): OfferMessage {
  const entry = entryOf(a % 10, false)
  const true_ = sizeOf(a % 10)
  const isWhole = c % 2 === 0
  const size = b % 11 === 0 ? someBytes(c) : b % 7 === 0 ? 0 : true_
  const frontier = isWhole ? size : b % 5 === 0 ? someBytes(c) : Math.min((c % 9) * blockBytes, true_)
  return {
    type: 'offer',
    n,
    track: b % 13 === 0 ? 5 : 0,
    seq: entry.seq,
    key: keyHash(entry.key),
    size,
    root: b % 17 === 0 ? 'cd'.repeat(32) : entry.root,
    etag: b % 3 === 0 ? '' : '"1"',
    from: b % 19 === 0 ? Math.min(blockBytes, frontier) : 0,
    frontier: size > 0 ? Math.min(frontier, size) : frontier,
    to: 0,
    source: (['held', 'edge', 'relay'] as const)[(b + c) % 3]!,
    hops: c % 256,
    etaMs: 0,
    rateBps: b * 1000,
    epoch: 0,
  }
}

function listOf(b: number, c: number): number {
  return b % 5 === 0 ? 4096 : blocksOf(sizes[c % sizes.length]!)
}

function blocksOf(size: number): number {
  return Math.max(1, Math.ceil(size / blockBytes))
}

function rangeOf(b: number, c: number): { offset: number; length: number } {
  if (c % 6 === 0) return { offset: someBytes(b), length: 1 + (someBytes(c) % 65_536) }
  return { offset: (b % 7) * blockBytes, length: (1 + (c % 4)) * blockBytes }
}

function someBytes(c: number): number {
  return hostileBytes[c % hostileBytes.length]!
}
