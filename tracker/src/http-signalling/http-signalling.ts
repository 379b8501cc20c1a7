import { randomBytes } from 'node:crypto'
import { signallingLimits } from '@nearcast/peer-core/signalling'
import type { Context, MiddlewareHandler } from 'hono'
import type { Admission } from '../access/gate.ts'
import type { Grant } from '../access/grant.ts'
import type { Action, ConnectionId } from '../registry/action.ts'
import type { OpenInfo, Registry } from '../registry/registry.ts'
import { type Caller, callerIn } from '../server/caller.ts'
import { createSocketCounters, type Ending, type SocketCounters } from '../server/socket-counters.ts'
import { HttpSession } from './http-session.ts'

export interface HttpSignallingOptions {
  readonly registry: Registry
  /** Whether this request may open a session. */
  readonly admit: (caller: Caller) => Admission | Promise<Admission>
  readonly allowsOrigin: (origin: string | undefined) => boolean
  /** Whom a request comes from; null refuses it. */
  readonly identify: (caller: Caller, grant: Grant | null) => OpenInfo | null
  /** Performs what the registry wants, on whatever connection. */
  readonly perform: (actions: readonly Action[]) => void
  /** Monotonic ms. */
  readonly now: () => number
  /** Bytes that may wait for a reader before it is cut off. @default 262144 */
  readonly backlogBytes?: number
  /** How long a client may be without a stream, and without a word, ms. @default 45000 */
  readonly silenceMs?: number
}

/**
 * The same tracker for networks that block WebSockets: `POST …/signal` opens a session, `GET …/signal/KEY` is the
 * stream of what it hears, `POST …/signal/KEY` says something. Any path may stand before `/signal`, as for WebSockets.
 */
export interface HttpSignalling {
  readonly routes: MiddlewareHandler
  /** Performs what is for one of these sessions. */
  perform(action: Action): void
  /** Keeps streams alive and ends sessions that fell silent. Call it once a second. */
  tend(): void
  ids(): readonly ConnectionId[]
  refuse(retryAfterSeconds: number): void
  /** Ends one because the tracker restarts. False when it is gone. */
  release(id: ConnectionId): boolean
  readonly counters: Readonly<SocketCounters>
  readonly size: number
  close(): void
}

/** Seconds between comments on a quiet stream: proxies cut what is quiet for 30 to 60 s. */
const beatEvery = 15
/** Seconds between pings, each of which the client answers by a request. */
const pingEvery = 30
/** How long the news that a session is over waits for a client to fetch it, ms. */
const epitaphMs = 30_000

