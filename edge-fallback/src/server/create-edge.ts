import type { HttpBindings } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { systemTimers, type Timers } from '../source/timers.ts'
import { type AccessEntry, type AccessLog, createAccessLog, createClientLabels } from './access-log.ts'
import { severBody, sliceBody, stageBody } from './body-stream.ts'
import { corsHeaders, preflight } from './cors.ts'
import { createDigestStore } from './digest/digest-store.ts'
import { createDirectory } from './directory.ts'
import { type Fault, type FaultHook, spoil } from './faults.ts'
import { createLineMeter } from './line-meter.ts'
import { createOrigin, type OriginOptions } from './origin/origin.ts'
import { createPublisher } from './publisher.ts'
import { isRefusal, type Library, type Refusal } from './resource.ts'
import { type Answer, respond } from './respond.ts'
import { createShelf } from './shelf.ts'

/** What an edge serves and how. At least one of `dir`, `origin` and `mounts`; mounts are searched first, the origin last. */
export interface EdgeOptions {
  /** Directory to serve. */
  readonly dir?: string
  /** Base URL of an origin to stand in front of. */
  readonly origin?: string
  readonly originOptions?: Omit<OriginOptions, 'origin' | 'timers'>
  /** Libraries below a path, such as live channels: `{ '/live/demo': channel }`. */
  readonly mounts?: Readonly<Record<string, Library>>
  /** Where a URL is looked up when not at its own path; null: there. See `queryFolder`. */
  readonly map?: (url: URL) => string | null
  /** Path at which the app hangs in another one, cut off before anything else. @default '' */
  readonly basePath?: string
  /** Add digests to playlists, and serve sidecars and block-hash lists. @default true */
  readonly digests?: boolean
  /** Longest time a playlist waits for digests, ms. Raising it delays a first answer. @default 2_000 */
  readonly digestWaitMs?: number
  /** Line of each client address, kbit/s, for labs. `0`: as fast as it goes. @default 0 */
  readonly lineKbps?: number
  /** Entries kept in `log`. @default 100_000 */
  readonly keepLog?: number
  readonly onAccess?: (entry: AccessEntry) => void
  /** Label of a client address in logs. @default a keyed hash that changes with the process */
  readonly labelOf?: (address: string) => string
  readonly timers?: Timers
  /** Wall clock, ms. @default Date.now */
  readonly wallNow?: () => number
}

export interface EdgeServer {
  /** Handles GET, HEAD and OPTIONS of every path. */
  readonly app: Hono
  readonly log: AccessLog
  /** Trouble for the requests to come; null: none. */
  setFault(hook: FaultHook | null): void
  /** Changes the line of each address, kbit/s; 0 unmetered. */
  setLine(kbps: number): void
  close(): Promise<void>
}

export function createEdge(options: EdgeOptions): EdgeServer {
  const timers = options.timers ?? systemTimers
  const wallNow = options.wallNow ?? Date.now
  const labelOf = options.labelOf ?? createClientLabels()
  const log = createAccessLog(options.keepLog ?? 100_000, options.onAccess)
  const libraries: Record<string, Library> = {}
  if (options.dir !== undefined) libraries['dir'] = createDirectory(options.dir)
  if (options.origin !== undefined) {
    libraries['origin'] = createOrigin({ ...options.originOptions, origin: options.origin, timers })
  }
  const shelf = createShelf({
    mounts: options.mounts ?? {},
    rest: Object.values(libraries),
    map: options.map ?? (() => null),
  })
  const publisher = createPublisher({
    shelf,
    store: createDigestStore(),
    timers,
    digests: options.digests ?? true,
    waitMs: options.digestWaitMs ?? 2_000,
    local: options.origin === undefined,
    ...(options.origin !== undefined && { origin: options.origin }),
  })
  let meter = options.lineKbps ? createLineMeter(options.lineKbps, timers) : null
  let faults: FaultHook | null = null
  const app = new Hono()

  app.on(['GET', 'HEAD', 'OPTIONS'], '*', async context => {
    const request = context.req.raw
    const started = timers.now()
    const at = wallNow()
    const url = new URL(request.url)
    const path = url.pathname + url.search
    if (options.basePath) url.pathname = url.pathname.slice(options.basePath.length) || '/'
    const address = addressOf(context)
    const client = labelOf(address)
    const range = request.headers.get('range')
    const { method } = request

    const fault = faults?.({ path, method, range, client: address }) ?? null
    let answer = await answerOf(url, request, fault)
    if (fault) answer = spoil(answer, fault)
    if (answer.body && meter) answer = { ...answer, body: meter.slow(answer.body, address) }

    for (const [name, value] of corsHeaders) answer.headers.set(name, value)
    const { status, headers } = answer
    let bytes = 0
    const finish = (end: AccessEntry['end']) => {
      const ms = Math.round(timers.now() - started)
      log.add({ at, method, path, range: range ?? '', status, bytes, client, ms, end })
    }
    if (!answer.body) finish('complete')
    const body =
      answer.body &&
      stageBody(answer.body, {
        onChunk(chunk) {
          bytes += chunk.length
          return chunk
        },
        onEnd: finish,
      })
    const outgoing = outgoingOf(context)
    const sent = body && outgoing ? severBody(body, () => outgoing.destroy()) : body
    return new Response(sent as ReadableStream<Uint8Array<ArrayBuffer>> | null, { status, headers })
  })
  app.all('*', context => context.text('method not allowed\n', 405, { Allow: 'GET, HEAD, OPTIONS' }))

  async function answerOf(url: URL, request: Request, fault: Fault | null): Promise<Answer> {
    if (request.method === 'OPTIONS') return preflight(request.headers)
    if (fault?.type === 'status') return refusal(fault.status, fault.headers)
    if (fault?.type === 'delay') await new Promise<void>(resolve => timers.after(fault.ms, resolve))
    const head = request.method === 'HEAD'
    const quest = {
      url,
      range: request.headers.get('range'),
      head,
      acceptEncoding: request.headers.get('accept-encoding'),
      signal: request.signal,
    }
    const found = await publisher.find(quest).catch((): Refusal => ({ status: 500 }))
    if (isRefusal(found)) {
      return refusal(found.status, found.retryAfter === undefined ? {} : { 'Retry-After': found.retryAfter })
    }
    const answer = respond(found, request.headers, head)
    const digest = await publisher.reprDigest(found, request.headers)
    if (digest) answer.headers.set('Repr-Digest', digest)
    return answer
  }

  return {
    app,
    log,
    setFault(hook) {
      faults = hook
    },
    setLine(kbps) {
      meter = kbps > 0 ? createLineMeter(kbps, timers) : null
    },
    async close() {
      await Promise.all(
        [...Object.values(libraries), ...Object.values(options.mounts ?? {})].map(each => each.close?.()),
      )
    },
  }
}

function refusal(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = new TextEncoder().encode(`${status}\n`)
  return {
    status,
    headers: new Headers({ 'Content-Type': 'text/plain', 'Cache-Control': 'no-store', ...headers }),
    body: sliceBody(new Blob([text]).stream(), text.length),
  }
}

/** '' when the app runs without a socket, as in tests. */
function addressOf(context: Context): string {
  const env = context.env as Partial<HttpBindings> | undefined
  if (!env?.incoming) return ''
  // An IPv4 client of a dual-stack socket is the same client.
  return (getConnInfo(context).remote.address ?? '').replace(/^::ffff:/i, '')
}

/** null when the app runs without a socket. */
function outgoingOf(context: Context): HttpBindings['outgoing'] | null {
  return (context.env as Partial<HttpBindings> | undefined)?.outgoing ?? null
}
