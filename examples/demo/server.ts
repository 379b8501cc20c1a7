import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { getRequestListener } from '@hono/node-server'
import type { EdgeServer } from '@nearcast/edge-fallback/server'
import { createTracker, stunBeside, type Tracker, TrackerError, type TrackerOptions } from '@nearcast/tracker'
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
  /** Shows the dashboard, signed in. */
  readonly dashboard: string
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
  const adminToken = randomBytes(12).toString('hex')
  const tracker = await createTrackerFor(options.sites, { adminToken })
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
  app.all('/dashboard/*', context => tracker.app.fetch(context.req.raw))
  app.all('/admin/*', context => tracker.app.fetch(context.req.raw))
  // Whoever runs the demo is its administrator; others of the network are not.
  app.get('/demo/dashboard', context => {
    if (context.req.query('key') !== adminToken) return context.text('The link is in the terminal.', 403)
    const body = new URLSearchParams({ token: adminToken })
    return tracker.app.request('/dashboard/session', { method: 'POST', body })
  })
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
    tracker.nameContents(
      namesOf(
        streams,
        [host, ...hostsOf(bound)].map(name => `http://${name}:${bound.port}/`),
      ),
    )
    return {
      url: `http://${host}:${bound.port}/`,
      announce: `ws://${host}:${bound.port}${announcePath}`,
      dashboard: `http://${host}:${bound.port}/demo/dashboard?key=${adminToken}`,
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

async function createTrackerFor(sitesFile: string | null, options: TrackerOptions): Promise<Tracker> {
  if (sitesFile === null) return createTracker(options)
  const sites = await readFile(sitesFile, 'utf8').catch(error => {
    throw new DemoError('no-sites', `The site file ${sitesFile} cannot be read.`, siteRemedy, error)
  })
  try {
    return createTracker({ ...options, sites })
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

/** This machine's other names, for viewers on other machines. */
function hostsOf({ address }: AddressInfo): string[] {
  if (address !== '::' && address !== '0.0.0.0') return []
  return Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).filter(({ family }) => family === 'IPv4').map(each => each.address),
  )
}

/** Titles by what players call the content: the manifest's URL, by whichever name they reached us. */
function namesOf(streams: readonly Stream[], bases: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    bases.flatMap(base => streams.map(({ url, title }) => [new URL(url, base).href, title])),
  )
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
