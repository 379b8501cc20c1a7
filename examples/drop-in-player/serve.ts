/** Serves the page, a stream and a tracker: `npm start -w @nearcast/example-drop-in-player [-- PORT]`. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createEdge, listen } from '@nearcast/edge-fallback/server'
import { createTracker, stunBeside } from '@nearcast/tracker'
import { Hono } from 'hono'
import { bundlePlugin } from '../../.dev/bundle.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const require = createRequire(import.meta.url)

/** What a site would put on its own web server. The script is the one that `npm run build` writes. */
const files = {
  '/': { type: 'text/html', body: await readFile(here('index.html'), 'utf8') },
  '/hls.js': {
    type: 'text/javascript',
    body: await readFile(require.resolve('hls.js/dist/hls.min.js'), 'utf8'),
  },
  '/nearcast.js': { type: 'text/javascript', body: (await bundlePlugin('iife')).code },
}

const tracker = createTracker()
const edge = createEdge({ dir: here('../demo/media') })
const app = new Hono()
for (const [path, { type, body }] of Object.entries(files)) {
  app.get(path, context => context.body(body, 200, { 'Content-Type': `${type}; charset=utf-8` }))
}
app.route('/', edge.app)

try {
  const port = Number(process.argv[2] ?? 8090)
  const { bound: server, stun } = await stunBeside({
    port,
    listen: () => listen(app, { port }),
    close: taken => taken.close(),
  })
  tracker.attach(server.server)
  tracker.announceStun(stun.port)
  console.log(`Open http://localhost:${server.port}/ in two windows.`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await Promise.all([tracker.close(), edge.close(), stun.close(), server.close()])
      process.exit(0)
    })
  }
} catch (error) {
  console.error(
    `Cannot listen: ${error instanceof Error ? error.message : error}. Give another port as the last argument.`,
  )
  process.exit(1)
}
