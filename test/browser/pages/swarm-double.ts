import {
  type Delivery,
  type Edge,
  type Origin,
  type PlayerPosition,
  type Policy,
  type RequestOptions,
  type SegmentSource,
  type Swarm,
  SwarmError,
  type SwarmSnapshot,
} from '@nearcast/peer-core'

/** What the double does with a request: how the bytes are said to have come, how late, or how it fails. */
export interface Answer {
  readonly origin?: Origin
  readonly edgeBps?: number
  readonly delayMs?: number
  /** Reject with this reason; `bug` throws something that is no SwarmError. */
  readonly fail?: string
  /** Never answer. */
  readonly hang?: boolean
  /** From this page's memory, filled by `preload`, instead of the edge: as fast as a neighbour would be. */
  readonly memory?: boolean
}

export interface AskedFor {
  readonly track: string
  readonly key: string
  readonly seq: number
  readonly deadlineMs: number
  readonly urgency: string
  readonly headers: Readonly<Record<string, string>>
  state: 'waiting' | 'delivered' | 'failed' | 'aborted'
  bytes: number
}

const neighbour = new Map<string, Uint8Array<ArrayBuffer>>()

/** What a neighbour holds: whole resources, by URL. */
export async function preload(urls: readonly string[]): Promise<void> {
  for (const url of urls) neighbour.set(url, new Uint8Array(await (await fetch(url)).arrayBuffer()))
}

/**
 * Stands in for `createSwarm` in tests of the loader alone: every byte really comes from the edge, over the Edge
 * port that the plugin made; only who is said to have sent it, when, and whether it fails is up to the test.
 */
export class SwarmDouble implements Swarm {
  readonly asked: AskedFor[] = []
  readonly windows: { track: string; live: boolean; entries: readonly SegmentSource[] }[] = []
  readonly positions: PlayerPosition[] = []
  /** Buffers handed over, to see whose they become. */
  readonly handed: ArrayBuffer[] = []
  closed = 0
  mode = 'share'
  answer: (key: string, count: number) => Answer = () => ({})
  readonly #edge: Edge
  readonly #sources = new Map<string, SegmentSource>()
  readonly #listeners = new Map<string, Set<(value: never) => void>>()

  constructor(edge: Edge) {
    this.#edge = edge
  }

  setWindow(track: string, live: boolean, entries: readonly SegmentSource[]): void {
    this.windows.push({ track, live, entries })
    for (const source of entries) this.#sources.set(source.key, source)
  }

  setPosition(position: PlayerPosition): void {
    this.positions.push(position)
  }

  async request(track: string, key: string, options: RequestOptions): Promise<Delivery> {
    const source = this.#sources.get(key)
    if (!source) throw new SwarmError('unknown-segment', key)
    const { deadlineMs, urgency, headers = {} } = options
    const entry: AskedFor = {
      track,
      key,
      seq: source.seq,
      deadlineMs,
      urgency,
      headers,
      state: 'waiting',
      bytes: 0,
    }
    this.asked.push(entry)
    const {
      delayMs = 0,
      fail,
      hang,
      memory,
      origin = 'edge',
      edgeBps = 0,
    } = this.answer(key, this.asked.length)
    const aborted = new Promise<never>((_, reject) => {
      options.signal.addEventListener('abort', () => {
        entry.state = 'aborted'
        reject(new SwarmError('aborted', 'aborted'))
      })
    })
    aborted.catch(() => {})
    if (delayMs) await Promise.race([new Promise(resolve => setTimeout(resolve, delayMs)), aborted])
    if (hang) await aborted
    if (fail) {
      entry.state = 'failed'
      throw fail === 'bug' ? new TypeError('a bug of ours') : new SwarmError(fail, fail)
    }
    const held = memory ? neighbour.get(source.url)?.slice() : undefined
    const bytes = held ?? (await Promise.race([this.#fetch(source, options), aborted]))
    entry.state = 'delivered'
    entry.bytes = bytes.length
    this.handed.push(bytes.buffer)
    return {
      bytes,
      origin,
      edgeBytes: origin === 'edge' ? bytes.length : 0,
      groupBytes: origin === 'edge' ? 0 : bytes.length,
      outsideBytes: 0,
      edgeBps,
      verified: false,
    }
  }

  #fetch(source: SegmentSource, options: RequestOptions): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = []
      let loaded = 0
      let size = 0
      const call = this.#edge.fetch(
        {
          url: source.url,
          from: source.range?.from ?? 0,
          to: source.range?.to ?? 0,
          whole: source.range === null,
          what: 'media',
          headers: options.headers ?? {},
          etag: '',
        },
        {
          onOpen: info => {
            size = info.size
          },
          onData: (_, bytes) => {
            chunks.push(bytes)
            loaded += bytes.length
            options.onProgress?.(loaded, size)
          },
          onDone: () => {
            const whole = new Uint8Array(loaded)
            let at = 0
            for (const chunk of chunks) {
              whole.set(chunk, at)
              at += chunk.length
            }
            resolve(whole)
          },
          onFail: reason => reject(new SwarmError(`edge-${reason}`, reason)),
        },
      )
      options.signal.addEventListener('abort', () => call.abort())
    })
  }

  setMode(mode: string): void {
    this.mode = mode
  }

  push(event: string, value: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(value as never)
  }

  on(event: string, listener: (value: never) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, set.add(listener))
    return () => void set.delete(listener)
  }

  snapshot(): SwarmSnapshot {
    const policy: Policy = {
      mode: 'share',
      wan: 'allow',
      integrity: 'prefer',
      lineKbps: 0,
      uploadKbps: 0,
      groupSize: 1,
    }
    return {
      self: '',
      mode: 'share',
      policy,
      bytes: {
        edge: 0,
        group: 0,
        outside: 0,
        uploaded: 0,
        duplicate: 0,
        digests: 0,
        control: 0,
        delivered: 0,
      },
      peers: [],
      segments: [],
      edgeFetches: [],
      verification: {
        integrity: 'prefer',
        digests: 'unknown',
        hasher: '',
        verifiedBytes: 0,
        unverifiedBytes: 0,
        banned: 0,
      },
      mesh: {
        tracker: 'open',
        trackerError: null,
        group: { label: 'test', level: 'site', size: 1 },
        dials: { started: 0, open: 0, iceFailed: 0, noAnswer: 0, protocolError: 0 },
        candidates: [],
        webrtc: true,
      },
      now: performance.now(),
    } as SwarmSnapshot
  }

  async refreshStats(): Promise<void> {}

  trace(): string {
    return ''
  }

  async close(): Promise<void> {
    this.closed++
  }
}
