import type { Input, Output, SegmentKey } from '../core/events.ts'
import type { Edge } from '../ports.ts'
import type { SegmentSource } from '../swarm.ts'

type FetchOutput = Extract<Output, { type: 'fetchEdge' }>

/** A list longer than this belongs to no segment that peers share (16 MiB: 32 KiB of hashes). */
const mostListBytes = 1 << 20

export interface EdgePortOptions {
  readonly edge: Edge
  readonly sourceOf: (key: SegmentKey) => SegmentSource | undefined
  readonly headersOf: (key: SegmentKey) => Readonly<Record<string, string>>
  readonly feed: (input: Input, payload?: Uint8Array) => void
  /** Bytes arrived for fetch `id`. */
  readonly onBytes: (id: number, bytes: number) => void
  readonly onEnd: (id: number, state: 'done' | 'failed' | 'aborted') => void
}

/** Turns the core's fetches into requests on the `Edge` port: segment offsets into resource offsets and back. */
export class EdgePort {
  #options: EdgePortOptions
  #open = new Map<number, { abort(): void }>()

  constructor(options: EdgePortOptions) {
    this.#options = options
  }

  start(output: FetchOutput): void {
    const source = this.#options.sourceOf(output.key)
    if (!source || (output.what === 'hashes' && source.hashesUrl === '')) {
      this.#options.feed({ type: 'edgeFailed', fetch: output.fetch, reason: 'status' })
      this.#options.onEnd(output.fetch, 'failed')
      return
    }
    if (output.what === 'hashes') this.#fetchList(output, source)
    else this.#fetchMedia(output, source)
  }

  abort(id: number): void {
    const fetch = this.#open.get(id)
    if (!fetch) return
    this.#open.delete(id)
    fetch.abort()
    this.#options.onEnd(id, 'aborted')
  }

  close(): void {
    for (const id of [...this.#open.keys()]) this.abort(id)
  }

  #fetchMedia(output: FetchOutput, source: SegmentSource): void {
    const { feed, onBytes } = this.#options
    const base = source.range?.from ?? 0
    const end = output.to > 0 ? base + output.to : (source.range?.to ?? 0)
    let size = source.range ? source.range.to - source.range.from : 0
    let etag = ''
    this.#run(
      output,
      {
        url: source.url,
        from: base + output.from,
        to: end,
        whole: source.range === null && output.from === 0 && output.to === 0,
        what: 'media',
        headers: this.#options.headersOf(output.key),
        etag: output.etag,
      },
      {
        onOpen: info => {
          if (!source.range) size = info.total
          etag = info.etag
        },
        onData: (at, bytes) => {
          onBytes(output.fetch, bytes.length)
          const offset = at - base
          feed({ type: 'edgeData', fetch: output.fetch, offset, length: bytes.length, size, etag }, bytes)
        },
        onDone: () => feed({ type: 'edgeDone', fetch: output.fetch, size, etag }),
      },
    )
  }

  /** Small, and of use only whole. */
  #fetchList(output: FetchOutput, source: SegmentSource): void {
    const { feed, onBytes } = this.#options
    const parts: Uint8Array[] = []
    let length = 0
    this.#run(
      output,
      {
        url: source.hashesUrl,
        from: 0,
        to: 0,
        whole: true,
        what: 'hashes',
        headers: {},
        etag: '',
      },
      {
        onOpen: () => {},
        onData: (_at, bytes) => {
          length += bytes.length
          onBytes(output.fetch, bytes.length)
          if (length <= mostListBytes) parts.push(bytes)
          else this.#fail(output.fetch)
        },
        onDone: () => {
          const list = new Uint8Array(length)
          let at = 0
          for (const part of parts) {
            list.set(part, at)
            at += part.length
          }
          feed({ type: 'edgeData', fetch: output.fetch, offset: 0, length, size: length, etag: '' }, list)
          feed({ type: 'edgeDone', fetch: output.fetch, size: length, etag: '' })
        },
      },
    )
  }

  #run(
    output: FetchOutput,
    request: Parameters<Edge['fetch']>[0],
    sink: Pick<Parameters<Edge['fetch']>[1], 'onOpen' | 'onData' | 'onDone'>,
  ): void {
    const id = output.fetch
    // An edge may answer before `fetch` returns.
    const pending = { abort: () => {} }
    this.#open.set(id, pending)
    const isOpen = () => this.#open.has(id)
    const handle = this.#options.edge.fetch(request, {
      onOpen: info => isOpen() && sink.onOpen(info),
      onData: (at, bytes) => isOpen() && sink.onData(at, bytes),
      onDone: () => {
        if (!this.#open.delete(id)) return
        this.#options.onEnd(id, 'done')
        sink.onDone()
      },
      onRefused: (reason, retryAfterMs) =>
        isOpen() && this.#options.feed({ type: 'edgeRefused', fetch: id, reason, retryAfterMs }),
      onFail: reason => {
        if (!this.#open.delete(id)) return
        this.#options.onEnd(id, reason === 'aborted' ? 'aborted' : 'failed')
        this.#options.feed({ type: 'edgeFailed', fetch: id, reason })
      },
    })
    pending.abort = () => handle.abort()
  }

  #fail(id: number): void {
    this.abort(id)
    this.#options.feed({ type: 'edgeFailed', fetch: id, reason: 'mismatch' })
  }
}
