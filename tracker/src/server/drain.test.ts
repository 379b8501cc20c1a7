import { describe, expect, test } from 'vitest'
import type { Action } from '../registry/action.ts'
import { type DrainOptions, drain } from './drain.ts'
import { createReadiness } from './readiness.ts'

/** A carrier of numbered connections; even ones are our clients and leave when they are asked. */
function stage(count: number) {
  const started = performance.now()
  const open = new Set(Array.from({ length: count }, (_, i) => i))
  const events: string[] = []
  const readiness = createReadiness()
  const carrier = {
    get size() {
      return open.size
    },
    ids: () => [...open],
    refuse: (seconds: number) => events.push(`refuse ${seconds}`),
    release(id: number) {
      if (!open.delete(id)) return false
      events.push(`release ${id}`)
      return true
    },
  }
  const run = (options: DrainOptions, signal = new AbortController().signal) =>
    drain(
      options,
      {
        readiness,
        carriers: [carrier],
        dismiss: (id, afterMs) => (id % 2 === 0 ? [{ type: 'send', to: id, message: String(afterMs) }] : []),
        perform(actions) {
          for (const action of actions as readonly Extract<Action, { type: 'send' }>[])
            setTimeout(() => open.delete(action.to), Number(action.message))
        },
        now: () => performance.now(),
        random: () => 0.5,
      },
      signal,
    )
  return { open, events, readiness, run, elapsed: () => performance.now() - started }
}

describe('draining', () => {
  test('with nobody there is over at once', async () => {
    const { run, events, readiness, elapsed } = stage(0)
    await run({})
    expect(elapsed()).toBeLessThan(1_000)
    expect(events).toEqual(['refuse 25'])
    expect(readiness.reasons()).toEqual(['draining'])
  })

  test('is not ready first, refuses then, and closes only those who cannot be asked', async () => {
    const { run, events, open, readiness } = stage(4)
    const drained = run({ noticeMs: 200, spreadMs: 200, totalMs: 60_000 })
    expect(readiness.reasons()).toEqual(['draining'])
    expect(events).toEqual([])
    expect(await drained).toEqual({ left: 2, closed: 2, remaining: 0 })
    expect(open.size).toBe(0)
    expect(events).toEqual(['refuse 60', 'release 1', 'release 3'])
  })

  test('ends when its time is over, whoever is still there', async () => {
    const { run, open, elapsed } = stage(4)
    const drained = await run({ noticeMs: 0, spreadMs: 60_000, totalMs: 300 })
    expect(drained).toEqual({ left: 0, closed: 0, remaining: 4 })
    expect(elapsed()).toBeLessThan(5_000)
    expect(open.size).toBe(4)
  })

  test('ends at once when it is aborted', async () => {
    const { run, elapsed } = stage(4)
    const abort = new AbortController()
    const drained = run({}, abort.signal)
    abort.abort()
    await drained
    expect(elapsed()).toBeLessThan(1_000)
  })
})