export function createHttpSignalling(options: HttpSignallingOptions): HttpSignalling {
  const { registry, admit, allowsOrigin, identify, perform, now, backlogBytes = 262_144 } = options
  const { silenceMs = 45_000 } = options
  const byKey = new Map<string, HttpSession>()
  const byId = new Map<ConnectionId, HttpSession>()
  const counters = createSocketCounters()
  let retryAfter: number | null = null
  /** Counts down: the WebSockets' ids count up, so that none is given twice. */
  let lastId = 0
  let second = 0

  const routes: MiddlewareHandler = async (c, next) => {
    const match = /\/signal(?:\/([\w-]{22}))?$/.exec(c.req.path)
    if (match === null) return next()
    const origin = c.req.header('origin')
    if (!allowsOrigin(origin)) {
      counters.refused.origin++
      return c.text('this page may not use this tracker\n', 403)
    }
    if (origin !== undefined) {
      c.header('Access-Control-Allow-Origin', origin)
      c.header('Vary', 'Origin')
    }
    c.header('Cache-Control', 'no-store')
    const { method } = c.req
    if (method === 'OPTIONS') return preflight(c)
    const key = match[1]
    if (method === 'POST' && key === undefined) return open(c)
    const session = key === undefined ? undefined : byKey.get(key)
    if (session === undefined) return c.text('no such session\n', 404)
    if (method === 'GET') return listen(c, session)
    return method === 'POST' ? take(c, session) : c.text('GET or POST\n', 405)
  }

  async function open(c: Context): Promise<Response> {
    const caller = callerIn(c.env)
    if (retryAfter !== null || caller === null) {
      counters.refused.draining++
      c.header('Retry-After', String(retryAfter ?? 10))
      return c.text('the tracker restarts\n', 503)
    }
    const admission = await admit(caller)
    if (!admission.ok) {
      counters.refused.token++
      return c.text(`${admission.reason}\n`, admission.status)
    }
    const info = identify(caller, admission.grant)
    if (info === null) {
      counters.refused.address++
      return c.text('whose request is this?\n', 400)
    }
    counters.accepted++
    const session = new HttpSession(--lastId, randomBytes(16).toString('base64url'), backlogBytes, now())
    byKey.set(session.key, session)
    byId.set(session.id, session)
    perform(registry.open(session.id, info))
    // Nobody keeps a session that ended as it began: it would cost memory, and no socket.
    if (session.hasEnded) {
      byKey.delete(session.key)
      c.header('Retry-After', '60')
      return c.text('too many connections from one address\n', 429)
    }
    // For balancers that learn from it where the session lives; see examples/tracker-deployment/haproxy.cfg.
    c.header('Location', `signal/${session.key}`)
    return c.json({ session: session.key }, 201)
  }

  function listen(c: Context, session: HttpSession): Response {
    const after = wholeOf(c.req.header('last-event-id') ?? c.req.query('after'))
    const stream = session.listen(after, c.req.query('once') !== undefined, () => {
      session.heardAt = now()
    })
    if (stream === null) {
      end(session, 'protocol')
      return c.text('what you missed is gone\n', 410)
    }
    return c.body(stream, 200, {
      'Content-Type': 'text/event-stream',
      // A proxy that compresses or stores would hold events back; nginx is told by a header of its own.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    })
  }

  async function take(c: Context, session: HttpSession): Promise<Response> {
    const length = Number(c.req.header('content-length') ?? Number.NaN)
    // Requests of browsers always say; one that does not might never end.
    if (!(length <= signallingLimits.frameBytes)) return c.text('64 KiB at most\n', 413)
    const body = await c.req.text()
    if (session.hasEnded) return c.text('no such session\n', 404)
    session.heardAt = now()
    session.acknowledge(wholeOf(c.req.query('ack')))
    const batch = wholeOf(c.req.query('n'))
    if (c.req.query('pong') !== undefined) perform(registry.pong(session.id))
    if (batch > session.lastBatch) {
      session.lastBatch = batch
      for (const text of body.split('\n')) {
        if (text !== '' && !session.hasEnded) perform(registry.message(session.id, text))
      }
    }
    if (c.req.query('bye') !== undefined) end(session, 'client')
    return c.body(null, 204)
  }

  function end(session: HttpSession, why: Ending): void {
    if (!byId.delete(session.id)) return
    counters.ended[why]++
    byKey.delete(session.key)
    session.close()
    perform(registry.close(session.id))
  }

  /** Ends it in words that the client is still to hear. */
  function farewell(session: HttpSession, why: Ending, code: number, reason: string): void {
    if (!byId.delete(session.id)) return
    counters.ended[why]++
    session.end(code, reason)
    setTimeout(() => byKey.delete(session.key), epitaphMs).unref()
    perform(registry.close(session.id))
  }

  function release(id: ConnectionId): boolean {
    const session = byId.get(id)
    if (session === undefined) return false
    farewell(session, 'drain', 1012, 'the tracker restarts')
    return true
  }

  return {
    routes,
    perform(action) {
      const session = byId.get(action.to)
      if (session === undefined || action.type === 'verify') return
      if (action.type === 'close') return farewell(session, 'rules', action.code, action.reason)
      const isRead =
        action.type === 'send' ? session.push('message', action.message) : session.push('ping', '')
      if (!isRead) end(session, 'backlog')
    },
    tend() {
      second++
      const silentSince = now() - silenceMs
      for (const session of byId.values()) {
        const turn = second - session.id
        if (session.heardAt < silentSince) end(session, 'silence')
        else if (turn % pingEvery === 0 && !session.push('ping', '')) end(session, 'backlog')
        else if (turn % beatEvery === 0) session.beat()
      }
    },
    ids: () => [...byId.keys()],
    refuse(seconds) {
      retryAfter = seconds
    },
    release,
    counters,
    get size() {
      return byId.size
    },
    close() {
      retryAfter ??= 10
      for (const id of [...byId.keys()]) release(id)
    },
  }
}

/** Our client needs none: its requests are simple ones. Others may send headers of their own. */
function preflight(c: Context): Response {
  c.header('Access-Control-Allow-Methods', 'GET, POST')
  c.header('Access-Control-Allow-Headers', 'Content-Type, Last-Event-ID')
  c.header('Access-Control-Max-Age', '600')
  return c.body(null, 204)
}

function wholeOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : 0
}
