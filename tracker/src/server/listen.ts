import type { MetricsAccess } from '../metrics/metrics-access.ts'
import { stunMetrics } from '../metrics/tracker-metrics.ts'
import { stunBeside } from '../stun/stun-beside.ts'
import type { StunServer } from '../stun/stun-server.ts'
import { createBunFetch } from './bun-handlers.ts'
import { listenOnBun } from './bun-listener.ts'
import { bun } from './bun-runtime.ts'
import type { Listener, ListenerOptions } from './listener.ts'
import { listenOnNode } from './node-listener.ts'
import { createTracker, type Tracker } from './tracker.ts'
import type { TrackerOptions } from './tracker-options.ts'

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

/** The tracker alone: HTTP, WebSocket and STUN on one port number. Under Bun its own server carries it. */
export async function listenTracker(options: ListenOptions = {}): Promise<ListeningTracker> {
  const { metricsPort, metrics, headersMs = 10_000, port = 8080, host } = options
  const tracker = createTracker({ ...options, ...(metricsPort && { metrics: { access: 'off' } }) })
  const started = tracker.readiness.hold('starting')
  const open: { close(): Promise<void> }[] = []
  const closeAll = async () => {
    await tracker.close()
    await Promise.all(open.map(part => part.close()))
  }
  try {
    const { main, stun } = await bind(options, () => listenMain(tracker, { port, host, headersMs }))
    open.push(main)
    if (stun !== null) {
      open.push(stun)
      tracker.announceStun(stun.port)
      tracker.metrics.add(stunMetrics(stun.counters))
    }
    const admin = metricsPort
      ? await listenAdmin(tracker, metrics ?? {}, {
          port: metricsPort.port,
          host: metricsPort.host ?? '127.0.0.1',
          prefix: 'metrics-',
          headersMs,
        })
      : null
    if (admin !== null) open.push(admin)
    started()
    return {
      tracker,
      port: main.port,
      url: `ws://${nameOf(main)}:${main.port}`,
      metricsPort: admin?.port ?? null,
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function listenMain(tracker: Tracker, where: ListenerOptions): Promise<Listener> {
  return bun === null
    ? listenOnNode(tracker.app, tracker.attach, where)
    : listenOnBun(bun, tracker.forBun(), where)
}

async function listenAdmin(
  tracker: Tracker,
  access: MetricsAccess,
  where: ListenerOptions,
): Promise<Listener> {
  const app = tracker.adminApp(access)
  return bun === null
    ? listenOnNode(app, null, where)
    : listenOnBun(bun, { fetch: createBunFetch(app) }, where)
}

async function bind(
  { port = 8080, withStun = true }: ListenOptions,
  listen: () => Promise<Listener>,
): Promise<{ readonly main: Listener; readonly stun: StunServer | null }> {
  if (!withStun) return { main: await listen(), stun: null }
  const { bound, stun } = await stunBeside({ port, listen, close: main => main.close() })
  return { main: bound, stun }
}

/** A name under which a client on this machine reaches what listens there. */
function nameOf({ address }: Listener): string {
  if (address === '::' || address === '0.0.0.0') return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}
