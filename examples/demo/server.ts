import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { EdgeServer } from '@nearcast/edge-fallback/server'
import { createTracker, stunBeside, type Tracker, TrackerError } from '@nearcast/tracker'
import { Hono } from 'hono'
import { createCopyCounter } from './copies.ts'
import { DemoError } from './demo-error.ts'
import { edgeOf, streamsOf } from './media-source.ts'
import type { DemoOptions } from './options.ts'
import type { Catalogue, Stream } from './page/catalogue.ts'
import { bundlePage } from './page-bundle.ts'
import { belongsTo, isMediaPath } from './stream-paths.ts'

/** The demo, serving. */
export interface Demo {
  /** Of the page, as a browser on this machine reaches it. */
  readonly url: string
  /** Of the tracker. */
  readonly announce: string
  readonly port: number
  readonly streams: readonly Stream[]
  readonly edge: EdgeServer
  readonly tracker: Tracker
  /** Stops everything; may be called twice. */
  close(): Promise<void>
}

const announcePath = '/announce'

/**
 * Tracker, STUN, edge and page in one process on one port number.
 * @throws DemoError with what to do when it cannot
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const streams = await streamsOf(options.media)
  const page = await bundlePage()
  const tracker = await createTrackerFor(options.sites)
  const counter = createCopyCounter()
  const edge = await edgeOf(options.media, (path, from, bytes) => {
    if (isMediaPath(path)) counter.add({ path, from, bytes, at: performance.now() })
  })

  const app = new Hono()
  for (const [path, { type, body }] of page) {
    app.get(path, context => context.body(body, 200, { 'Content-Type': type, 'Cache-Control': 'no-cache' }))
  }
  app.get('/demo/catalogue.json', context => context.json({ announcePath, streams } satisfies Catalogue))
  app.get('/demo/copies', context => {
    const stream = streams.find(({ name }) => name === context.req.query('stream'))
    return context.json({ copies: stream ? counter.copies(performance.now(), belongsTo(stream)) : null })
  })
  app.get('/healthz', context => tracker.app.fetch(context.req.raw))
  app.route('/', edge.app)

  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
  const closeServers = async () => {
    await Promise.all([tracker.close(), edge.close()])
    await closeServer(server)
  }
  try {
    const { bound, stun } = await stunBeside({
      port: options.port,
      listen: () => listen(server, options),
      close: () => closeServer(server),
    }).catch(error => {
      if (error instanceof DemoError) throw error
      const problem = `UDP port ${options.port}, which STUN needs, cannot be had.`
      throw new DemoError('port-taken', problem, otherPort(options.port), error)
    })
    tracker.attach(server)
    tracker.announceStun(stun.port)
    const host = hostName(bound)
    return {
      url: `http://${host}:${bound.port}/`,
      announce: `ws://${host}:${bound.port}${announcePath}`,
      port: bound.port,
      streams,
      edge,
      tracker,
      close: async () => {
        await Promise.all([stun.close().catch(() => {}), closeServers()])
      },
    }
  } catch (error) {
    await closeServers()
    throw error
  }
}

async function createTrackerFor(sitesFile: string | null): Promise<Tracker> {
  if (sitesFile === null) return createTracker()
  const sites = await readFile(sitesFile, 'utf8').catch(error => {
    throw new DemoError('no-sites', `The site file ${sitesFile} cannot be read.`, siteRemedy, error)
  })
  try {
    return createTracker({ sites })
  } catch (error) {
    if (!(error instanceof TrackerError) || error.reason !== 'bad-sites') throw error
    throw new DemoError('bad-sites', `${sitesFile}: ${error.message}`, siteRemedy, error)
  }
}

const siteRemedy = 'Give --sites a CSV with the columns site,cidr,mode,wan,uploadKbps.'

function listen(server: Server, { port, host }: DemoOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port, host)))
    server.listen(port, host ?? undefined, () => resolve(server.address() as AddressInfo))
  })
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string | null): DemoError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new DemoError('port-taken', `Port ${port} is taken by another program.`, otherPort(port), error)
    case 'EACCES':
      return new DemoError('port-forbidden', `Port ${port} needs privileges.`, otherPort(8080 - 1), error)
    default:
      return new DemoError(
        'bad-address',
        `Cannot listen on ${host ?? 'this machine'}, port ${port}: ${error.message}.`,
        'Give --host an address of this machine.',
        error,
      )
  }
}

function otherPort(port: number): string {
  return `Choose another: npm start -- --port ${port < 65_535 ? port + 1 : 8081}`
}

/** A name under which a browser on this machine gets there; localhost is a secure context, an address is not. */
function hostName({ address, family }: AddressInfo): string {
  if (['::', '0.0.0.0', '127.0.0.1', '::1'].includes(address)) return 'localhost'
  return family === 'IPv6' ? `[${address}]` : address
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
