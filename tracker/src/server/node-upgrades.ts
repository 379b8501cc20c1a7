import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { signallingLimits } from '@nearcast/peer-core/signalling'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Admission } from '../access/gate.ts'
import type { Grant } from '../access/grant.ts'
import type { OpenInfo } from '../registry/registry.ts'
import { type Caller, callerOf } from './caller.ts'
import type { UpgradeRefusal } from './socket-counters.ts'
import type { Sockets, Wire } from './sockets.ts'
import { TextFrames } from './text-frames.ts'

/** Who may have a socket, and who that is. */
export interface Doorkeeper {
  /** A promise only when a token must be looked at. */
  admit(caller: Caller): Admission | Promise<Admission>
  /** Null: the address cannot be read. */
  identify(caller: Caller, grant: Grant | null): OpenInfo | null
}

/** How long a socket that we closed may take to say so itself, ms. Who never reads never does; `ws` waits 30 s. */
const closeTimeoutMs = 5_000

export interface NodeUpgrades {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Takes the upgrades of an http server. Returns how to undo it. */
  attach(server: Server): () => void
}

/** Upgrades of Node's http server go to `ws`, and from there to the sockets. */
export function createNodeUpgrades(sockets: Sockets, { admit, identify }: Doorkeeper): NodeUpgrades {
  const server = new WebSocketServer({
    noServer: true,
    // Compression costs 1.7 times the CPU for messages that hardly shrink; the registry does the tracking.
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: signallingLimits.frameBytes,
    // The package's types do not know it yet.
    ...{ closeTimeout: closeTimeoutMs },
  })
  const frames = new TextFrames()
  server.on('wsClientError', (_error, socket) => turnAway(socket, 'handshake'))

  function turnAway(socket: Duplex, why: UpgradeRefusal): void {
    const { status, words, headers } = sockets.turnAway(why)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(
      `HTTP/1.1 ${status} ${words}\r\nConnection: close\r\n${lines.join('')}Content-Length: 0\r\n\r\n`,
    )
  }

  function open(webSocket: WebSocket, stream: Duplex, caller: Caller, grant: Grant | null): void {
    const info = identify(caller, grant)
    if (info === null) {
      sockets.turnAway('address')
      return webSocket.terminate()
    }
    const seat = sockets.seat(wireOf(webSocket, stream, frames), info)
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) seat.heardBinary()
      else seat.heard(data.toString())
    })
    webSocket.on('pong', () => seat.heardPong())
    // Protocol errors (too large, bad UTF-8, unmasked) come here; ws closes with the right code by itself.
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('WS_ERR')) seat.broke()
    })
    webSocket.on('close', () => seat.gone())
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const caller = callerOf(request)
    const admission = admit(caller)
    const go = (admitted: Admission) => {
      if (socket.destroyed) return
      if (!admitted.ok) return turnAway(socket, admitted.status === 401 ? 'token' : 'origin')
      if (sockets.retryAfter !== null) return turnAway(socket, 'draining')
      server.handleUpgrade(request, socket, head, webSocket =>
        open(webSocket, socket, caller, admitted.grant),
      )
    }
    if (admission instanceof Promise) void admission.then(go)
    else go(admission)
  }

  return {
    upgrade,
    attach(httpServer) {
      const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        // Until ws takes over, an aborted handshake must not throw.
        socket.on('error', () => socket.destroy())
        upgrade(request, socket, head)
      }
      httpServer.on('upgrade', onUpgrade)
      return () => httpServer.off('upgrade', onUpgrade)
    },
  }
}

export function wireOf(socket: WebSocket, stream: Duplex, frames: TextFrames): Wire {
  return {
    get isOpen() {
      return socket.readyState === socket.OPEN
    },
    send(texts) {
      const written = frames.write(texts)
      // Behind what waits already nothing larger than itself may wait, or a stalled reader would cost a hundred times its backlog.
      const isStalled = stream.writableLength > 0
      stream.write(isStalled ? Buffer.from(written) : written)
      const waiting = stream.writableLength
      if (waiting > 0 && !isStalled) frames.keep(written)
      return waiting
    },
    ping: () => socket.ping(),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  }
}
