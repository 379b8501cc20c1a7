import { expect, it } from 'vitest'
import type { Timers } from '../source/timers.ts'
import { createLineMeter } from './line-meter.ts'

/** Time that jumps to the next timer as soon as nothing else is left to do. */
function virtualTimers(): Timers {
  let now = 0
  const due: { at: number; fire: () => void }[] = []
  let running = false
  const run = async () => {
    running = true
    while (due.length > 0) {
      await new Promise(resolve => setImmediate(resolve))
      due.sort((a, b) => a.at - b.at)
      const next = due.shift()
      if (!next) break
      now = Math.max(now, next.at)
      next.fire()
    }
    running = false
  }
  return {
    now: () => now,
    after(ms, fire) {
      const entry = { at: now + ms, fire }
      due.push(entry)
      if (!running) void run()
      return () => void due.splice(due.indexOf(entry), 1)
    },
  }
}

const bodyOf = (bytes: number) => new Blob([new Uint8Array(bytes)]).stream()

async function drain(
  body: ReadableStream<Uint8Array>,
  timers: Timers,
): Promise<{ bytes: number; at: number }> {
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  return { bytes, at: timers.now() }
}

it('lets a body through at the rate of the line', async () => {
  const timers = virtualTimers()
  const meter = createLineMeter(800, timers)
  const { bytes, at } = await drain(meter.slow(bodyOf(100_000), 'a'), timers)
  expect(bytes).toBe(100_000)
  // 100 kB at 100 bytes a millisecond, less what may burst.
  expect(at).toBeGreaterThan(900)
  expect(at).toBeLessThan(1010)
})

it('shares one line among the bodies of one address, evenly', async () => {
  const timers = virtualTimers()
  const meter = createLineMeter(800, timers)
  const ends = await Promise.all([1, 2, 3].map(() => drain(meter.slow(bodyOf(50_000), 'a'), timers)))
  expect(ends[0]!.at).toBeGreaterThan(1300)
  for (const { at } of ends) expect(at).toBeLessThan(1510)
})

it('gives each address a line of its own', async () => {
  const timers = virtualTimers()
  const meter = createLineMeter(800, timers)
  const ends = await Promise.all(['a', 'b'].map(client => drain(meter.slow(bodyOf(50_000), client), timers)))
  for (const { at } of ends) expect(at).toBeLessThan(510)
})
