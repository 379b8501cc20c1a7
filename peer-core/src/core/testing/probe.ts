import type { CoreConfig } from '../config.ts'
import { createCore } from '../core.ts'
import type { Input, Output, Place, Policy, Urgency, WindowEntry } from '../events.ts'
import { keyHash } from '../hash.ts'
import type { Mode, OfferMessage, PeerMessage } from '../messages.ts'

/** A core under test, its clock in hand, everything it says in `said`. */

export const track = 'video/playlist.m3u8'
export const self = '80'.repeat(20)
export const root = 'ab'.repeat(32)

/** A peer whose turn is known only by its name: use `turnOf` to pick one that comes before or after. */
export function peerNamed(index: number): string {
  return index.toString(16).padStart(2, '0').repeat(20)
}

export function entryOf(seq: number, changes: Partial<WindowEntry> = {}): WindowEntry {
  return {
    key: `segment ${seq}`,
    seq,
    slot: seq,
    startMs: seq * 2000,
    durationMs: 2000,
    size: 200_000,
    root: '',
    ...changes,
  }
}

type Of<T extends Output['type']> = Extract<Output, { type: T }>

export class Probe {
  now = 1000
  /** What peers say that the edge gave them: 0, and nobody knows how wide the line is. */
  edgeBps = 0
  readonly core
  readonly said: Output[] = []
  #wants = 0
  #numbers = new Map<string, number>()

  constructor(policy: Partial<Policy> = {}, config: Partial<CoreConfig> = {}) {
    // Nobody is waited for unless a test is about that.
    this.core = createCore({ self, seed: 1, config: { companyMs: 0, ...config } })
    this.put({
      type: 'policy',
      policy: {
        mode: 'share',
        wan: 'allow',
        integrity: 'prefer',
        lineKbps: 0,
        uploadKbps: 0,
        groupSize: 2,
        ...policy,
      },
    })
  }

  /** What this input made the core say. */
  put(input: Input): Output[] {
    this.core.handle(this.now, input)
    const outputs: Output[] = []
    for (let output = this.core.poll(); output; output = this.core.poll()) outputs.push(output)
    this.said.push(...outputs)
    return outputs
  }

  /** Lets time pass in steps, as a host with a timer would. */
  pass(ms: number): Output[] {
    const outputs: Output[] = []
    const end = this.now + ms
    while (this.now < end) {
      this.now = Math.min(this.now + 10, end)
      outputs.push(...this.put({ type: 'tick' }))
    }
    return outputs
  }

  /** Answers the pings among these outputs. */
  pong(said: readonly Output[]): Output[] {
    const outputs: Output[] = []
    for (const output of said) {
      if (output.type !== 'send' || output.message.type !== 'ping') continue
      outputs.push(...this.hear(output.peer, { type: 'pong', id: output.message.id }))
    }
    return outputs
  }

  /** Lets time pass among peers that answer pings at once. */
  live(ms: number): Output[] {
    const outputs: Output[] = []
    for (let left = ms; left > 0; left -= 10) {
      const said = this.pass(Math.min(left, 10))
      outputs.push(...said)
      outputs.push(...this.pong(said))
    }
    return outputs
  }

  list(entries: readonly WindowEntry[], live = false): Output[] {
    return this.put({ type: 'window', track, live, entries })
  }

