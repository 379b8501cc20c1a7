/**
 * The other side of every line, run inside the lab's internet: edge and page, tracker, public STUN. It obeys its
 * parent over Node's IPC channel and ends with it.
 */
import {
  createEdge,
  createLiveChannel,
  type EdgeServer,
  type Fault,
  listen,
} from '@nearcast/edge-fallback/server'
import { createStunServer, listenTracker } from '@nearcast/tracker'
import { Hono } from 'hono'
import { edgePort, lanStunPort, trackerPort } from './addresses.ts'
import type { Order, Reply, ServerSetup } from './orders.ts'

/** 20 s: p2p-media-loader plays at the far end of the window, and with the edge's usual 12 s would find no time for peers. */
const windowSegments = 10
const mediaPath = /\.ts$/

const setup = JSON.parse(process.argv[2] ?? 'null') as ServerSetup | null
if (setup === null || process.send === undefined) throw new Error('the lab starts this file, nobody else')
process.on('disconnect', () => process.exit(0))
process.on('message', () => {})

let at = Date.now()
switch (setup.type) {
  case 'internet':
    at = await serveInternet(setup)
    break
  case 'stun':
    await createStunServer({ port: lanStunPort })
    break
}
reply({ type: 'ready', at })

async function serveInternet({
  mediaDir,
  sites,
  stun,
  edgeDelayMs,
}: Extract<ServerSetup, { type: 'internet' }>): Promise<number> {
  const createdAt = Date.now()
  const live = (name: string) => createLiveChannel({ playlist: `${mediaDir}/${name}`, windowSegments })
  const edge = createEdge({
    dir: mediaDir,
    mounts: { '/live': await live('single.m3u8'), '/live-ladder': await live('ladder.m3u8') },
    // Addresses of the lab are nobody's: the log may name them, and thereby the line.
    labelOf: address => address,
  })
  const app = new Hono()
  app.get('/lab', context => context.html('<!doctype html><title>viewer</title><body>'))
  app.route('/', edge.app)
  await listen(app, { port: edgePort, host: '0.0.0.0' })
  await listenTracker({
    port: trackerPort,
    host: '0.0.0.0',
    ...(sites !== '' && { sites }),
    stun: { urls: stun },
  })
  const usual: Fault | null = edgeDelayMs > 0 ? { type: 'delay', ms: edgeDelayMs } : null
  edge.setFault(() => usual)
  process.on('message', order => obey(edge, order as Order, usual))
  return createdAt
}

function obey(edge: EdgeServer, order: Order, usual: Fault | null): void {
  switch (order.type) {
    case 'outage': {
      const { status } = order
      edge.setFault(({ path }) =>
        status !== null && mediaPath.test(path) ? { type: 'status', status } : usual,
      )
      return
    }
    case 'log':
      reply({ type: 'log', entries: edge.log.entries })
      return
  }
}

function reply(message: Reply): void {
  process.send?.(message)
}
