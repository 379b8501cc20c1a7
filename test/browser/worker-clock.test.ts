import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from './bundle.ts'
import { launchChromium } from './chromium.ts'

type Subject = typeof import('./pages/worker-clock.ts')
declare const subject: Subject

describe('the worker clock, in Chromium', () => {
  let browser: Browser
  const script = bundle(fileURLToPath(new URL('pages/worker-clock.ts', import.meta.url)), {
    globalName: 'subject',
  })

  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())

  async function open(policy = ''): Promise<Page> {
    // With a policy in force the script must come with the page.
    const page = await browser.newPage()
    await page.route('http://site.example/*', async route => {
      const isScript = route.request().url().endsWith('.js')
      await route.fulfill({
        contentType: isScript ? 'text/javascript' : 'text/html',
        headers: policy ? { 'Content-Security-Policy': policy } : {},
        body: isScript ? await script : '<script src="/subject.js"></script>',
      })
    })
    await page.goto('http://site.example/')
    return page
  }

  for (const [name, policy] of [
    ['in its first seconds, or with its worker', ''],
    ['without one, where the policy forbids it', "script-src 'self'; worker-src 'none'"],
  ] as const) {
    describe(name, () => {
      let page: Page
      beforeAll(async () => {
        page = await open(policy)
      })
      afterAll(() => page.close())

      it('fires once, not before its time', async () => {
        const late = await page.evaluate(
          () =>
            new Promise<number>(resolve => {
              const clock = subject.createWorkerClock()
              const at = clock.now() + 40
              clock.arm(at, () => resolve(clock.now() - at))
            }),
        )
        expect(late).toBeGreaterThanOrEqual(-1)
      })

      it('forgets a timer that was disarmed, or replaced by a later one', async () => {
        const fired = await page.evaluate(async () => {
          const seen: string[] = []
          const clock = subject.createWorkerClock()
          clock.arm(clock.now() + 10, () => seen.push('replaced'))
          clock.arm(clock.now() + 20, () => seen.push('kept'))
          const other = clock.another()
          other.arm(other.now() + 10, () => seen.push('disarmed'))()
          clock.another().arm(clock.now() + 5, () => seen.push('another'))
          await new Promise(resolve => setTimeout(resolve, 150))
          return seen
        })
        expect(fired).toEqual(['another', 'kept'])
      })

      it('fires no more after close, which may be called twice', async () => {
        const fired = await page.evaluate(async () => {
          const seen: string[] = []
          const clock = subject.createWorkerClock()
          clock.arm(clock.now() + 10, () => seen.push('late'))
          clock.close()
          clock.close()
          clock.arm(clock.now(), () => seen.push('after'))
          await new Promise(resolve => setTimeout(resolve, 100))
          return seen
        })
        expect(fired).toEqual([])
      })

      it('fires at once for a time that has passed', async () => {
        await page.evaluate(
          () =>
            new Promise<void>(resolve => subject.createWorkerClock().arm(performance.now() - 1000, resolve)),
        )
      })
    })
  }

  it('starts no thread while a viewer in view waits for the first frame', async () => {
    const page = await open()
    const workers: unknown[] = []
    page.on('worker', worker => workers.push(worker))
    await page.evaluate(async () => {
      const clock = subject.createWorkerClock()
      await new Promise<void>(resolve => clock.arm(clock.now() + 200, resolve))
    })
    expect(workers).toEqual([])
    await expect.poll(() => workers.length, { timeout: 10_000 }).toBe(1)
    await page.close()
  })

  it('keeps time while timers of the page itself are slowed down', async () => {
    const page = await open()
    const fired = await page.evaluate(async () => {
      const clock = subject.createWorkerClock()
      let first = false
      clock.arm(clock.now() + 50, () => {
        first = true
      })
      // What a hidden tab does to the page's own timers, and not to its workers'.
      window.setTimeout = (() => 0) as unknown as typeof window.setTimeout
      Object.defineProperty(document, 'hidden', { value: true })
      document.dispatchEvent(new Event('visibilitychange'))
      while (!first) await new Promise(resolve => requestAnimationFrame(resolve))
      const tick = () => new Promise<void>(resolve => clock.arm(clock.now() + 10, resolve))
      for (let i = 0; i < 5; i++) await tick()
      return true
    })
    expect(fired).toBe(true)
    await page.close()
  })
})
