import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { stunBeside } from '../stun/stun-beside.ts'
import type { StunServer } from '../stun/stun-server.ts'
import { TrackerError } from '../tracker-error.ts'
import { createTracker, type Tracker, type TrackerOptions } from './tracker.ts'

export interface ListenOptions extends TrackerOptions {
  /** TCP port of HTTP and WebSocket, and UDP port of STUN; 0 takes any free one. @default 8080 */
  readonly port?: number
  /** Address to listen on. @default all */
  readonly host?: string
  /** Whether STUN answers on UDP. @default true */
  readonly withStun?: boolean
}

export interface ListeningTracker {
  readonly tracker: Tracker
  readonly port: number
  /** Where clients announce. */
  readonly url: string
  close(): Promise<void>
}

/** The tracker alone: HTTP, WebSocket and STUN on one port number. */
export async function listenTracker(options: ListenOptions = {}): Promise<ListeningTracker> {
  const tracker = createTracker(options)
  const server = createServer(getRequestListener(tracker.app.fetch))
  tracker.attach(server)
  const closeAll = async (stun: StunServer | null) => {
    await Promise.all([tracker.close(), stun?.close()])
    await closeServer(server)
  }
  try {
    const { bound, stun } = await bind(server, options)
    if (stun !== null) tracker.announceStun(stun.port)
    return {
      tracker,
      port: bound.port,
      url: `ws://${nameOf(bound)}:${bound.port}`,
      close: () => closeAll(stun),
    }
  } catch (error) {
    await closeAll(null)
    throw error
  }
}

async function bind(
  server: Server,
  { port = 8080, host, withStun = true }: ListenOptions,
): Promise<{ readonly bound: AddressInfo; readonly stun: StunServer | null }> {
  if (!withStun) return { bound: await listen(server, port, host), stun: null }
  return stunBeside({ port, listen: () => listen(server, port, host), close: () => closeServer(server) })
}

function listen(server: Server, port: number, host: string | undefined): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(explain(error, port, host))
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') reject(new Error('the server has no address'))
      else resolve(bound)
    })
  })
}

function explain(error: NodeJS.ErrnoException, port: number, host: string | undefined): TrackerError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new TrackerError(
        'port-taken',
        `port ${port} is taken: stop what listens there, or choose another with --port`,
        error,
      )
    case 'EACCES':
      return new TrackerError(
        'port-forbidden',
        `port ${port} needs privileges: choose one above 1023 with --port`,
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new TrackerError(
        'bad-address',
        `"${host}" is no address of this machine: give another with --host`,
        error,
      )
    default:
      return new TrackerError('listen', `cannot listen on port ${port}: ${error.message}`, error)
  }
}

/** A name under which a client on this machine reaches what listens there. */
function nameOf({ address, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return 'localhost'
  return family === 'IPv6' ? `[${address}]` : address
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
