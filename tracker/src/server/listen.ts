import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { stunMetrics } from '../metrics/tracker-metrics.ts'
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
  /** A port for `/metrics` alone, which the other then does not have; `/healthz` and `/readyz` answer on both. @default none */
  readonly metricsPort?: { readonly port: number /** @default '127.0.0.1' */; readonly host?: string }
  /** Time to send the head of a request, which every upgrade is, ms. Who sends it slowly costs a socket so long. @default 10000 */
  readonly headersMs?: number
}

export interface ListeningTracker {
  readonly tracker: Tracker
  readonly port: number
  /** Where clients announce. */
  readonly url: string
  /** Of the metrics, when they have their own. */
  readonly metricsPort: number | null
  close(): Promise<void>
}

/** The tracker alone: HTTP, WebSocket and STUN on one port number. */
export async function listenTracker(options: ListenOptions = {}): Promise<ListeningTracker> {
  const { metricsPort, metrics, headersMs } = options
  const tracker = createTracker({ ...options, ...(metricsPort && { metrics: { access: 'off' } }) })
  const started = tracker.readiness.hold('starting')
  const server = createHttpServer(tracker.app, headersMs)
  const admin = metricsPort ? createHttpServer(tracker.adminApp(metrics ?? {}), headersMs) : null
  tracker.attach(server)
  const closeAll = async (stun: StunServer | null) => {
    await Promise.all([tracker.close(), stun?.close()])
    await Promise.all([closeServer(server), admin && closeServer(admin)])
  }
  try {
    const { bound, stun } = await bind(server, options)
    if (stun !== null) {
      tracker.announceStun(stun.port)
      tracker.metrics.add(stunMetrics(stun.counters))
    }
    const adminBound =
      admin && metricsPort
        ? await listen(admin, metricsPort.port, metricsPort.host ?? '127.0.0.1', 'metrics-').catch(
            async error => {
              await stun?.close()
              throw error
            },
          )
        : null
    started()
    return {
      tracker,
      port: bound.port,
      url: `ws://${nameOf(bound)}:${bound.port}`,
      metricsPort: adminBound?.port ?? null,
      close: () => closeAll(stun),
    }
  } catch (error) {
    await closeAll(null)
    throw error
  }
}

/** Slow or silent requests end by themselves; Node's own limits are a minute and five. */
function createHttpServer(app: Hono, headersMs = 10_000): Server {
  return createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: 2 * headersMs,
      connectionsCheckingInterval: Math.min(1_000, headersMs),
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  )
}

async function bind(
  server: Server,
  { port = 8080, host, withStun = true }: ListenOptions,
): Promise<{ readonly bound: AddressInfo; readonly stun: StunServer | null }> {
  if (!withStun) return { bound: await listen(server, port, host), stun: null }
  return stunBeside({ port, listen: () => listen(server, port, host), close: () => closeServer(server) })
}

/**
 * Connections that may wait while we are busy. Node's 511 overflow when the viewers of another machine arrive within
 * seconds, and whoever is dropped tries again after one second, then three, then seven. The kernel has a limit of its
 * own (`net.core.somaxconn`).
 */
const backlog = 16_384

/** `prefix`: of the flags that name the port and the host. */
function listen(server: Server, port: number, host: string | undefined, prefix = ''): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(explain(error, port, host, prefix))
    server.once('error', onError)
    server.listen({ port, host, backlog }, () => {
      server.off('error', onError)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') reject(new Error('the server has no address'))
      else resolve(bound)
    })
  })
}

function explain(
  error: NodeJS.ErrnoException,
  port: number,
  host: string | undefined,
  prefix: string,
): TrackerError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new TrackerError(
        'port-taken',
        `port ${port} is taken: stop what listens there, or choose another with --${prefix}port`,
        error,
      )
    case 'EACCES':
      return new TrackerError(
        'port-forbidden',
        `port ${port} needs privileges: choose one above 1023 with --${prefix}port`,
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new TrackerError(
        'bad-address',
        `"${host}" is no address of this machine: give another with --${prefix}host`,
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
