import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { type Demo, startDemo } from '../../examples/demo/server.ts'
import { bundle } from './bundle.ts'
import { launchChromium } from './chromium.ts'
import type { ViewerReport, ViewerSetup } from './pages/viewer.ts'

/** Real tracker, STUN, edge and live channels in this process; viewers in real Chromium, each in its own context. */

declare const viewer: typeof import('./pages/viewer.ts')

const here = dirname(fileURLToPath(import.meta.url))

export interface Viewer {
  readonly page: Page
  start(setup: Partial<ViewerSetup>): Promise<void>
  report(): Promise<ViewerReport>
  close(): Promise<void>
}

export interface Stage {
  readonly demo: Demo
  readonly browser: Browser
  viewer(): Promise<Viewer>
  /** The same stage with its viewers in another browser, which the caller ends. */
  beside(browser: Browser): Stage
  /** Absolute URL of a stream of the demo. */
  url(stream: string): string
  /** SHA-256 of what the edge gives for a URL and range; null when it has forgotten it, as a live channel does. */
  truth(url: string, from: number, to: number): Promise<string | null>
  /** Holds all that they loaded against the edge's bytes; the loads compared, which are all but what it forgot. */
  expectTruth(reports: readonly ViewerReport[]): Promise<number>
  close(): Promise<void>
}

export async function openStage(args: readonly string[] = []): Promise<Stage> {
  const [demo, script, browser] = await Promise.all([
    startDemo({ port: 0, host: '127.0.0.1', media: { type: 'samples' }, sites: null }),
    bundle(join(here, 'pages/viewer.ts'), { globalName: 'viewer' }),
    launchChromium({ args }),
  ])
  // From a server of its own: the site is another origin than the edge, as it would be, and (unlike a page that the
  // test fulfils) has an address that local-network checks know.
  const site = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><title>viewer</title><body>')
  })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  const blank = `http://localhost:${(site.address() as AddressInfo).port}/`
  const contexts = new Set<BrowserContext>()
  const truths = new Map<string, Promise<string | null>>()
  const channels = demo.streams
    .filter(({ live }) => live)
    .map(({ url }) => new URL('.', new URL(url, demo.url)))
  const stageIn = (browser: Browser): Stage => ({
    demo,
    browser,
    beside: stageIn,
    url(stream) {
      const found = demo.streams.find(({ name }) => name === stream)
      if (!found) throw new Error(`no stream ${stream}`)
      return new URL(found.url, demo.url).href
    },
    async viewer() {
      const context = await browser.newContext()
      contexts.add(context)
      const page = await context.newPage()
      await page.goto(blank)
      await page.addScriptTag({ content: script })
      return {
        page,
        start: setup =>
          page.evaluate(given => viewer.start(given as ViewerSetup), {
            nearcast: { tracker: demo.announce },
            ...setup,
          } as unknown),
        report: () => page.evaluate(() => viewer.report()),
        async close() {
          contexts.delete(context)
          if (browser.isConnected()) await context.close()
        },
      }
    },
    truth(url, from, to) {
      const key = `${url} ${from} ${to}`
      const isLive = channels.some(({ href }) => url.startsWith(href))
      const known = truths.get(key) ?? fetchHash(url, from, to, isLive)
      truths.set(key, known)
      return known
    },
    async expectTruth(reports) {
      let compared = 0
      for (const { url, from, to, sha256 } of reports.flatMap(({ loaded }) => loaded)) {
        const truth = await this.truth(url, from, to)
        if (truth === null) continue
        expect(sha256, `${url} [${from}, ${to})`).toBe(truth)
        compared++
      }
      return compared
    },
    async close() {
      for (const context of contexts) if (context.browser()?.isConnected()) await context.close()
      await Promise.all([browser.close(), demo.close()])
      site.closeAllConnections()
      site.close()
    },
  })
  return stageIn(browser)
}

async function fetchHash(url: string, from: number, to: number, mayBeGone: boolean): Promise<string | null> {
  const headers: Record<string, string> = to > 0 ? { Range: `bytes=${from}-${to - 1}` } : {}
  const response = await fetch(url, { headers })
  if (mayBeGone && response.status === 404) return null
  if (!response.ok) throw new Error(`${response.status} for ${url}`)
  return createHash('sha256')
    .update(new Uint8Array(await response.arrayBuffer()))
    .digest('hex')
}

export const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** The first report of a viewer that `met` accepts. */
export async function reportWhen(
  viewer: Viewer,
  met: (report: ViewerReport) => boolean,
  withinMs = 30_000,
): Promise<ViewerReport> {
  let report = await viewer.report()
  await until(
    async () => {
      report = await viewer.report()
      return met(report)
    },
    withinMs,
    () => {
      const { loaded, latencies, estimates, snapshot, ...rest } = report
      const { bytes, peers } = snapshot?.swarm ?? {}
      return JSON.stringify({ ...rest, loaded: loaded.length, bytes, peers: peers?.length })
    },
  )
  return report
}

/** Polls until `met`, or fails with `describe`. */
export async function until(met: () => Promise<boolean> | boolean, withinMs: number, describe: () => string) {
  const end = performance.now() + withinMs
  while (!(await met())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${describe()}`)
    await pause(100)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
