import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeContract } from '../contract/store-contract.ts'
import { bundle } from './bundle.ts'
import { chromiumPath, quietArgs } from './chromium.ts'

type Subject = typeof import('./pages/idb-store.ts')
declare const subject: Subject

describe('the IndexedDB store, in Chromium', () => {
  let browser: BrowserContext
  let page: Page
  // A profile on disk, as viewers have: a private window's database lives in memory, and what is deleted there goes on
  // counting against the quota.
  const profile = mkdtempSync(join(tmpdir(), 'nearcast-profile-'))

  beforeAll(async () => {
    const executablePath = chromiumPath()
    browser = await chromium.launchPersistentContext(profile, { executablePath, args: [...quietArgs] })
    page = await open('http://shop.example/')
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(profile, { recursive: true, force: true })
  })

  /** Plain-http origins: IndexedDB must not depend on a secure context. */
  async function open(url: string): Promise<Page> {
    const opened = await browser.newPage()
    await opened.route(url, route => route.fulfill({ contentType: 'text/html', body: '<p>' }))
    await opened.goto(url)
    const entry = fileURLToPath(new URL('pages/idb-store.ts', import.meta.url))
    await opened.addScriptTag({ content: await bundle(entry, { globalName: 'subject' }) })
    return opened
  }

  for (const { name } of storeContract) {
    it(name, () => page.evaluate(one => subject.runContract(one), name))
  }

  it('keeps within its budget over all contents', () => page.evaluate(() => subject.keepsWithinItsBudget()))
  it('separates contents that use the same keys', () => page.evaluate(() => subject.separatesScopes()))
  it('forgets half writes', () => page.evaluate(() => subject.forgetsHalfWrites()))

  it('lets the oldest go when the browser refuses more', async () => {
    const full = await open('http://full.example/')
    const client = await browser.newCDPSession(full)
    await client.send('Storage.overrideQuotaForOrigin', {
      origin: 'http://full.example',
      quotaSize: 12_000_000,
    })
    const { listed, last } = await full.evaluate(() => subject.survivesTheQuota(30, 1_000_000))
    expect(last).toBe(true)
    expect(listed).toBeGreaterThan(2)
    expect(listed).toBeLessThan(13)
  })
})
