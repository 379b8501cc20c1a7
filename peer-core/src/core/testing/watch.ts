import type { CoreConfig } from '../config.ts'
import { createCore } from '../core.ts'
import type { Core, Input, Integrity, Output, WindowEntry } from '../events.ts'
import { blockBytes, runBytes } from '../messages.ts'
import { Coverage } from './coverage.ts'
import { ensure } from './ensure.ts'
import { WatchedWire } from './watched-wire.ts'

type Of<T extends Output['type']> = Extract<Output, { type: T }>

interface OpenJob {
  readonly key: string
  readonly what: 'hashes' | 'blocks'
  readonly first: number
  readonly writings: readonly number[]
}

/** A core under watch: every output is held against what must be true whatever came in. Throws what was broken. */
export class Watch {
  readonly core: Core
  readonly jobs = new Map<number, OpenJob>()
  readonly openFetches = new Map<number, Of<'fetchEdge'>>()
  readonly wires = new Map<string, WatchedWire>()
  readonly banned = new Set<string>()
  /** Every input and output, as lines. */
  readonly log: string[] = []
  readonly openWants = new Map<number, string>()
  delivered = 0
  failed = 0
  uploaded = 0
  #config: CoreConfig
  #now = 0
  #entries = new Map<string, WindowEntry>()
  #segments = new Map<string, Coverage>()
  #stored = new Map<string, number>()
  #mustForget = new Set<string>()
  #integrity: Integrity = 'prefer'
  #wanted = new Set<number>()
  #armed = Infinity

  constructor(self: string, config: CoreConfig) {
    this.#config = config
    this.core = createCore({ self, seed: 7, config })
  }

