import { type ListeningTracker, listenTracker } from '@nearcast/tracker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startProxyWithoutUpgrades } from '../support/proxy-without-upgrades.ts'
import type { ViewerReport } from './pages/viewer.ts'
import { openStage, reportWhen, type Stage } from './stage.ts'

/** Acceptance: real viewers in an office whose proxy answers every WebSocket with 403. */

let stage: Stage
let tracker: ListeningTracker
let proxy: Awaited<ReturnType<typeof startProxyWithoutUpgrades>>

beforeAll(async () => {
  stage = await openStage()
  tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {} })
  proxy = await startProxyWithoutUpgrades(tracker.port, 'refuse')
})
afterAll(async () => {
  await stage?.close()
  await tracker?.close()
  proxy?.close()
})

it('find each other over HTTP and swap segments', async () => {
  const url = stage.url('ts')
  const nearcast = { tracker: `ws://127.0.0.1:${proxy.port}` }
  const first = await stage.viewer()
  await first.start({ url, nearcast })
  await reportWhen(first, report => report.currentTime > 1)
  const second = await stage.viewer()
  await second.start({ url, nearcast })
  // One of them came first and gives; what is ahead of both is taken in turns.
  const given = (snapshot: ViewerReport['snapshot']) =>
    (snapshot?.swarm?.bytes.group ?? 0) + (snapshot?.swarm?.bytes.uploaded ?? 0)
  const [a, b] = await Promise.all(
    [first, second].map(viewer =>
      reportWhen(
        viewer,
        ({ snapshot }) => (snapshot?.swarm?.peers.length ?? 0) > 0 && given(snapshot) > 100_000,
      ),
    ),
  )
  expect(proxy.upgrades()).toBe(2)
  expect(tracker.tracker.stats().connections).toBe(2)
  for (const report of [a!, b!]) {
    expect(report.stalls).toEqual([])
    expect(report.errors).toEqual([])
  }
  expect(await stage.expectTruth([a!, b!])).toBeGreaterThan(2)
})
