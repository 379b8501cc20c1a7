import type { CoreConfig } from './core/config.ts'
import { createCore } from './core/core.ts'
import { mergeEntry } from './core/entry.ts'
import type { Core, Input, Output, Place, Policy, SegmentKey, TrackPath } from './core/events.ts'
import type { Mode, PeerId } from './core/messages.ts'
import { recordCore } from './core/trace.ts'
import { EdgePort } from './host/edge-port.ts'
import { FirstFrame } from './host/first-frame.ts'
import { Ledger } from './host/ledger.ts'
import { Payloads } from './host/payloads.ts'
import { combinePolicy, defaultPolicy, samePolicy } from './host/policy.ts'
import { Requests } from './host/requests.ts'
import { Shelf } from './host/shelf.ts'
import { fromHex } from './integrity/hex.ts'
import type { Clock, Edge, Hasher, Link, Mesh, MeshState, Store } from './ports.ts'
import {
  type Delivery,
  type PlayerPosition,
  type RequestOptions,
  type SegmentSource,
  type Swarm,
  SwarmError,
  type SwarmEvents,
  type SwarmSnapshot,
} from './swarm.ts'

export interface SwarmOptions {
  readonly selfId: PeerId
  /** Finds peers; null: none are wanted, everything comes from the edge. */
  readonly mesh: Mesh | null
  readonly edge: Edge
  /** Keeps complete segments beyond this page or process; null: memory only. */
  readonly store: Store | null
  readonly hasher: Hasher
  readonly clock: Clock
  /** Everything random in the scheduler follows from it. @default a hash of `selfId` */
  readonly seed?: number
  /** The site owner's stance; the tracker may only restrict it. */
  readonly policy?: Partial<Policy>
  readonly config?: Partial<CoreConfig>
  /** Bytes kept in memory of what the persistent store has too. @default 67108864 (64 MiB) */
  readonly memoryBytes?: number
  /** Record everything that goes into the core, for replay. Grows without bound. @default false */
  readonly trace?: boolean
}

/** Segment sources remembered after their playlist dropped them: leases and late wants may still need the url. */
const mostSources = 20_000

/** The only shell: one input in, all outputs performed, one timer armed. It holds no policy. */
export function createSwarm(options: SwarmOptions): Swarm {
  return new Host(options)
}

class Host implements Swarm {
  #options: SwarmOptions
  #core: Core
  #trace: string[] = []
  #queue: { input: Input; payload: Uint8Array | undefined }[] = []
  #isRunning = false
  #isClosed = false
  #payload: Uint8Array | undefined
  #payloadOffset = 0
  #payloadFrom: 'edge' | Place = 'edge'
  #payloads: Payloads
  #ledger = new Ledger()
  #sources = new Map<SegmentKey, { readonly track: TrackPath; source: SegmentSource }>()
  #listed = new Map<TrackPath, Set<SegmentKey>>()
  #shelf: Shelf
  #requests = new Requests()
  #firstFrame: FirstFrame
  #edge: EdgePort
  #headers = new Map<SegmentKey, Readonly<Record<string, string>>>()
  #own: Policy
  #pushed: Partial<Policy> = {}
  #policy: Policy
  #disarm: (() => void) | null = null
  #given = new Set<PeerId>()
  #listeners = new Map<keyof SwarmEvents, Set<(value: never) => void>>()
  #digests: 'present' | 'absent' | 'unknown' = 'unknown'

