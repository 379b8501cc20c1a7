import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Nearcast } from '@nearcast/player-plugin'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launchChromium } from '../../test/browser/chromium.ts'

/** A constant of the page's own script. */
declare const nearcast: Nearcast

let server: ChildProcess
let url = ''
let browser: Browser

beforeAll(async () => {
  const script = fileURLToPath(new URL('serve.ts', import.meta.url))
  server = spawn(process.execPath, ['--conditions=nearcast-source', script, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  url = await printedUrl(server)
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  if (server?.exitCode === null) {
    server.kill('SIGTERM')
    const [code] = await once(server, 'exit')
    expect(code).toBe(0)
  }
})

it('feeds the second viewer from the first', async () => {
  const first = await watch()
  await first.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1)
  const firstAlone = await first.evaluate(() => nearcast.snapshot())
  expect(firstAlone.p2pShare).toBe(0)

  const second = await watch()
  await second.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1)
  await second.waitForFunction(() => (nearcast.snapshot().swarm?.bytes.group ?? 0) > 100_000)

  const { swarm } = await second.evaluate(() => nearcast.snapshot())
  expect(swarm?.peers).toHaveLength(1)
  expect(swarm?.verification).toMatchObject({ digests: 'present', banned: 0 })
  // A peer's bytes are played only when they are proven; one's own from the edge may be, a moment before.
  expect(swarm?.verification.unverifiedBytes).toBeLessThanOrEqual(swarm?.bytes.edge ?? 0)
  const given = await first.evaluate(() => nearcast.snapshot().swarm?.bytes.uploaded ?? 0)
  expect(given).toBeGreaterThan(100_000)
})

async function watch(): Promise<Page> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(url)
  return page
}

/** The first URL that the example prints. */
async function printedUrl(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += chunk
    const found = /http:\/\/\S+/.exec(text)
    if (found) return found[0]
  }
  throw new Error(`the example ended without printing a URL: ${text}`)
}