  put(now: number, input: Input): Output[] {
    this.#now = now
    this.log.push(JSON.stringify({ t: now, i: input }))
    this.#before(input)
    this.core.handle(now, input)
    const outputs: Output[] = []
    for (let output = this.core.poll(); output; output = this.core.poll()) {
      this.log.push(JSON.stringify({ o: output }))
      outputs.push(output)
      this.#check(input, output)
    }
    ensure(this.#mustForget.size === 0, 'what stands for other bytes now is forgotten')
    this.#checkBounds()
    return outputs
  }

  /** When the core asked to be woken. */
  get armed(): number {
    return this.#armed
  }

  /** The timer goes off, once. */
  fire(): void {
    this.#armed = Infinity
  }

  /** Bytes of this segment are in memory. */
  isTouched(key: string): boolean {
    return !this.#coverage(key).isBlank
  }

  #before(input: Input): void {
    switch (input.type) {
      case 'window':
        for (const entry of input.entries) this.#learn(entry)
        return
      case 'restored':
        return this.#restore(input.entry)
      case 'want':
        ensure(!this.#wanted.has(input.id), 'a test uses an id twice')
        this.#wanted.add(input.id)
        this.openWants.set(input.id, input.key)
        return
      case 'cancel':
        this.openWants.delete(input.id)
        return
      case 'policy':
        this.#integrity = input.policy.integrity
        return
      case 'peerJoined':
        if (!this.banned.has(input.peer)) this.wires.set(input.peer, new WatchedWire())
        return
      case 'peerLeft':
        this.wires.delete(input.peer)
        return
      case 'message':
        this.wires.get(input.peer)?.hear(input.message)
        return
      case 'verified':
        return this.#judge(input)
      case 'edgeDone':
      case 'edgeFailed':
        this.openFetches.delete(input.fetch)
        return
      default:
        return
    }
  }

  #learn(entry: WindowEntry): void {
    const known = this.#entries.get(entry.key)
    // Another root or size means other bytes: nothing that was known of the old ones holds.
    const isOther =
      known !== undefined &&
      ((entry.root !== '' && known.root !== '' && entry.root !== known.root) ||
        (entry.size > 0 && known.size > 0 && entry.size !== known.size))
    this.#entries.set(entry.key, {
      ...entry,
      size: entry.size || (isOther ? 0 : (known?.size ?? 0)),
      root: entry.root || (isOther ? '' : (known?.root ?? '')),
    })
    if (isOther && this.isTouched(entry.key)) this.#mustForget.add(entry.key)
  }

  /** The host restores only what is not in memory; playlists know better than an old store. */
  #restore(entry: WindowEntry): void {
    const known = this.#entries.get(entry.key)
    if (known && known.root !== entry.root && known.root !== '' && entry.root !== '') return
    this.#learn(entry)
    if (this.isTouched(entry.key)) return
    const coverage = this.#coverage(entry.key)
    coverage.paint(0, entry.size, 'store', '')
    for (let index = 0; index * blockBytes < entry.size; index++)
      coverage.prove(index, coverage.writingOf(index))
  }

  #judge(input: Extract<Input, { type: 'verified' }>): void {
    const job = this.jobs.get(input.job)
    if (!job) return
    this.jobs.delete(input.job)
    if (job.what === 'hashes') return
    const coverage = this.#coverage(job.key)
    job.writings.forEach((writing, i) => {
      const index = job.first + i
      if (input.bad.includes(index) || input.unknown?.includes(index)) {
        if (coverage.writingOf(index) === writing) coverage.erase(index)
      } else coverage.prove(index, writing)
    })
  }

  #check(input: Input, output: Output): void {
    switch (output.type) {
      case 'send':
        return this.#checkSend(output)
      case 'closePeer':
        this.wires.delete(output.peer)
        if (output.ban) this.banned.add(output.peer)
        return
      case 'fetchEdge':
        ensure(!this.openFetches.has(output.fetch), 'a fetch has a number of its own')
        ensure(output.from >= 0 && (output.to === 0 || output.to > output.from), 'a fetch is a range')
        this.openFetches.set(output.fetch, output)
        return
      case 'abortEdge':
        ensure(this.openFetches.delete(output.fetch), 'only what is under way is aborted')
        return
      case 'accept':
        return this.#checkAccept(input, output)
      case 'verify': {
        ensure(!this.jobs.has(output.job), 'a job has a number of its own')
        const coverage = this.#coverage(output.key)
        const writings = Array.from({ length: output.count }, (_, i) => coverage.writingOf(output.first + i))
        this.jobs.set(output.job, { key: output.key, what: output.what, first: output.first, writings })
        return
      }
      case 'store':
        ensure(this.#coverage(output.key).isCovered(0, output.size), 'only what is whole is stored')
        this.#checkProof(output.key, 0, output.size, 'stored')
        this.#stored.set(output.key, output.size)
        return
      case 'evict':
        this.#mustForget.delete(output.key)
        this.#stored.delete(output.key)
        this.#segments.delete(output.key)
        return
      case 'deliver':
        return this.#checkDeliver(output)
      case 'fail':
        this.failed++
        return this.#end(output.id, output.key)
      case 'wakeAt':
        ensure(output.at > this.#now, 'a wake lies ahead')
        ensure(Number.isFinite(output.at), 'a wake is a time')
        this.#armed = output.at
        return
      case 'trace':
        return
    }
  }

  #checkSend({ peer, message, key }: Of<'send'>): void {
    const wire = this.wires.get(peer)
    ensure(wire !== undefined, `nothing is sent to who is not there: ${message.type}`)
    wire.say(message)
    if (message.type !== 'piece') return
    ensure(key !== null, 'a piece names its segment')
    ensure(message.length <= runBytes, 'a piece is a run')
    const end = message.offset + message.length
    ensure(this.#coverage(key).isCovered(message.offset, end), 'only what is here is given')
    this.#checkProof(key, message.offset, end, 'given')
    this.uploaded += message.length
  }

  #checkAccept(input: Input, { key, offset, length }: Of<'accept'>): void {
    ensure(length > 0, 'an accept has bytes')
    const size = this.#entries.get(key)?.size ?? 0
    ensure(size === 0 || offset + length <= size, 'an accept lies within the segment')
    if (input.type === 'edgeData') {
      ensure(offset >= input.offset && offset + length <= input.offset + input.length, 'of these bytes')
      return this.#coverage(key).paint(offset, offset + length, 'edge', input.etag)
    }
    ensure(input.type === 'message' && input.message.type === 'piece', 'bytes come with bytes')
    const { message, peer } = input
    ensure(offset >= message.offset && offset + length <= message.offset + message.length, 'of this piece')
    const etag = this.wires.get(peer)?.offers.get(message.n)?.[0]?.etag ?? ''
    this.#coverage(key).paint(offset, offset + length, peer, etag)
  }

  #checkDeliver(output: Of<'deliver'>): void {
    this.delivered++
    this.#end(output.id, output.key)
    const coverage = this.#coverage(output.key)
    ensure(output.size > 0, 'what is delivered has a size')
    ensure(coverage.isCovered(0, output.size), 'only what is whole is delivered')
    const { edgeBytes, groupBytes, outsideBytes } = output
    ensure(edgeBytes + groupBytes + outsideBytes <= output.size, 'bytes are counted once')
    const sources = coverage.sources(0, output.size)
    if (this.#isProvable(output.key)) {
      for (let index = 0; index * blockBytes < output.size; index++) {
        const isOwn = [...coverage.sources(index * blockBytes, (index + 1) * blockBytes).keys()].every(
          source => source === 'edge',
        )
        ensure(isOwn || coverage.isProven(index), `unproven bytes of peers are not played: block ${index}`)
        ensure(!output.verified || coverage.isProven(index), 'called verified only when it is')
      }
      return
    }
    const etags = new Set([...sources.values()].flatMap(of => [...of]))
    ensure(sources.size <= 1 || (etags.size === 1 && !etags.has('')), 'unproven bytes are of one lineage')
  }

  #checkProof(key: string, from: number, to: number, verb: string): void {
    if (!this.#isProvable(key)) return
    for (let index = Math.floor(from / blockBytes); index * blockBytes < to; index++)
      ensure(this.#coverage(key).isProven(index), `block ${index} of ${key} is ${verb} unproven`)
  }

  #end(id: number, key: string): void {
    ensure(this.openWants.get(id) === key, `want ${id} ends once, and not after its cancel`)
    this.openWants.delete(id)
  }

  #checkBounds(): void {
    const { segments, offers, asks, fetches, queued, heldBytes } = this.core.inspect()
    const peers = this.wires.size
    ensure(segments <= this.#entries.size, 'segments are those of playlists')
    ensure(offers <= peers * this.#config.maxOffersPerPeer, 'offers are bounded')
    ensure(asks <= peers * 256, 'asks are bounded')
    ensure(fetches === this.openFetches.size, `fetches are those under way: ${fetches}`)
    ensure(queued <= peers * 256, 'requests of others are bounded')
    ensure(heldBytes >= 0 && heldBytes <= this.#config.storeBytes + this.#wantedBytes(), `${heldBytes} held`)
  }

  /** What the player waits for, and what came last, is held beyond the budget, be it too large to share. */
  #wantedBytes(): number {
    return 2 * this.#config.sharedSegmentBytes * (1 + new Set(this.openWants.values()).size)
  }

  #isProvable(key: string): boolean {
    return this.#integrity !== 'off' && (this.#entries.get(key)?.root ?? '') !== ''
  }

  #coverage(key: string): Coverage {
    const known = this.#segments.get(key)
    if (known) return known
    const made = new Coverage()
    this.#segments.set(key, made)
    return made
  }
}
