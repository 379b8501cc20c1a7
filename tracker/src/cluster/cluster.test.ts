import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LogEntry } from '../server/log.ts'
import { createTracker, type Tracker } from '../server/tracker.ts'
import type { TrackerOptions } from '../server/tracker-options.ts'
import type { JoinHub } from './hub.ts'
import { createMemoryHub } from './memory-hub.ts'

/** Trackers of one process over a hub in memory: what they agree on. */

const trackers: Tracker[] = []
afterEach(async () => {
  for (const tracker of trackers.splice(0)) await tracker.close()
})

const secret = new Uint8Array(32).fill(3)

function start(join: JoinHub, options: TrackerOptions = {}) {
  const log: LogEntry[] = []
  const tracker = createTracker({ secret, log: entry => log.push(entry), cluster: { join }, ...options })
  trackers.push(tracker)
  return { tracker, log }
}

const off = { policy: { mode: 'off' as const } }
const leech = { site: 'hq', policy: { mode: 'leech' as const } }

describe('trackers of one cluster', () => {
  it('need a secret', () => {
    expect(() => createTracker({ cluster: { join: createMemoryHub() } })).toThrow(/same secret/)
  })

  it('are ready when they have met, and have the rules of those before them', async () => {
    const join = createMemoryHub()
    const first = start(join, { rules: [leech] }).tracker
    expect(first.readiness.reasons()).toEqual(['joining the cluster'])
    await vi.waitFor(() => expect(first.readiness.reasons()).toEqual([]))
    const second = start(join, { rules: [] }).tracker
    await vi.waitFor(() => expect(second.readiness.reasons()).toEqual([]))
    expect(second.rules()).toEqual([leech])
    expect(second.readiness.notes()).toEqual([])
  })

  it('apply what was decided last, wherever', async () => {
    const join = createMemoryHub()
    const [one, two] = [start(join).tracker, start(join).tracker]
    await vi.waitFor(() => expect([one, two].flatMap(({ readiness }) => readiness.reasons())).toEqual([]))
    one.setOverride(null, { mode: 'off' })
    await vi.waitFor(() => expect(two.rules()).toEqual([off]))
    two.setRules([leech])
    await vi.waitFor(() => expect(one.rules()).toEqual([leech]))
    // Back to what it had itself decided before: that is a decision as well.
    one.setRules([off])
    await vi.waitFor(() => expect(two.rules()).toEqual([off]))
    two.setRules([])
    await vi.waitFor(() => expect(one.rules()).toEqual([]))
  })

  it('drain in time though the directory never answers, and are not ready from the first moment', async () => {
    const join = createMemoryHub()
    const { tracker } = start((node, events) => {
      const hub = join(node, events)
      return { ...hub, directory: { ...hub.directory, leave: () => new Promise(() => {}) } }
    })
    await vi.waitFor(() => expect(tracker.readiness.reasons()).toEqual([]))
    const drained = tracker.drain({ noticeMs: 0 })
    expect(tracker.readiness.reasons()).toEqual(['draining'])
    expect(await drained).toEqual({ left: 0, closed: 0, remaining: 0 })
  })

  it('say so when one of them has another secret', async () => {
    const join = createMemoryHub()
    const first = start(join)
    await vi.waitFor(() => expect(first.tracker.readiness.reasons()).toEqual([]))
    start(join)
    start(join, { secret: new Uint8Array(32).fill(4) })
    await vi.waitFor(() =>
      expect(first.log.filter(({ event }) => event === 'cluster-secret')).toHaveLength(1),
    )
  })
})
