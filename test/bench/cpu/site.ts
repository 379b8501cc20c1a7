import { fileURLToPath } from 'node:url'
import { createEdge, listen } from '@nearcast/edge-fallback/server'
import { listenTracker } from '@nearcast/tracker'
import { Hono } from 'hono'
import type { Browser, Page } from 'playwright-core'
import { bundle } from '../../browser/bundle.ts'
import { launchChromium } from '../../browser/chromium.ts'
import { createNoiseChannel, playlistName } from './channel.ts'

/** Edge, tracker and the page's script, served from this process. */
export interface Site {
  readonly playlist: string
  readonly tracker: string
  /** The script with its source map inside. */
  readonly script: string
  readonly scriptUrl: string
  /** An empty page of this origin, in a browser of its own. */
  open(): Promise<{ readonly browser: Browser; readonly page: Page }>
  close(): Promise<void>
}

/** As most publishers have it; players then stay six seconds behind. */
export const segmentSeconds = 2
/** The names that hide addresses are of use inside one browser; where multicast is shut off another finds nobody. */
const scriptPath = '/page.js'

export async function openSite(bitrateMbps: number): Promise<Site> {
  const [script, channel, tracker] = await Promise.all([
    bundle(fileURLToPath(new URL('page.ts', import.meta.url)), { globalName: 'benchViewers' }),
    createNoiseChannel(bitrateMbps, segmentSeconds),
    listenTracker({ port: 0, host: '127.0.0.1', withStun: false, log: () => {} }),
  ])
  const edge = createEdge({ mounts: { '/live': channel.library } })
  const app = new Hono()
  app.get('/', context => context.html('<!doctype html><title>viewers</title><body>'))
  app.get(scriptPath, context => context.body(script, 200, { 'Content-Type': 'text/javascript' }))
  app.route('/', edge.app)
  const server = await listen(app, { port: 0, host: '127.0.0.1' })
  const origin = `http://127.0.0.1:${server.port}`
  const browsers: Browser[] = []
  return {
    playlist: `${origin}/live/${playlistName}`,
    tracker: tracker.url,
    script,
    scriptUrl: origin + scriptPath,
    async open() {
      const browser = await launchChromium({ args: ['--disable-features=WebRtcHideLocalIpsWithMdns'] })
      browsers.push(browser)
      const page = await browser.newPage()
      page.on('pageerror', error => console.error(`page: ${error.stack ?? error.message}`))
      await page.goto(origin)
      return { browser, page }
    },
    async close() {
      await Promise.all(browsers.map(browser => browser.close()))
      await Promise.all([tracker.close(), edge.close(), server.close(), channel.close()])
    },
  }
}
