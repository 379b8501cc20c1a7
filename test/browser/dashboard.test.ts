import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { parse } from 'csv-parse/sync'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStage, reportWhen, type Stage, until, type Viewer } from './stage.ts'

declare const viewer: typeof import('./pages/viewer.ts')

/** Real viewers in Chromium, and the dashboard they end up on. */

let stage: Stage
const viewers: Viewer[] = []
const problems: string[] = []

beforeAll(async () => {
  stage = await openStage()
  stage.demo.tracker.setSites('site,cidr,mode\nhead office,127.0.0.0/8,share\nhead office,::1/128,share\n')
})

afterAll(() => stage?.close())

async function openDashboard(options: object = {}, url = stage.demo.dashboard): Promise<Page> {
  const context = await stage.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  page.on('pageerror', error => problems.push(String(error.stack)))
  page.on('console', message => {
    if (message.type() === 'error') problems.push(message.text())
  })
  await page.goto(url)
  return page
}

/** A way to the demo that can be cut. */
async function plugIn() {
  const sockets = new Set<Socket>()
  const server = createServer(from => {
    const to = connect(stage.demo.port, '127.0.0.1')
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {}).on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  const listen = (port: number) => new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    plug: () => listen(port),
    async pull() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await closed
    },
  }
}

const cells = (page: Page, content: string) =>
  page
    .locator('#rows tr')
    .filter({ hasText: content })
    .first()
    .locator('td')
    .evaluateAll(all =>
      Object.fromEntries(all.map(cell => [(cell as HTMLElement).dataset['label'], cell.textContent])),
    )