  want(seq: number, deadlineMs: number, urgency: Urgency = 'play'): Output[] {
    const deadline = this.now + deadlineMs
    return this.put({ type: 'want', id: ++this.#wants, key: `segment ${seq}`, track, deadline, urgency })
  }

  play(
    mediaMs: number,
    bufferMs: number,
    changes: Partial<Extract<Input, { type: 'position' }>> = {},
  ): Output[] {
    return this.put({
      type: 'position',
      mediaMs,
      bufferMs,
      rate: 1,
      paused: false,
      hidden: false,
      tracks: [track],
      goalMs: 30_000,
      ...changes,
    })
  }

  /** A peer of the group that plays the same track. */
  join(
    peer: string,
    changes: { place?: Place; seq?: number; bufferMs?: number; mode?: Mode; reqq?: number } = {},
  ): Output[] {
    const { place = 'group', mode = 'share', reqq = 256 } = changes
    this.#numbers.delete(peer)
    const outputs = this.put({ type: 'peerJoined', peer, place, hello: { v: 1, mode, reqq } })
    outputs.push(...this.hear(peer, { type: 'track', id: 0, path: track }))
    outputs.push(...this.tell(peer, changes.seq ?? 0, changes.bufferMs ?? 6000, mode))
    return outputs
  }

  /** The peer tells its position. */
  tell(peer: string, seq: number, bufferMs: number, mode: Mode = 'share', uplinkBps = 0): Output[] {
    return this.hear(peer, {
      type: 'position',
      tracks: [0],
      seq,
      bufferMs,
      rate: 100,
      paused: false,
      hidden: false,
      mode,
      edgeBps: this.edgeBps,
      uplinkBps,
    })
  }

  hear(peer: string, message: PeerMessage): Output[] {
    return this.put({ type: 'message', peer, message })
  }

  /** The peer offers a segment; held whole unless said otherwise. Returns what followed and the offer's number. */
  offer(
    peer: string,
    entry: WindowEntry,
    changes: Partial<OfferMessage> = {},
  ): { n: number; outputs: Output[] } {
    const n = this.#numbers.get(peer) ?? 0
    this.#numbers.set(peer, n + 1)
    const offer: OfferMessage = {
      type: 'offer',
      n,
      track: 0,
      seq: entry.seq,
      key: keyHash(entry.key),
      size: entry.size,
      root: entry.root,
      etag: '"1"',
      from: 0,
      frontier: entry.size,
      to: 0,
      source: 'held',
      hops: 0,
      etaMs: 0,
      rateBps: 0,
      epoch: 0,
      ...changes,
    }
    return { n, outputs: this.hear(peer, offer) }
  }

  /** The peer answers every request it was sent so far and not yet answered. */
  answer(peer: string): Output[] {
    const outputs: Output[] = []
    for (const request of this.requestsTo(peer)) {
      if (this.#answered.has(request)) continue
      this.#answered.add(request)
      outputs.push(...this.hear(peer, { ...request, type: 'piece' }))
    }
    return outputs
  }
  #answered = new Set<object>()

  /** Requests of ours to this peer that it has not answered. */
  openRequestsTo(peer: string): Extract<PeerMessage, { type: 'request' }>[] {
    return this.requestsTo(peer).filter(request => !this.#answered.has(request))
  }

  requestsTo(peer: string): Extract<PeerMessage, { type: 'request' }>[] {
    return this.all('send').flatMap(({ peer: to, message }) =>
      to === peer && message.type === 'request' ? [message] : [],
    )
  }

  /** The edge brings bytes of the newest (or the given) media fetch. */
  bring(offset: number, length: number, size: number, fetch = this.last('fetchEdge').fetch): Output[] {
    return this.put({ type: 'edgeData', fetch, offset, length, size, etag: '"1"' })
  }

  done(fetch = this.last('fetchEdge').fetch, size = 200_000): Output[] {
    return this.put({ type: 'edgeDone', fetch, size, etag: '"1"' })
  }

  /** The list of a segment's block hashes comes from the edge. */
  bringList(fetch = this.last('fetchEdge').fetch, size = 416): Output[] {
    const outputs = this.put({ type: 'edgeData', fetch, offset: 0, length: size, size, etag: '' })
    return [...outputs, ...this.done(fetch, size)]
  }

  /** Answers every check under way: these blocks are wrong, or the list is. */
  judge(wrong: { blocks?: readonly number[]; list?: boolean; unknown?: readonly number[] } = {}): Output[] {
    const outputs: Output[] = []
    for (const { job, what, first, count } of this.all('verify')) {
      if (this.#judged.has(job)) continue
      this.#judged.add(job)
      const inJob = (wrong.blocks ?? []).filter(index => index >= first && index < first + count)
      const bad = what === 'blocks' ? inJob : wrong.list ? [0] : []
      const unknown = wrong.unknown?.filter(index => index >= first && index < first + count) ?? []
      outputs.push(...this.put({ type: 'verified', job, bad, unknown }))
    }
    return outputs
  }
  #judged = new Set<number>()

  /** Alone here: takes a segment from the edge, and its list when it has a root, and proves it. */
  hold(entry: WindowEntry): void {
    const before = this.all('fetchEdge').length
    this.want(entry.seq, 0)
    for (const { fetch, what } of this.all('fetchEdge').slice(before)) {
      if (what === 'hashes') this.bringList(fetch)
      else {
        this.bring(0, entry.size, entry.size, fetch)
        this.done(fetch, entry.size)
      }
    }
    this.judge()
    this.judge()
  }

  all<T extends Output['type']>(type: T): Of<T>[] {
    return this.said.filter((output): output is Of<T> => output.type === type)
  }

  last<T extends Output['type']>(type: T): Of<T> {
    const output = this.all(type).at(-1)
    if (!output) throw new Error(`the core said no ${type}`)
    return output
  }

  fetches(): Of<'fetchEdge'>[] {
    return this.all('fetchEdge').filter(fetch => fetch.what === 'media')
  }

  sentTo(peer: string): PeerMessage[] {
    return this.all('send').flatMap(output => (output.peer === peer ? [output.message] : []))
  }
}
