import { defaultConfig } from '../config.ts'
import type { Input, WindowEntry } from '../events.ts'
import type { PeerMessage } from '../messages.ts'
import {
  blocksOf,
  entryOf,
  failures,
  listOf,
  modes,
  offerOf,
  policyOf,
  rangeOf,
  sizeOf,
  sizes,
  someBytes,
  tell,
} from './hostile.ts'
import { peerNamed, self, track } from './probe.ts'
import { prelude, type Step } from './steps.ts'
import { Watch } from './watch.ts'

/** Small enough that every bound is reached. */
export const tightConfig = {
  ...defaultConfig,
  storeBytes: 400_000,
  sharedSegmentBytes: 300_000,
  maxOffersPerPeer: 8,
}

/** Answers no ping. */
const mute = peerNamed(2)

/** Turns steps into inputs that fit what the core said so far, or that do not. */
export class Chaos {
  readonly watch = new Watch(self, tightConfig)
  #now = 1000
  #pongs: Input[] = []
  #wants = 0
  #numbers = new Map<string, number>()
  #reached = new Map<number, number>()
  #wanted: number[] = []
  #rooted = new Set<number>()
  /** Segments that stand for other bytes than at first. */
  #encodings = new Map<number, number>()

  /** A viewer among viewers, and then whatever comes. */
  run(steps: readonly Step[]): void {
    for (const step of [...prelude, ...steps]) {
      this.#wait(step.waitMs)
      for (const input of this.#inputsOf(step)) this.#put(input)
    }
  }

  /** From here on the edge is honest and prompt, and whoever is asked by us says nothing. */
  settle(): void {
    for (let round = 0; round < 300 && this.watch.openWants.size > 0; round++) {
      this.#wait(100)
      for (const job of [...this.watch.jobs.keys()]) this.#put({ type: 'verified', job, bad: [] })
      for (const fetch of [...this.watch.openFetches.keys()]) {
        for (const input of this.#wholeBody(fetch)) this.#put(input)
      }
    }
  }

  #put(input: Input): void {
    for (const output of this.watch.put(this.#now, input)) {
      if (output.type !== 'send' || output.message.type !== 'ping' || output.peer === mute) continue
      this.#pongs.push({
        type: 'message',
        peer: output.peer,
        message: { type: 'pong', id: output.message.id },
      })
    }
  }

  /** Time passes as with a host's timer: the core is woken when it asked to be, within reason. */
  #wait(ms: number): void {
    const end = this.#now + ms
    for (let wakes = 0; wakes < 50 && this.watch.armed <= end; wakes++) {
      this.#now = Math.max(this.#now, this.watch.armed)
      this.watch.fire()
      this.#put({ type: 'tick' })
      for (const pong of this.#pongs.splice(0)) this.#put(pong)
    }
    this.#now = Math.max(this.#now, end)
  }

  #inputsOf({ kind, a, b, c }: Step): Input[] {
    const named = peerNamed(1 + (a % 4))
    // Mostly somebody who is here.
    const here = [...this.watch.wires.keys()]
    const peer = ['join', 'leave'].includes(kind) || a % 10 === 0 ? named : (here[a % here.length] ?? named)
    const wire = this.watch.wires.get(peer)
    const hear = (message: PeerMessage): Input[] => [{ type: 'message', peer, message }]
    const n = b % 12
    switch (kind) {
      case 'window': {
        if (c % 23 === 5) this.#encodings.set(a % 8, b % 3)
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
      case 'edgeRefused':
      case 'edgeFailed': {
        const fetch = this.#fetch(a)
        if (fetch === undefined) return []
        const reason = failures[b % failures.length]!
        if (kind === 'edgeRefused') return [{ type: kind, fetch, reason, retryAfterMs: (c % 3) * 1_000 }]
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
        const named = [known.first + (c % 3)]
        if (b % 5 === 4) return [{ type: 'verified', job, bad: [], unknown: named }]
        return [{ type: 'verified', job, bad: b % 2 === 0 ? named : [] }]
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
        if (b % 6 > 0 || !wire?.offers.has(n)) return hear(offerOf(this.#nextNumber(peer), a, b, c))
        return hear({ ...offerOf(n, a, b, c), etag: wire.offers.get(n)?.[0]?.etag ?? '' })
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
        const offer = [...(wire?.offers.values() ?? [])].flat()[b % 8]
        return offer ? hear({ type: 'hashes', n: offer.n, first: 0, count: blocksOf(offer.size) }) : []
      }
      case 'hashes':
        return hear({ type: 'hashes', n, first: c % 9 === 0 ? 1 : 0, count: listOf(b, c) })
      case 'request':
        return hear({ type: 'request', n: wire?.toldNumber(b) ?? n, ...rangeOf(c, b) })
      case 'cancelRequest':
        return hear({ type: 'cancel', n: wire?.toldNumber(b) ?? n, ...rangeOf(c, b) })
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
      case 'doubled':
        return hear({ type: 'doubled', n: wire?.toldNumber(b) ?? n, by: '9'.repeat(40) })
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

  /** All that is left of an open fetch. */
  #wholeBody(fetch: number): Input[] {
    const open = this.watch.openFetches.get(fetch)
    if (!open) return []
    const { what, from, to } = open
    if (what === 'hashes') return this.#edgeData([...this.watch.openFetches.keys()].indexOf(fetch), 0, 1)
    const size = this.#sizeOf(fetch)
    const offset = this.#reached.get(fetch) ?? from
    const length = (to > 0 ? Math.min(to, size) : size) - offset
    this.#reached.set(fetch, offset + length)
    if (length <= 0) return this.#done(fetch)
    return [{ type: 'edgeData', fetch, offset, length, size, etag: '"1"' }, ...this.#done(fetch)]
  }

  #nextNumber(peer: string): number {
    const next = this.#numbers.get(peer) ?? 0
    this.#numbers.set(peer, next + 1)
    return next
  }

  /** A root may come late, and then stays until the segment is encoded anew. */
  #listed(index: number, isLate: boolean): WindowEntry {
    if (!isLate) this.#rooted.add(index)
    const entry = entryOf(index, !this.#rooted.has(index))
    const encoding = this.#encodings.get(index) ?? 0
    return entry.root === '' || encoding === 0 ? entry : { ...entry, root: `0${encoding}`.repeat(32) }
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
