import { createHash } from 'node:crypto'
import { createHeadlessPeer, type HeadlessPeer, type TakenSegment } from '@nearcast/player-plugin/headless'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ViewerReport } from './pages/viewer.ts'
import { openStage, pause, type Stage, until, type Viewer } from './stage.ts'

/** Node and Chromium in one swarm: what one names and gives, the other finds and plays. */

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  stage.demo.edge.setFault(null)
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const isMedia = (path: string) => /\.(ts|m4s|mp4)(\?|$)/.test(path)

function cutMedia(): void {
  stage.demo.edge.setFault(({ path }) => (isMedia(path) ? { type: 'status', status: 503 } : null))
}

async function headless(
  stream: string,
  options: Partial<Parameters<typeof createHeadlessPeer>[0]>,
): Promise<{ peer: HeadlessPeer; taken: TakenSegment[] }> {
  const taken: TakenSegment[] = []
  const peer = await createHeadlessPeer(
    { manifest: stage.url(stream), trackers: [stage.demo.announce], ...options },
    { onSegment: segment => taken.push(segment) },
  )
  cleanups.push(() => peer.close())
  return { peer, taken }
}

async function watch(stream: string, setup: Parameters<Viewer['start']>[0] = {}): Promise<Viewer> {
  const viewer = await stage.viewer()
  cleanups.push(() => viewer.close())
  await viewer.start({ url: stage.url(stream), ...setup })
  return viewer
}

async function reportWhen(
  viewer: Viewer,
  met: (report: ViewerReport) => boolean,
  withinMs = 20_000,
): Promise<ViewerReport> {
  let report = await viewer.report()
  await until(
    async () => {
      report = await viewer.report()
      return met(report)
    },
    withinMs,
    () => JSON.stringify({ ...report, snapshot: report.snapshot?.swarm?.bytes }),
  )
  return report
}

describe('a headless seed', () => {
  // Init segments and sound apart; byte ranges; a discontinuity; encryption; a name in the query.
  for (const stream of ['fmp4', 'byterange', 'discontinuity', 'aes', 'query-7']) {
    it(`feeds a browser "${stream}" whose edge has no media`, async () => {
      const { peer } = await headless(stream, { role: 'seed' })
      await peer.done
      cutMedia()
      const viewer = await watch(stream, { peersFirst: 1 })
      const report = await reportWhen(viewer, ({ currentTime }) => currentTime > 3)
      stage.demo.edge.setFault(null)
      const { swarm, contentId } = report.snapshot!
      expect(contentId).toBe(peer.report().contentId)
      expect(swarm!.bytes).toMatchObject({ edge: 0, outside: 0 })
      expect(swarm!.bytes.group).toBeGreaterThan(0)
      expect(swarm!.verification).toMatchObject({ banned: 0, unverifiedBytes: 0 })
      expect(report.loaded.length).toBeGreaterThan(3)
      for (const { url, from, to, sha256 } of report.loaded)
        expect(sha256, `${url} ${from}`).toBe(await stage.truth(url, from, to))
      expect(peer.report().bytes.uploaded).toBeGreaterThanOrEqual(swarm!.bytes.group)
    })
  }
})

describe('a browser', () => {
  it('feeds a headless viewer whose edge has no media', async () => {
    const viewer = await watch('fmp4')
    // hls.js takes the whole of this short film in one go.
    await reportWhen(viewer, ({ loaded }) => loaded.filter(({ url }) => url.includes('/high/')).length >= 10)
    cutMedia()
    const { peer, taken } = await headless('fmp4', {})
    await until(
      () => (peer.report().playback?.positionMs ?? 0) > 3_000,
      20_000,
      () => JSON.stringify(peer.report()),
    )
    stage.demo.edge.setFault(null)
    const report = peer.report()
    expect(report).toMatchObject({ p2pShare: 1, bytes: { edge: 0 }, playback: { stalls: 0, lost: 0 } })
    expect(report.verification).toMatchObject({ banned: 0, unverifiedBytes: 0 })
    expect(taken.length).toBeGreaterThan(6)
    for (const { source, delivery } of taken) {
      const { from, to } = source.range ?? { from: 0, to: 0 }
      const sha256 = createHash('sha256').update(delivery.bytes).digest('hex')
      expect(sha256, source.url).toBe(await stage.truth(source.url, from, to))
    }
  })

  it('and a headless viewer take one copy of a live channel together, and neither stalls', async () => {
    const { peer } = await headless('live-fmp4', {})
    const viewer = await watch('live-fmp4')
    await reportWhen(viewer, ({ startMs, snapshot }) => startMs > 0 && snapshot?.swarm?.peers.length === 1)
    await pause(4_000)
    const look = async () => {
      const report = await viewer.report()
      return [peer.report().bytes, report.snapshot!.swarm!.bytes].map(({ edge, group }) => ({ edge, group }))
    }
    const before = await look()
    await pause(10_000)
    const now = await look()
    const taken = now.map(({ edge, group }, i) => ({
      edge: edge - before[i]!.edge,
      group: group - before[i]!.group,
    }))
    const copies =
      taken.reduce((sum, { edge }) => sum + edge, 0) /
      Math.max(...taken.map(({ edge, group }) => edge + group))
    console.log(`Node and Chromium: ${copies.toFixed(2)} copies`)
    expect(copies).toBeLessThan(1.3)
    const report = await viewer.report()
    expect(report.stalls).toEqual([])
    expect(peer.report().playback).toMatchObject({ state: 'playing', stalls: 0 })
  })
})
