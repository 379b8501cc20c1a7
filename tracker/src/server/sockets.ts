import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { signallingLimits } from '@nearcast/peer-core/signalling'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Action, ConnectionId } from '../registry/action.ts'
import type { OpenInfo, Registry } from '../registry/registry.ts'
import {
  createSocketCounters,
  type Ending,
  type SocketCounters,
  type UpgradeRefusal,
} from './socket-counters.ts'
import { createTextWriter, type TextWriter } from './text-frame.ts'

export interface SocketsOptions {
  readonly registry: Registry
  /** Whom a request comes from, and what STUN servers to tell them; null refuses the upgrade. */
  readonly identify: (request: IncomingMessage) => OpenInfo | null
  /** Takes what is for none of these sockets, and tokens to look at. */
  readonly elsewhere?: (action: Action) => void
  /** Bytes that may wait for a reader before it is cut off. @default 262144 */
  readonly backlogBytes?: number
  /** How often a quiet socket is asked whether it lives, ms. @default 30000 */
  readonly pingMs?: number
}

/** WebSockets for the registry: frames in, actions out, and nothing decided here. */
export interface Sockets {
  /** For an http server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  perform(actions: readonly Action[]): void
  /** Asks some of the sockets whether they live, and cuts those that did not answer. Call it once a second. */
  pingSome(): void
  /** Ids of those open now. */
  ids(): readonly ConnectionId[]
  /** Answers an upgrade that may not be taken. */
  turnAway(socket: Duplex, why: 'origin' | 'token'): void
  /** From now on upgrades are answered 503, with the hint to come back after so many seconds. */
  refuse(retryAfterSeconds: number): void
  /** Ends one because the tracker restarts (1012); the client comes back by itself. False when it is gone. */
  release(id: ConnectionId): boolean
  readonly counters: Readonly<SocketCounters>
  readonly size: number
  close(): Promise<void>
}

interface Seat {
  readonly id: ConnectionId
  readonly socket: WebSocket
  readonly writer: TextWriter
  /** Seconds-slot in which it is pinged, so that pings spread evenly. */
  readonly slot: number
  heard: boolean
  /** Why we ended it; null while we did not. */
  ending: Ending | null
}

/** How long a socket that we closed may take to say so itself, ms. Who never reads never does; `ws` waits 30 s. */
const closeTimeoutMs = 5_000

export function createSockets(options: SocketsOptions): Sockets {
  const { registry, identify, backlogBytes = 262_144, pingMs = 30_000 } = options
  const seats = new Map<ConnectionId, Seat>()
  const slots = Math.max(1, Math.round(pingMs / 1000))
  let lastId = 0
  let second = 0
  /** Seconds after which to come back, once upgrades are refused. */
  let retryAfter: number | null = null
  const counters = createSocketCounters()
  const server = new WebSocketServer({
    noServer: true,
    // Compression costs 1.7 times the CPU for messages that hardly shrink; the registry does the tracking.
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: signallingLimits.frameBytes,
    // The package's types do not know it yet.
    ...{ closeTimeout: closeTimeoutMs },
  })
  server.on('wsClientError', (_error, socket) => refuseUpgrade(socket, 'handshake'))

  function seat(socket: WebSocket, stream: Duplex, request: IncomingMessage): void {
    const info = identify(request)
    if (info === null) {
      counters.refused.address++
      return socket.terminate()
    }
    counters.accepted++
    const id = ++lastId
    const writer = createTextWriter(socket, stream)
    const entry: Seat = { id, socket, writer, slot: id % slots, heard: true, ending: null }
    seats.set(id, entry)
    socket.on('message', (data, isBinary) => {
      entry.heard = true
      // The protocol is text. 1003: a kind of data that cannot be accepted.
      if (isBinary) {
        entry.ending ??= 'binary'
        return socket.close(1003, 'text frames only')
      }
      perform(registry.message(id, data.toString()))
    })
    socket.on('pong', () => {
      entry.heard = true
      perform(registry.pong(id))
    })
    // Protocol errors (too large, bad UTF-8, unmasked) come here; ws closes with the right code by itself.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('WS_ERR')) entry.ending ??= 'protocol'
    })
    socket.on('close', () => {
      counters.ended[entry.ending ?? 'client']++
      seats.delete(id)
      perform(registry.close(id))
    })
    perform(registry.open(id, info))
  }

  function perform(actions: readonly Action[]): void {
    for (const action of actions) {
      const entry = seats.get(action.to)
      if (entry === undefined || action.type === 'verify') {
        options.elsewhere?.(action)
        continue
      }
      if (entry.socket.readyState !== entry.socket.OPEN) continue
      const { socket } = entry
      switch (action.type) {
        case 'send':
          // A reader that never reads would otherwise cost hundreds of megabytes.
          if (entry.writer.write(action.message) > backlogBytes) {
            entry.ending ??= 'backlog'
            socket.terminate()
          }
          break
        case 'close':
          entry.ending ??= 'rules'
          socket.close(action.code, action.reason)
          break
        case 'ping':
          socket.ping()
          break
      }
    }
  }

  function release(id: ConnectionId): boolean {
    const entry = seats.get(id)
    if (entry === undefined) return false
    entry.ending ??= 'drain'
    // 1012: the service restarts; clients come back by themselves.
    entry.socket.close(1012, 'the tracker restarts')
    return true
  }

  function refuseUpgrade(socket: Duplex, why: UpgradeRefusal): void {
    counters.refused[why]++
    const status = refusalStatus[why]
    const hint = why === 'draining' ? `Retry-After: ${retryAfter}\r\n` : ''
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n${hint}Content-Length: 0\r\n\r\n`)
  }

  return {
    upgrade(request, socket, head) {
      if (retryAfter !== null) return refuseUpgrade(socket, 'draining')
      server.handleUpgrade(request, socket, head, webSocket => seat(webSocket, socket, request))
    },
    perform,
    pingSome() {
      second++
      for (const entry of seats.values()) {
        if (entry.slot !== second % slots) continue
        if (!entry.heard) {
          entry.ending ??= 'silence'
          entry.socket.terminate()
        }
        entry.heard = false
        if (entry.socket.readyState === entry.socket.OPEN) entry.socket.ping()
      }
    },
    turnAway: refuseUpgrade,
    ids: () => [...seats.keys()],
    refuse(seconds) {
      retryAfter = seconds
    },
    release,
    counters,
    get size() {
      return seats.size
    },
    async close() {
      retryAfter ??= 10
      for (const id of [...seats.keys()]) release(id)
      const deadline = Date.now() + 1_000
      while (seats.size > 0 && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20))
      for (const { socket } of seats.values()) socket.terminate()
      server.close()
    },
  }
}

const refusalStatus: Record<UpgradeRefusal, string> = {
  draining: '503 Service Unavailable',
  address: '400 Bad Request',
  handshake: '400 Bad Request',
  origin: '403 Forbidden',
  token: '401 Unauthorized',
}

/** Connects an http server's upgrades. Returns how to undo it. */
export function attachSockets(server: Server, upgrade: Sockets['upgrade']): () => void {
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until ws takes over, an aborted handshake must not throw.
    socket.on('error', () => socket.destroy())
    upgrade(request, socket, head)
  }
  server.on('upgrade', onUpgrade)
  return () => server.off('upgrade', onUpgrade)
}
