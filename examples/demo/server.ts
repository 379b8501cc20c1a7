import { readFile, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  createEdge,
  createLiveChannel,
  type EdgeServer,
  type Library,
  queryFolder,
} from '@nearcast/edge-fallback/server'
import { createStunServer, createTracker, type Tracker } from '@nearcast/tracker'
import { Hono } from 'hono'
import { createCopyCounter } from './copies.ts'
import { DemoError } from './demo-error.ts'
import type { DemoOptions } from './options.ts'
import type { Catalogue, Stream } from './page/catalogue.ts'
import { bundlePage } from './page-bundle.ts'
import { findStreams } from './playlists.ts'
import { loadSamples, mediaDir, sampleStreams } from './samples.ts'
import { belongsTo, firstByte, isMediaPath } from './stream-paths.ts'

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
  const sites = options.sites === null ? {} : { sites: await readSites(options.sites) }
  const streams = await streamsOf(options.media)
  const page = await bundlePage()
  const tracker = createTracker(sites)
  const counter = createCopyCounter()
  const edge = await createEdgeFor(options.media, (path, from, bytes) => {
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
    const bound = await listen(server, options)
    tracker.attach(server)
    const stun = await createStunServer({ port: bound.port, host: bound.address }).catch(error => {
      throw new DemoError(
        'port-taken',
        `UDP port ${bound.port}, which STUN needs, is taken.`,
        otherPort(bound.port),
        error,
      )
    })
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

/** What the page can play, and a clear error when there is nothing. */
async function streamsOf(media: DemoOptions['media']): Promise<readonly Stream[]> {
  switch (media.type) {
    case 'samples':
      return sampleStreams(await loadSamples())
    case 'dir': {
      const info = await stat(media.dir).catch(() => null)
      if (!info?.isDirectory()) {
        throw new DemoError(
          'no-such-dir',
          `There is no folder ${media.dir}.`,
          'Give --dir the folder that holds your playlists.',
        )
      }
      const streams = await findStreams(media.dir)
      if (streams.length > 0) return streams
      throw new DemoError(
        'no-playlist',
        `There is no HLS playlist in ${media.dir}: looked for files named *.m3u8, up to six folders down.`,
        'Give --dir the folder that holds your playlists, or leave it out for the samples.',
      )
    }
    case 'origin': {
      const { pathname, search } = new URL(media.url)
      const name = pathname.split('/').pop() ?? ''
      if (!/\.m3u8$/i.test(name)) return []
      return [{ name, title: media.url, url: pathname + search, live: await isLive(media.url) }]
    }
  }
}

/** Also tells whether the origin is there at all. */
async function isLive(manifest: string): Promise<boolean> {
  const remedy = 'Check the URL given to --origin, and that this machine reaches it.'
  const read = async (url: string) => {
    const response = await fetch(url, { signal: AbortSignal.timeout(8_000) }).catch(error => {
      throw new DemoError('origin-unreachable', `${url} does not answer.`, remedy, error)
    })
    if (!response.ok)
      throw new DemoError('origin-unreachable', `${url} answers HTTP ${response.status}.`, remedy)
    return response.text()
  }
  const text = await read(manifest)
  const variant = /#EXT-X-STREAM-INF[^\n]*\n([^#\s][^\n]*)/.exec(text)?.[1]?.trim()
  const media = variant ? await read(new URL(variant, manifest).href) : text
  return media.includes('#EXTINF') && !media.includes('#EXT-X-ENDLIST')
}

async function createEdgeFor(
  media: DemoOptions['media'],
  onSent: (path: string, from: number, bytes: number) => void,
): Promise<EdgeServer> {
  const onAccess = ({
    path,
    range,
    status,
    bytes,
  }: {
    path: string
    range: string
    status: number
    bytes: number
  }) => {
    if (status === 200 || status === 206) onSent(path, firstByte(range, status), bytes)
  }
  switch (media.type) {
    case 'samples':
      return createEdge({ dir: mediaDir, mounts: await liveChannels(), map: queryFolder('id'), onAccess })
    case 'dir':
      return createEdge({ dir: media.dir, onAccess })
    case 'origin':
      return createEdge({ origin: new URL(media.url).origin, onAccess })
  }
}

/** An endless channel over each sample that has one, at `/live/NAME`. */
async function liveChannels(): Promise<Record<string, Library>> {
  const samples = (await loadSamples()).filter(sample => sample.live)
  const channels = samples.map(async ({ name, master }) => {
    const channel = await createLiveChannel({ playlist: `${mediaDir}/${master}` })
    return [`/live/${name}`, channel] as const
  })
  return Object.fromEntries(await Promise.all(channels))
}

async function readSites(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(error => {
    throw new DemoError(
      'no-sites',
      `The site file ${file} cannot be read.`,
      'Give --sites a CSV: site,cidr,mode,wan,uploadKbps.',
      error,
    )
  })
}

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
