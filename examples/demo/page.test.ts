import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../../test/browser/chromium.ts'
import { type Demo, startDemo } from './server.ts'

const shots = fileURLToPath(new URL('../../test/results/demo/', import.meta.url))
let demo: Demo
let browser: Browser
const contexts: BrowserContext[] = []

beforeAll(async () => {
  await mkdir(shots, { recursive: true })
  demo = await startDemo({ port: 0, host: '127.0.0.1', media: { type: 'samples' }, sites: null })
  browser = await launchChromium()
})

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close()
})

afterAll(async () => {
  await browser?.close()
  await demo?.close()
})

async function open(path: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  contexts.push(context)
  const page = await context.newPage()
  page.on('pageerror', error => problems.push(String(error.stack)))
  await page.goto(new URL(path, demo.url).href)
  return page
}

const problems: string[] = []

function playing(page: Page, seconds: number): Promise<unknown> {
  return page.waitForFunction(least => (document.querySelector('video')?.currentTime ?? 0) > least, seconds)
}

/** The page, once it has taken more than one segment from its group. */
async function fedPage(page: Page): Promise<Page> {
  await page.waitForFunction(() => (window.nearcast?.snapshot().swarm?.bytes.group ?? 0) > 150_000)
  return page
}

describe('the demo page', () => {
  it.each(['live-ts', 'live-fmp4', 'fmp4'])('shows two windows feeding each other: %s', async stream => {
    const first = await open(`?stream=${stream}`)
    await playing(first, 1)
    const second = await open(`?stream=${stream}`)
    await playing(second, 1)
    // Live, whoever hears of a segment first takes it for both; either may be fed.
    const fed = await Promise.any([first, second].map(fedPage))
    // The graph: this viewer, the edge, and one peer by the end of its id; the time line: a segment from the group.
    const id = await fed.evaluate(() => window.nearcast?.snapshot().swarm?.peers[0]?.id ?? '')
    expect(id).toHaveLength(40)
    await fed.waitForFunction(
      label => document.querySelector('#graph')?.textContent?.includes(label),
      id.slice(-4),
    )
    await fed.waitForSelector('#timeline .fill.source-group')
    // The page draws a moment after the snapshot says so.
    await fed.locator('#notice').waitFor({ state: 'hidden' })
    const share = async () => (await fed.locator('.figure-share .value').textContent()) ?? ''
    await expect.poll(async () => Number.parseInt(await share(), 10)).toBeGreaterThan(0)
    // Only what a viewer took from the edge itself may be played before its proof is there.
    const { bytes, verification } = await fed.evaluate(() => {
      const swarm = window.nearcast?.snapshot().swarm
      return { bytes: swarm?.bytes, verification: swarm?.verification }
    })
    expect(verification?.unverifiedBytes).toBeLessThanOrEqual(bytes?.edge ?? 0)
    await fed.screenshot({ path: `${shots}${stream}.png` })
    expect(problems).toEqual([])
  })

  it('says that nobody else is here, and offers a second window', async () => {
    const page = await open('?stream=aes')
    await playing(page, 1)
    const link = page.getByRole('link', { name: 'Open a second window' })
    await link.waitFor()
    expect(await link.getAttribute('href')).toBe(page.url())
    expect(await link.getAttribute('target')).toBe('_blank')
  })

  it('plays on when sharing is switched off and on again', async () => {
    const page = await open('?stream=live-ts')
    await playing(page, 1)
    await page.getByRole('radio', { name: 'off' }).check({ force: true })
    await page.waitForFunction(() => window.nearcast?.snapshot().state.type === 'plain')
    await page.getByText('Nearcast is off:').waitFor()
    const at = await page.evaluate(() => document.querySelector('video')?.currentTime ?? 0)
    await playing(page, at + 4)
    await page.getByRole('radio', { name: 'share' }).check({ force: true })
    await page.waitForFunction(() => window.nearcast?.snapshot().state.type === 'running')
    expect(problems).toEqual([])
  })

  it('changes streams without leaving anything of the one before', async () => {
    const page = await open('?stream=ts')
    await playing(page, 1)
    await page.getByLabel('Stream').selectOption('query-8')
    await page.waitForFunction(() => document.querySelector('video')?.videoWidth === 320)
    await playing(page, 1)
    expect(new URL(page.url()).searchParams.get('stream')).toBe('query-8')
    await page.waitForFunction(() => document.querySelectorAll('#timeline .row-label').length === 1)
    expect(await page.locator('#timeline .row-label').allTextContents()).toEqual(['watch'])
    await page.waitForFunction(() => (window.nearcast?.snapshot().contentId ?? '').includes('id=8'))
  })

  it('can be used by keyboard alone, and keeps the chosen colours', async () => {
    const page = await open('?stream=ts', { colorScheme: 'light' })
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await background()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('stream')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('input[name=mode]:checked').getAttribute('value')).toBe('leech')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await background()).not.toBe(light)
    await page.reload()
    expect(await background()).not.toBe(light)
  })

  it('fits a phone without scrolling sideways', async () => {
    const page = await open('?stream=fmp4', { viewport: { width: 390, height: 844 } })
    await playing(page, 1)
    await page.waitForSelector('#timeline .cell')
    const { scrollWidth, clientWidth } = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement
      return { scrollWidth, clientWidth }
    })
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth)
  })

  it('keeps still for those who ask for it', async () => {
    const page = await open('?stream=live-ts', { reducedMotion: 'reduce' })
    await page.waitForFunction(() =>
      document.querySelector('#graph .node-detail')?.textContent?.includes('↓'),
    )
    const radii = await page
      .locator('#graph .dot')
      .evaluateAll(dots => dots.map(dot => dot.getAttribute('r')))
    expect(radii.length).toBeGreaterThan(0)
    expect(new Set(radii)).toEqual(new Set(['0']))
  })
})
