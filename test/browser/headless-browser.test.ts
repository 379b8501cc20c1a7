import { createHash } from 'node:crypto'
import { createHeadlessPeer, type HeadlessPeer, type TakenSegment } from '@nearcast/player-plugin/headless'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ViewerReport } from './pages/viewer.ts'
import { openStage, reportWhen, type Stage, until, type Viewer } from './stage.ts'

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

const stories = (report: ViewerReport) => report.snapshot?.swarm?.segments ?? []

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
      expect(await stage.expectTruth([report])).toBe(report.loaded.length)
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
    const { peer, taken } = await headless('live-fmp4', {})
    const viewer = await watch('live-fmp4')
    const linked = await reportWhen(
      viewer,
      ({ startMs, snapshot }) => startMs > 0 && snapshot?.swarm?.peers.length === 1,
    )
    // What one of them had begun before they met may have come twice.
    const before = new Set([
      ...taken.map(({ source }) => source.key),
      ...stories(linked).map(({ key }) => key),
    ])
    const both = (report: ViewerReport) => {
      const played = stories(report).filter(({ key, delivered }) => delivered && !before.has(key))
      return played.flatMap(story => {
        const other = taken.find(({ source }) => source.key === story.key)
        return other ? [{ edge: story.edgeBytes + other.delivery.edgeBytes, size: story.size }] : []
      })
    }
    // Ten segments of two tracks.
    const report = await reportWhen(viewer, report => both(report).length >= 20, 60_000)
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    const copies = sum(both(report).map(({ edge }) => edge)) / sum(both(report).map(({ size }) => size))
    console.log(`Node and Chromium: ${copies.toFixed(2)} copies of ${both(report).length} segments`)
    expect(copies).toBeLessThan(1.3)
    expect(report.stalls).toEqual([])
    expect(peer.report().playback).toMatchObject({ state: 'playing', stalls: 0 })
  })
})
