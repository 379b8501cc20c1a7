import { signallingLimits } from '@nearcast/peer-core/signalling'
import type { Hono } from 'hono'
import type { OpenInfo } from '../registry/registry.ts'
import type { BunFetch, BunServer, BunSocket, BunWebSocketHandlers } from './bun-runtime.ts'
import type { Caller, CallerBindings } from './caller.ts'
import type { Doorkeeper } from './node-upgrades.ts'
import type { UpgradeRefusal } from './socket-counters.ts'
import type { Seat, Sockets, Wire } from './sockets.ts'

/** The same as Node's server and `ws`, for `Bun.serve`: there frames are read and written in native code. */
export interface BunHandlers {
  readonly fetch: BunFetch
  readonly websocket: BunWebSocketHandlers
}

/** What a socket carries: who it is until it opens, its seat from then on. */
interface Data {
  readonly info: OpenInfo
  seat: Seat | null
  state: 'open' | 'gone'
}

/** Seconds for the body of a request that has one. Streams of events may be quiet for as long as they like. */
const bodySeconds = 20

const open = 1

/** @param backlogBytes at which `sockets` cuts a reader off */
export function createBunHandlers(
  app: Hono,
  sockets: Sockets,
  { admit, identify }: Doorkeeper,
  backlogBytes: number,
): BunHandlers {
  const plain = createBunFetch(app)

  async function upgrade(request: Request, server: BunServer): Promise<Response | undefined> {
    const caller = callerOf(request, server)
    const admission = admit(caller)
    const admitted = admission instanceof Promise ? await admission : admission
    if (!admitted.ok) return turnAway(admitted.status === 401 ? 'token' : 'origin')
    if (sockets.retryAfter !== null) return turnAway('draining')
    const info = identify(caller, admitted.grant)
    if (info === null) return turnAway('address')
    const data: Data = { info, seat: null, state: 'open' }
    return server.upgrade(request, { data }) ? undefined : turnAway('handshake')
  }

  function turnAway(why: UpgradeRefusal): Response {
    const { status, words, headers } = sockets.turnAway(why)
    return new Response(null, { status, statusText: words, headers: { ...headers, Connection: 'close' } })
  }

  return {
    fetch(request, server) {
      return request.headers.get('upgrade')?.toLowerCase() === 'websocket'
        ? upgrade(request, server)
        : plain(request, server)
    },
    websocket: {
      maxPayloadLength: signallingLimits.frameBytes,
      // We cut first; until then nothing may be dropped.
      backpressureLimit: 4 * backlogBytes,
      // Who is silent is asked by us, the same way as on Node.
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      open(socket) {
        const data = socket.data as Data
        const seat = sockets.seat(wireOf(socket), data.info)
        data.seat = seat
        // Bun tells of a close within the call that closes, which may be the one above.
        if (data.state === 'gone') seat.gone()
      },
      message(socket, message) {
        const { seat } = socket.data as Data
        if (typeof message === 'string') seat?.heard(message)
        else seat?.heardBinary()
      },
      pong(socket) {
        ;(socket.data as Data).seat?.heardPong()
      },
      close(socket, code, reason) {
        const data = socket.data as Data
        data.state = 'gone'
        // Words that the client cannot have sent, since nobody may send 1006: Bun could not read its frames.
        if (code === 1006 && reason !== '') data.seat?.broke()
        data.seat?.gone()
      },
    },
  }
}

/** HTTP alone. */
export function createBunFetch(app: Hono): BunFetch {
  return (request, server) => {
    server.timeout(request, request.body === null ? 0 : bodySeconds)
    const bindings: CallerBindings = { caller: callerOf(request, server) }
    return app.fetch(request, bindings)
  }
}

function wireOf(socket: BunSocket): Wire {
  return {
    get isOpen() {
      return socket.readyState === open
    },
    send(texts) {
      const [first = ''] = texts
      if (texts.length === 1) socket.sendText(first)
      else
        socket.cork(() => {
          for (const text of texts) socket.sendText(text)
        })
      return socket.getBufferedAmount()
    },
    ping: () => socket.ping(),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  }
}

function callerOf(request: Request, server: BunServer): Caller {
  const { pathname, search } = new URL(request.url)
  return {
    url: pathname + search,
    headers: Object.fromEntries(request.headers),
    remoteAddress: server.requestIP(request)?.address,
  }
}