describe('the dashboard', () => {
  it('asks for the token, takes it from the keyboard alone, and says when it is wrong', async () => {
    const context = await stage.browser.newContext()
    const page = await context.newPage()
    await page.goto(new URL('/dashboard', stage.demo.url).href)
    await page.keyboard.press('Tab')
    await page.keyboard.type('no such token at all')
    await page.keyboard.press('Enter')
    await page.getByText('That is not the admin token').waitFor()
    await page.getByLabel('Admin token').fill(new URL(stage.demo.dashboard).searchParams.get('key') ?? '')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'No viewer has reported yet' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Admin token').waitFor()
    await context.close()
  })

  it('shows viewers, share and copies as they are at the edge', async () => {
    const url = stage.url('live-fmp4')
    for (let i = 0; i < 3; i++) {
      const viewer = await stage.viewer()
      viewers.push(viewer)
      await viewer.start({ url })
      await reportWhen(viewer, ({ currentTime }) => currentTime > 0)
    }
    const page = await openDashboard()
    await page.locator('#rows tr').first().waitFor({ timeout: 30_000 })
    await until(
      async () => (await cells(page, 'Live'))['Viewers'] === '3',
      30_000,
      () => 'three viewers on the dashboard',
    )
    // As long as it takes for what the start cost not to be all there is.
    await reportWhen(viewers[0]!, ({ currentTime, loaded }) => currentTime > 0 && loaded.length > 20, 60_000)
    // With their last words the books are complete; the edge's are closed in the same moment.
    const { copies: truth } = (await (
      await fetch(new URL('/demo/copies?stream=live-fmp4', stage.demo.url))
    ).json()) as {
      copies: number
    }
    const reports = await Promise.all(viewers.map(viewer => viewer.report()))
    const bytes = (name: 'edge' | 'group' | 'outside') =>
      reports.reduce((sum, { snapshot }) => sum + (snapshot?.swarm?.bytes[name] ?? 0), 0)
    const share = bytes('group') / (bytes('edge') + bytes('group') + bytes('outside'))
    const figures = await cells(page, 'Live')
    await Promise.all(viewers.map(({ page }) => page.evaluate(() => viewer.leave())))
    await until(
      async () => (await cells(page, 'Live'))['Viewers'] === '0',
      10_000,
      () => 'the viewers have left',
    )
    const last = await cells(page, 'Live')
    console.log(
      `edge: ${truth.toFixed(3)} copies, share ${share.toFixed(3)}; dashboard: ${last['Copies']}, ${last['From peers']}`,
    )
    expect(figures['Peering']).toContain('connected')
    expect(figures['Latency']).toMatch(/^\d+\.\d s$/)
    expect(figures['Startup']).toMatch(/^\d\.\d\d · \d\.\d\d s$/)
    expect(Math.abs(Number.parseFloat(last['Copies'] ?? '') / truth - 1)).toBeLessThan(0.1)
    expect(Math.abs(Number.parseFloat(last['From peers'] ?? '') / (100 * share) - 1)).toBeLessThan(0.1)

    const csv = await page.evaluate(async () => (await fetch('dashboard/export.csv')).text())
    const [total, row] = parse(csv, { columns: true }) as Record<string, string>[]
    expect(row).toMatchObject({
      kind: 'site',
      place: 'head office',
      content: expect.stringContaining('Live'),
    })
    expect(Number(row?.['copies'])).toBeCloseTo(Number.parseFloat(last['Copies'] ?? ''), 1)
    expect(Number(total?.['edgeBytes'])).toBeGreaterThan(0)
    expect(csv).not.toMatch(/127\.0\.0\.1|https?:|[0-9a-f]{40}/)
    expect(problems).toEqual([])
    await page.context().close()
  })

  it('switches a site off and everybody off, and on again; playback goes on', async () => {
    const viewer = await stage.viewer()
    await viewer.start({ url: stage.url('live-fmp4') })
    const page = await openDashboard()
    const mode = page.getByRole('combobox', { name: 'Mode at head office' })
    await mode.waitFor({ timeout: 30_000 })
    const isMode = (wanted: string) =>
      reportWhen(viewer, ({ snapshot }) => snapshot?.swarm?.mode === wanted, 5_000)
    await mode.selectOption('leech')
    await isMode('leech')
    await mode.selectOption('off')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await isMode('leech')
    expect(await mode.inputValue()).toBe('leech')
    await mode.selectOption('')
    await isMode('share')
    await page.getByRole('button', { name: 'Switch sharing off' }).click()
    await page.getByRole('button', { name: 'Switch off', exact: true }).click()
    await page.getByText('Sharing is off everywhere.').waitFor()
    const { currentTime } = await isMode('off')
    await reportWhen(viewer, report => report.currentTime > currentTime + 4, 20_000)
    await page.getByRole('button', { name: 'Switch on again' }).click()
    await isMode('share')
    expect(stage.demo.tracker.rules()).toEqual([])
    await page.context().close()
    await viewer.close()
  })

  it('fits a phone of 360 px, light and dark, without scrolling sideways', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const page = await openDashboard({ viewport: { width: 360, height: 740 }, colorScheme })
      await page.locator('#rows tr').first().waitFor({ timeout: 30_000 })
      const widths = await page.evaluate(() => {
        const right = document.documentElement.clientWidth
        const wide = [...document.querySelectorAll('main *:not(thead *)')].filter(
          each => each.getBoundingClientRect().right > right + 1,
        )
        return {
          scroll: document.documentElement.scrollWidth,
          right,
          wide: wide.map(({ className }) => className),
        }
      })
      expect(widths).toMatchObject({ scroll: 360, right: 360, wide: [] })
      await page.context().close()
    }
  })

  it('charts a row by keyboard, says that the tracker is gone, and comes back by itself', async () => {
    const cable = await plugIn()
    const page = await openDashboard(
      {},
      `http://localhost:${cable.port}${new URL(stage.demo.dashboard).pathname}${new URL(stage.demo.dashboard).search}`,
    )
    const row = page.getByRole('button', { name: 'head office' }).first()
    await row.focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction(() =>
      document.querySelector('[data-chart-of]')?.textContent?.startsWith('head office'),
    )
    expect(await row.getAttribute('aria-pressed')).toBe('true')
    expect(await page.locator('#plot-line').getAttribute('aria-label')).toMatch(/Over the line, head office/)
    await cable.pull()
    await page.getByText('No news from the tracker').waitFor({ timeout: 20_000 })
    await cable.plug()
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 })
    await page.context().close()
    await cable.pull()
  })
})
