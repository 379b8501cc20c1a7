import type { ByteRange } from '@nearcast/peer-core'
import { systemTimers, type Timers } from '../../source/timers.ts'
import { parseRange } from '../byte-range.ts'
import { cacheControlOf, contentTypeOf, isPlaylist } from '../content-type.ts'
import { isRefusal, type Library, type Quest, type Refusal, type Resource } from '../resource.ts'
import { safePath } from '../safe-path.ts'
import { SharedBody } from './shared-body.ts'
import { askUpstream, type UpstreamHead } from './upstream.ts'

export interface OriginOptions {
  /** Base URL that every path is put behind. */
  readonly origin: string
  /** Bodies kept for later requests, bytes in all. `0`: only simultaneous requests share. @default 256 MiB */
  readonly cacheBytes?: number
  /** Longer bodies are streamed and never kept. @default 32 MiB */
  readonly keepBytes?: number
  /** How long a playlist is served without asking again when the origin does not say, ms. @default 500 */
  readonly playlistFreshMs?: number
  /** The same for everything else, ms. @default 3_600_000 */
  readonly segmentFreshMs?: number
  /** Longest wait for the head of an answer, and longest silence in a body, ms. @default 15_000 */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
  readonly timers?: Timers
}

/** One upstream answer, in flight or kept. */
interface Copy {
  readonly head: UpstreamHead
  readonly body: SharedBody
  readonly freshUntil: number
}

/**
 * A caching reverse proxy: simultaneous requests for the same bytes are one upstream fetch that streams to all.
 * A copy is what one upstream answer brought, whole or a range; a request within it is served from it. Cookies and
 * authorization stay outside: what needs them is not for a shared cache.
 */
