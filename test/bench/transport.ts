import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { bundle } from '../browser/bundle.ts'
import { launchChromium } from '../browser/chromium.ts'
import type {} from '../support/bench-page.ts'

/**
 * How much of a bare RTCDataChannel's speed is left after simple-peer, bittorrent-protocol and our link. Two Chromium
 * processes on this machine; raw and stack take turns, so that both meet the same weather. Prints a table for people
 * and, as its last line, one JSON object: medians in MB/s and their ratio.
 */

const rounds = 5
const bytes = 48_000_000
/** A bare channel is fastest at its largest message, give or take; each is tried once and the best one used. */
const rawMessageBytes = [16_384, 65_536, 262_144] as const
const runBytes = 65_536
const depth = 16

const script = await bundle(fileURLToPath(new URL('../support/bench-page.ts', import.meta.url)), {
  minify: true,
})
const browsers = await Promise.all([launchChromium(), launchChromium()])
try {
  await bench(browsers)
} finally {
  await Promise.all(browsers.map(browser => browser.close()))
}

async function bench([left, right]: [Browser, Browser]): Promise<void> {
  const [a, b] = await meet(left, right)
  const trials = new Map<number, number>()
  for (const size of rawMessageBytes) trials.set(size, await raw(a, b, size))
  const [best] = [...trials].sort((x, y) => y[1] - x[1])[0] ?? [262_144]
  for (const [size, rate] of trials)
    console.log(`bare channel, ${String(size >> 10).padStart(3)} KiB messages  ${rate.toFixed(1)} MB/s`)
  // Once unmeasured: both sides compile what they run.
  await stack(a, b)
  const rows: { rawMBps: number; stackMBps: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0
    const before = first ? await raw(a, b, best) : await stack(a, b)
    const after = first ? await stack(a, b) : await raw(a, b, best)
    rows.push(first ? { rawMBps: before, stackMBps: after } : { rawMBps: after, stackMBps: before })
  }
  console.log('\nround   bare channel   full stack   ratio')
  for (const [i, { rawMBps, stackMBps }] of rows.entries()) {
    const cells = [
      rawMBps.toFixed(1).padStart(9),
      stackMBps.toFixed(1).padStart(9),
      (stackMBps / rawMBps).toFixed(2),
    ]
    console.log(`${String(i + 1).padStart(5)}${cells[0]} MB/s${cells[1]} MB/s    ${cells[2]}`)
  }
  const rawMBps = median(rows.map(row => row.rawMBps))
  const stackMBps = median(rows.map(row => row.stackMBps))
  const ratio = median(rows.map(row => row.stackMBps / row.rawMBps))
  console.log(
    JSON.stringify({ rawMBps: round2(rawMBps), stackMBps: round2(stackMBps), ratio: round2(ratio) }),
  )
}

/** Two pages that carry each other's signals. */
async function meet(left: Browser, right: Browser): Promise<[Page, Page]> {
  const pages = await Promise.all([left.newPage(), right.newPage()])
  for (const [i, page] of pages.entries()) {
    const other = pages[1 - i] as Page
    await page.exposeFunction('signal', (kind: string, text: string) =>
      other.evaluate(([k, t]) => benchPage.signal(k, t), [kind, text] as const).catch(() => {}),
    )
    await page.addScriptTag({ content: script })
  }
  return pages
}

async function raw(a: Page, b: Page, messageBytes: number): Promise<number> {
  const answering = b.evaluate(() => benchPage.raw(false))
  await Promise.all([answering, a.evaluate(() => benchPage.raw(true))])
  const [ms] = await Promise.all([
    b.evaluate(count => benchPage.receiveRaw(count), bytes),
    a.evaluate(([count, size]) => benchPage.sendRaw(count, size), [bytes, messageBytes] as const),
  ])
  return finish(a, b, ms)
}

async function stack(a: Page, b: Page): Promise<number> {
  const answering = b.evaluate(() => benchPage.stack(false, 0))
  await Promise.all([answering, a.evaluate(count => benchPage.stack(true, count), bytes)])
  const ms = await b.evaluate(([count, d, run]) => benchPage.take(count, d, run), [
    bytes,
    depth,
    runBytes,
  ] as const)
  return finish(a, b, ms)
}

async function finish(a: Page, b: Page, ms: number): Promise<number> {
  await Promise.all([a, b].map(page => page.evaluate(() => benchPage.close())))
  return bytes / ms / 1000
}

function median(values: readonly number[]): number {
  return [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