  constructor(options: SwarmOptions) {
    this.#options = options
    const { selfId, config = {} } = options
    const head = { self: selfId, seed: options.seed ?? Number.parseInt(selfId.slice(-8), 16), config }
    this.#core = options.trace ? recordCore(head, line => this.#trace.push(line)) : createCore(head)
    this.#payloads = new Payloads(options.memoryBytes ?? 67_108_864)
    this.#shelf = new Shelf({
      store: options.store,
      hasher: options.hasher,
      payloads: this.#payloads,
      sourceOf: key => this.#sources.get(key)?.source,
      feed: input => this.#feed(input),
    })
    // Without a mesh nobody is waited for.
    this.#own = { ...defaultPolicy, ...(options.mesh ? {} : { groupSize: 1 }), ...options.policy }
    this.#policy = this.#own
    this.#edge = new EdgePort({
      edge: options.edge,
      sourceOf: key => this.#sources.get(key)?.source,
      headersOf: key => this.#headers.get(key) ?? {},
      feed: (input, payload) => this.#feed(input, payload),
      onBytes: (id, bytes) => this.#ledger.fetchGave(id, bytes),
      onEnd: (id, state) => {
        const entry = this.#ledger.fetchEnded(id, state)
        if (entry) this.#emit('edge', entry)
      },
    })
    this.#feed({ type: 'policy', policy: this.#policy })
    void this.#restore()
    this.#firstFrame = new FirstFrame(ms => options.mesh?.rest(ms))
    options.mesh?.setMode(this.#policy.mode)
    options.mesh?.open({
      onLink: (link, hello, place) => this.#join(link, hello, place),
      onPolicy: policy => this.#setPolicy(this.#own, { ...this.#pushed, ...policy }),
      onState: state => {
        if (state.group) this.#setPolicy(this.#own, { ...this.#pushed, groupSize: state.group.size })
      },
    })
    this.#firstFrame.opened()
  }

  setWindow(track: TrackPath, live: boolean, entries: readonly SegmentSource[]): void {
    if (this.#isClosed) return
    const keys = new Set<SegmentKey>()
    for (const source of entries) {
      keys.add(source.key)
      const known = this.#sources.get(source.key)?.source
      this.#sources.delete(source.key)
      this.#sources.set(source.key, { track, source: known ? mergeSource(known, source) : source })
      if (source.root !== '') this.#digests = 'present'
    }
    if (this.#digests === 'unknown' && entries.length > 0) this.#digests = 'absent'
    this.#listed.set(track, keys)
    this.#trimSources()
    const plain = entries.map(({ key, seq, slot, startMs, durationMs, size, root }) => {
      return { key, seq, slot, startMs, durationMs, size, root }
    })
    this.#feed({ type: 'window', track, live, entries: plain })
  }

  setPosition(position: PlayerPosition): void {
    this.#feed({ type: 'position', ...position })
  }

  request(track: TrackPath, key: SegmentKey, options: RequestOptions): Promise<Delivery> {
    if (this.#isClosed) return Promise.reject(new SwarmError('closed', 'The swarm is closed.'))
    if (options.signal.aborted) return Promise.reject(new SwarmError('aborted', 'The request was aborted.'))
    if (options.headers) this.#headers.set(key, options.headers)
    const { id, promise } = this.#requests.open(key, options, () => this.#feed({ type: 'cancel', id }))
    this.#firstFrame.asked(id, options.urgency, this.#sources.get(key)?.source, this.#policy.lineKbps)
    const isOver = () => this.#firstFrame.ended(id)
    promise.then(isOver, isOver)
    const deadline = this.#now() + Math.max(0, options.deadlineMs)
    try {
      this.#feed({ type: 'want', id, key, track, deadline, urgency: options.urgency })
    } catch {
      // The promise says it already: whoever asked has a way of its own, and takes it.
    }
    return promise
  }

  setMode(mode: Mode): void {
    this.#setPolicy({ ...this.#own, mode }, this.#pushed)
  }

  snapshot(): SwarmSnapshot {
    const ledger = this.#ledger
    return {
      self: this.#options.selfId,
      mode: this.#policy.mode,
      policy: this.#policy,
      bytes: { ...ledger.bytes, uploaded: ledger.uploaded(), control: ledger.control() },
      peers: ledger.peers(),
      segments: ledger.segments(),
      edgeFetches: ledger.edgeFetches(),
      verification: {
        integrity: this.#policy.integrity,
        digests: this.#digests,
        hasher: this.#options.hasher.name,
        verifiedBytes: ledger.verifiedBytes,
        unverifiedBytes: ledger.unverifiedBytes,
        banned: ledger.banned,
      },
      mesh: this.#options.mesh?.state() ?? noMesh,
      now: this.#now(),
    }
  }

  async refreshStats(): Promise<void> {
    const records = [...this.#ledger.links.values()]
    await Promise.all(
      records.map(async record => {
        record.route = await record.link.stats()
      }),
    )
  }

  on<K extends keyof SwarmEvents>(event: K, listener: (value: SwarmEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  trace(): string {
    return this.#trace.join('\n')
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#disarm?.()
    this.#edge.close()
    this.#requests.failAll(new SwarmError('closed', 'The swarm was closed.'))
    for (const { link } of [...this.#ledger.links.values()]) link.close('closed')
    this.#listeners.clear()
    await this.#options.mesh?.close()
  }

  /** One input at a time: what performing an output causes waits its turn. */
  #feed(input: Input, payload?: Uint8Array): void {
    if (this.#isClosed) return
    this.#queue.push({ input, payload })
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let next = this.#queue.shift(); next && !this.#isClosed; next = this.#queue.shift()) {
        this.#step(next.input, next.payload)
      }
    } catch (cause) {
      // A broken invariant of ours: peers end here, and every open request goes back to the player's own loader.
      this.#requests.failAll(
        new SwarmError('internal', 'Nearcast failed; playback goes on without it.', cause),
      )
      void this.close()
      throw cause
    } finally {
      this.#isRunning = false
    }
    this.#reportDrained()
  }

  #step(input: Input, payload: Uint8Array | undefined): void {
    this.#payload = payload
    this.#payloadOffset = offsetOf(input)
    this.#payloadFrom =
      input.type === 'message' ? (this.#ledger.links.get(input.peer)?.place ?? 'outside') : 'edge'
    this.#core.handle(this.#now(), input)
    for (let output = this.#core.poll(); output; output = this.#core.poll()) this.#perform(output)
    this.#payload = undefined
  }

  #perform(output: Output): void {
    switch (output.type) {
      case 'send':
        return this.#send(output)
      case 'closePeer':
        return this.#closePeer(output.peer, output.reason, output.ban)
      case 'fetchEdge':
        this.#emit('edge', this.#ledger.fetchStarted(output.fetch, output, this.#now()))
        return this.#edge.start(output)
      case 'abortEdge':
        return this.#edge.abort(output.fetch)
      case 'accept':
        return this.#accept(output.key, output.offset, output.length)
      case 'verify':
        void this.#shelf.verify(output, this.#payload)
        return
      case 'store':
        return this.#keep(output.key, output.size)
      case 'evict':
        return this.#evict(output.key)
      case 'deliver':
        void this.#deliver(output)
        return
      case 'fail':
        return this.#requests.fail(
          output.id,
          new SwarmError(output.reason, `${output.key}: ${output.reason}`),
        )
      case 'wakeAt':
        this.#disarm?.()
        this.#disarm = this.#options.clock.arm(output.at, () => this.#feed({ type: 'tick' }))
        return
      case 'capacity':
        return this.#options.mesh?.setCapacity(output.childLinks)
      case 'trace':
        this.#ledger.hear(output.note)
        return this.#emit('note', output.note)
    }
  }

  #send(output: Extract<Output, { type: 'send' }>): void {
    const { message, key } = output
    const record = this.#ledger.links.get(output.peer)
    if (!record) return
    if (key === null) return record.link.send(message)
    if (message.type === 'hashes') {
      const root = this.#sources.get(key)?.source.root ?? ''
      const list = this.#payloads.list(key) ?? (message.count === 1 ? fromHex(root) : null)
      if (list) return record.link.send(message, list)
      // Restored: its list is made of its bytes, before the pieces that were asked for with it.
      void this.#shelf.load(key).then(() => {
        const made = this.#payloads.list(key)
        if (made) record.link.send(message, made)
      })
      return
    }
    if (message.type !== 'piece') return
    this.#given.add(output.peer)
    const bytes = this.#payloads.view(key, message.offset, message.length)
    if (bytes) return record.link.send(message, bytes)
    void this.#shelf.load(key).then(() => {
      const loaded = this.#payloads.view(key, message.offset, message.length)
      const { n, offset, length } = message
      if (loaded) record.link.send(message, loaded)
      else record.link.send({ type: 'reject', n, offset, length })
    })
  }

  #accept(key: SegmentKey, offset: number, length: number): void {
    if (!this.#payload) return
    const at = offset - this.#payloadOffset
    const entry = this.#sources.get(key)
    const size = entry?.source.size ?? 0
    if (entry) {
      const story = this.#ledger.segment(entry.track, entry.source)
      story[`${this.#payloadFrom}Bytes`] += length
      story.state = 'arriving'
    }
    this.#payloads.write(key, offset, this.#payload.subarray(at, at + length), size)
    this.#requests.progress(key, this.#payloads.written(key), size)
  }

  #keep(key: SegmentKey, size: number): void {
    const entry = this.#sources.get(key)
    if (!entry) return
    // Only what is proven is kept, or what the policy does not ask to prove.
    const verified = entry.source.root !== '' && this.#policy.integrity !== 'off'
    Object.assign(this.#ledger.segment(entry.track, entry.source), { state: 'held', size, verified })
    void this.#shelf.keep(entry.track, entry.source, size)
  }

  #evict(key: SegmentKey): void {
    this.#shelf.evict(key)
    const known = this.#ledger.known(key)
    if (known) known.state = 'evicted'
  }

  async #deliver(output: Extract<Output, { type: 'deliver' }>): Promise<void> {
    const { id, key, size, origin, edgeBytes, groupBytes, outsideBytes, edgeBps, verified } = output
    let view = this.#payloads.view(key, 0, size)
    if (!view) {
      await this.#shelf.load(key)
      view = this.#payloads.view(key, 0, size)
    }
    if (!view) return this.#requests.fail(id, new SwarmError('store', `${key}: the store lost it.`))
    const ledger = this.#ledger
    ledger.bytes.delivered += size
    if (verified) ledger.verifiedBytes += size
    else ledger.unverifiedBytes += size
    const entry = this.#sources.get(key)
    if (entry) {
      const story = ledger.segment(entry.track, entry.source)
      Object.assign(story, { size, edgeBytes, groupBytes, outsideBytes, verified, delivered: true })
      this.#emit('segment', { ...story })
    }
    this.#headers.delete(key)
    this.#requests.deliver(id, {
      bytes: view.slice(),
      origin,
      edgeBytes,
      groupBytes,
      outsideBytes,
      edgeBps,
      verified,
    })
  }

  async #restore(): Promise<void> {
    for (const { track, entry } of await this.#shelf.kept()) {
      if (!this.#sources.has(entry.key)) {
        this.#sources.set(entry.key, { track, source: { ...entry, url: '', range: null, hashesUrl: '' } })
      }
      // What is half here already would be taken for the store's bytes.
      if (!this.#payloads.has(entry.key)) this.#feed({ type: 'restored', track, entry })
    }
  }

  #join(link: Link, hello: Parameters<Ledger['joined']>[1], place: Parameters<Ledger['joined']>[2]): void {
    if (this.#isClosed) return link.close('closed')
    this.#ledger.joined(link, hello, place, this.#now())
    this.#feed({ type: 'peerJoined', peer: link.peer, place, hello })
    link.listen({
      onMessage: (message, payload) => {
        if (this.#ledger.links.get(link.peer)?.link !== link) return
        if (message.type === 'piece') this.#countPiece(link.peer, message.length)
        else if (message.type === 'hashes' && payload) this.#ledger.bytes.digests += payload.length
        else if (message.type === 'position') this.#ledger.links.get(link.peer)!.mode = message.mode
        this.#feed({ type: 'message', peer: link.peer, message }, payload)
      },
      onDrained: queuedBytes => this.#feed({ type: 'drained', peer: link.peer, queuedBytes }),
      onClose: reason => {
        if (this.#ledger.links.get(link.peer)?.link !== link) return
        this.#ledger.left(link.peer)
        this.#feed({ type: 'peerLeft', peer: link.peer, reason })
        this.#emit('peer', { id: link.peer, state: 'left', reason })
      },
    })
    this.#emit('peer', { id: link.peer, state: 'joined', reason: '' })
  }

  #countPiece(peer: PeerId, bytes: number): void {
    const record = this.#ledger.links.get(peer)
    if (!record) return
    record.receivedBytes += bytes
    this.#ledger.bytes[record.place] += bytes
  }

  #closePeer(peer: PeerId, reason: string, ban: boolean): void {
    const record = this.#ledger.links.get(peer)
    this.#ledger.left(peer)
    record?.link.close(reason)
    if (ban) {
      this.#ledger.banned++
      this.#options.mesh?.ban(peer)
    }
    this.#emit('peer', { id: peer, state: ban ? 'banned' : 'left', reason })
  }

  /** Tells the core what really waits in the links it gave pieces to. */
  #reportDrained(): void {
    if (this.#given.size === 0) return
    const given = [...this.#given]
    this.#given.clear()
    queueMicrotask(() => {
      for (const peer of given) {
        const record = this.#ledger.links.get(peer)
        if (record) this.#feed({ type: 'drained', peer, queuedBytes: record.link.queuedBytes() })
      }
    })
  }

  #setPolicy(own: Policy, pushed: Partial<Policy>): void {
    this.#own = own
    this.#pushed = pushed
    const policy = combinePolicy(own, pushed)
    if (samePolicy(policy, this.#policy)) return
    this.#policy = policy
    this.#firstFrame.counted(policy.groupSize)
    this.#options.mesh?.setMode(policy.mode)
    this.#feed({ type: 'policy', policy })
    this.#emit('policy', policy)
  }

  #trimSources(): void {
    if (this.#sources.size <= mostSources) return
    const listed = [...this.#listed.values()]
    for (const key of this.#sources.keys()) {
      if (this.#sources.size <= mostSources) return
      if (!listed.some(keys => keys.has(key)) && !this.#payloads.has(key)) this.#sources.delete(key)
    }
  }

  /** A listener that throws is the page's own mistake: reported as uncaught, and the swarm goes on. */
  #emit<K extends keyof SwarmEvents>(event: K, value: SwarmEvents[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        ;(listener as (value: SwarmEvents[K]) => void)(value)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

const noMesh: MeshState = {
  tracker: 'off',
  trackerError: null,
  group: null,
  dials: { started: 0, open: 0, iceFailed: 0, noAnswer: 0, protocolError: 0 },
  candidates: [],
  webrtc: false,
}

/** The core remembers a root that a later window leaves out; so must whoever holds bytes against it. */
function mergeSource(older: SegmentSource, newer: SegmentSource): SegmentSource {
  const merged = mergeEntry(older, newer)
  return merged.root === older.root && newer.hashesUrl === ''
    ? { ...merged, hashesUrl: older.hashesUrl }
    : merged
}

function offsetOf(input: Input): number {
  if (input.type === 'edgeData') return input.offset
  if (input.type === 'message' && input.message.type === 'piece') return input.message.offset
  return 0
}