export function createOrigin(options: OriginOptions): Library {
  const { origin, fetch: fetcher = globalThis.fetch, timers = systemTimers } = options
  const timeoutMs = options.timeoutMs ?? 15_000
  const cacheBytes = options.cacheBytes ?? 256 << 20
  const keepBytes = Math.min(options.keepBytes ?? 32 << 20, Math.max(cacheBytes, 1 << 20))
  const base = new URL(origin.endsWith('/') ? origin : `${origin}/`)
  /** By URL and asked range; insertion order is order of use. */
  const copies = new Map<string, Copy>()
  const asking = new Map<string, Promise<Copy | Refusal>>()
  const closing = new AbortController()

  function forget(key: string, copy: Copy): void {
    if (copies.get(key) === copy) copies.delete(key)
  }

  function shrink(): void {
    let held = 0
    for (const { body } of copies.values()) held += body.heldBytes
    for (const [key, { body }] of copies) {
      if (held <= cacheBytes) break
      // One in flight is needed by its readers and becomes droppable when it is done.
      if (!body.done) continue
      copies.delete(key)
      held -= body.heldBytes
    }
  }

  /** A copy that covers `range` and may still be given out. */
  function cached(url: string, range: string | null): Copy | null {
    for (const key of [url, `${url}\n${range}`]) {
      const copy = copies.get(key)
      if (!copy) continue
      // What is still arriving is shared whatever its freshness: it is one answer to simultaneous requests.
      if (copy.body.whole && (timers.now() < copy.freshUntil || !copy.body.done)) {
        copies.delete(key)
        copies.set(key, copy)
        return copy
      }
      if (copy.body.done) copies.delete(key)
    }
    return within(url, range)
  }

  /** Tails of a range that another request took in one piece: what a rescue asks for. */
  function within(url: string, range: string | null): Copy | null {
    for (const [key, copy] of copies) {
      const { from, to, total } = copy.head
      if (!key.startsWith(`${url}\n`) || total === null || to === null || !copy.body.whole) continue
      const wanted = parseRange(range, total)
      if (
        typeof wanted === 'object' &&
        wanted.from >= from &&
        wanted.to <= to &&
        timers.now() < copy.freshUntil
      ) {
        return copy
      }
    }
    return null
  }

  async function ask(url: string, range: string | null): Promise<Copy | Refusal> {
    const found = cached(url, range)
    if (found) return found
    const key = range === null ? url : `${url}\n${range}`
    let asked = asking.get(key)
    if (!asked) {
      const wait = new AbortController()
      const disarm = timers.after(timeoutMs, () => wait.abort(new DOMException('', 'TimeoutError')))
      const signal = AbortSignal.any([wait.signal, closing.signal])
      asked = askUpstream(fetcher, { url, method: 'GET', range, signal })
        .then(head => {
          disarm()
          if (isRefusal(head)) return head
          const everything = head.from === 0 && head.to !== null && head.to === head.total
          return keep(everything ? url : key, head)
        })
        .finally(() => asking.delete(key))
      asking.set(key, asked)
    }
    return asked
  }

  function keep(key: string, head: UpstreamHead): Copy {
    const playlist = isPlaylist(new URL(key.split('\n')[0]!).pathname, head.type)
    const unsaid = playlist ? (options.playlistFreshMs ?? 500) : (options.segmentFreshMs ?? 3_600_000)
    const copy: Copy = {
      head,
      freshUntil: timers.now() + (head.freshMs ?? unsaid),
      body: new SharedBody(head.body ?? emptyBody(), keepBytes, timeoutMs, timers, how => {
        const short = head.to !== null && copy.body.receivedBytes !== head.to - head.from
        if (how === 'failed' || short || !copy.body.whole || head.freshMs === 0) forget(key, copy)
        shrink()
      }),
    }
    copies.set(key, copy)
    return copy
  }

  function resourceOf(url: string, path: string, copy: Copy): Resource {
    const { head } = copy
    const read = async (range: ByteRange | null): Promise<ReadableStream<Uint8Array>> => {
      const from = range?.from ?? 0
      const to = range?.to ?? head.total ?? Number.POSITIVE_INFINITY
      if (from >= head.from && (head.to === null || to <= head.to) && copy.body.whole) {
        return copy.body.read(from - head.from, to - head.from)
      }
      const other = await ask(url, range && `bytes=${from}-${to - 1}`)
      if (isRefusal(other)) throw new Error(`origin answered ${other.status}`)
      if (other.head.etag !== head.etag || other.head.total !== head.total)
        throw new Error('the resource changed')
      return other.body.read(from - other.head.from, to - other.head.from)
    }
    return {
      size: head.total,
      etag: head.etag,
      modifiedMs: head.modifiedMs,
      type: head.type === 'application/octet-stream' ? contentTypeOf(path) : head.type,
      cacheControl: isPlaylist(path, head.type) ? 'no-cache' : cacheControlOf(path),
      identity: `${url} ${head.etag || head.modifiedMs} ${head.total}`,
      read: range => lazily(() => read(range)),
    }
  }

  return {
    async find({ url, range, head, signal }: Quest) {
      if (!safePath(url.pathname)) return { status: 400 }
      const upstream = new URL(base)
      upstream.pathname = base.pathname + url.pathname.replace(/^\/+/, '')
      upstream.search = url.search
      if (head && !cached(upstream.href, null)) {
        const found = await askUpstream(fetcher, { url: upstream.href, method: 'HEAD', range: null, signal })
        if (isRefusal(found)) return found
        const empty = new SharedBody(emptyBody(), 0, timeoutMs, timers, () => {})
        return resourceOf(upstream.href, url.pathname, { head: found, body: empty, freshUntil: 0 })
      }
      const copy = await ask(upstream.href, rangeToAsk(range))
      return isRefusal(copy) ? copy : resourceOf(upstream.href, url.pathname, copy)
    },
    async close() {
      closing.abort()
    },
  }
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new Blob([]).stream()
}

/** Only a single well-formed range is passed on; anything else is answered with everything. */
function rangeToAsk(range: string | null): string | null {
  const match = /^\s*bytes\s*=\s*(\d{1,15}-\d{0,15}|-\d{1,15})\s*$/i.exec(range ?? '')
  return match ? `bytes=${match[1]}` : null
}

/** A stream whose source is only asked for when somebody reads. */
function lazily(open: () => Promise<ReadableStream<Uint8Array>>): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= (await open()).getReader()
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel(reason) {
        await reader?.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
