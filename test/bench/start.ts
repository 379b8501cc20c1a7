import { fileURLToPath } from 'node:url'
import { startDemo } from '../../examples/demo/server.ts'
import { bundle } from '../browser/bundle.ts'
import { launchChromium } from '../browser/chromium.ts'
import { median } from '../browser/stage.ts'
import type { StartSetup, Step } from '../support/start-page.ts'

/**
 * How long a viewer waits for the first frame: plain hls.js against Nearcast, in alternating pairs, so that both meet the
 * same weather. Prints medians and what happened when in the median run of each. All viewers share this machine: what
 * the others do when one more comes is in the figures too.
 *
 *     npm run bench:start -- [pairs, 7] [stream, live-ts] [other viewers, 0]
 */

declare const page: typeof import('../support/start-page.ts')

type Kind = 'plain' | 'ours'

const [pairs = '7', stream = 'live-ts', others = '0'] = process.argv.slice(2)
/** Until the others have found each other. */
const settleMs = 3_000

const demo = await startDemo({ port: 0, host: '127.0.0.1', media: { type: 'samples' }, sites: null })
const script = await bundle(fileURLToPath(new URL('../support/start-page.ts', import.meta.url)), {
  globalName: 'page',
})
const browser = await launchChromium()
try {
  const found = demo.streams.find(({ name }) => name === stream)
  if (!found) throw new Error(`no stream ${stream}: ${demo.streams.map(({ name }) => name).join(', ')}`)
  await bench(new URL(found.url, demo.url).href)
} finally {
  await browser.close()
  await demo.close()
}

async function bench(url: string): Promise<void> {
  const setups = { plain: { url, nearcast: null }, ours: { url, nearcast: { tracker: demo.announce } } }
  for (let i = 0; i < Number(others); i++) await view(setups.ours)
  if (Number(others) > 0) await new Promise(resolve => setTimeout(resolve, settleMs))
  const runs: Record<Kind, (readonly Step[])[]> = { plain: [], ours: [] }
  for (let i = 0; i < Number(pairs); i++) {
    for (const kind of i % 2 === 0 ? (['plain', 'ours'] as const) : (['ours', 'plain'] as const)) {
      const { steps, close } = await view(setups[kind])
      runs[kind].push(steps)
      await close()
    }
  }
  for (const name of ['manifest', 'playlist', 'first frame']) {
    const [plain, ours] = [runs.plain, runs.ours].map(all => median(all.map(steps => at(steps, name))))
    const ratio = (ours! / plain!).toFixed(2)
    console.log(`${name.padEnd(12)} plain ${plain!.toFixed(0)} ms, ours ${ours!.toFixed(0)} ms: ${ratio}`)
  }
  for (const kind of ['plain', 'ours'] as const) {
    const middle = median(runs[kind].map(steps => at(steps, 'first frame')))
    const steps = runs[kind].find(one => at(one, 'first frame') === middle) ?? []
    console.log(`\n${kind}`)
    for (const [name, ms] of steps) console.log(`${ms.toFixed(0).padStart(6)}  ${name}`)
  }
}

async function view(setup: StartSetup) {
  const context = await browser.newContext()
  const tab = await context.newPage()
  await tab.goto(new URL('healthz', demo.url).href)
  await tab.addScriptTag({ content: script })
  const steps = await tab.evaluate(given => page.start(given as StartSetup), setup as unknown)
  return { steps, close: () => context.close() }
}

function at(steps: readonly Step[], name: string): number {
  return steps.find(([step]) => step === name)?.[1] ?? Number.NaN
}
