import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createHeadlessPeer,
  type HeadlessOptions,
  type HeadlessPeer,
  type HeadlessReport,
  type TakenSegment,
} from '@nearcast/player-plugin/headless'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../../examples/demo/server.ts'

/** Peers without a screen against the real tracker, edge and live channels, over real WebRTC. */

let demo: Demo

beforeAll(async () => {
  demo = await startDemo({ port: 0, host: '127.0.0.1', media: { type: 'samples' }, sites: null })
})
afterAll(() => demo?.close())

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  demo.edge.setFault(null)
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function until(met: () => boolean, withinMs: number, describe: () => unknown): Promise<void> {
  const end = performance.now() + withinMs
  while (!met()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(describe())}`)
    await pause(50)
  }
}

interface Started {
  readonly peer: HeadlessPeer
  readonly taken: TakenSegment[]
  /** Each taken segment held against the edge's own bytes. */
  readonly checks: Promise<void>[]
  readonly problems: string[]
}

async function start(stream: string, options: Partial<HeadlessOptions> = {}, check = true): Promise<Started> {
  const found = demo.streams.find(({ name }) => name === stream)!
  const taken: TakenSegment[] = []
  const checks: Promise<void>[] = []
  const problems: string[] = []
  const peer = await createHeadlessPeer(
    { manifest: new URL(found.url, demo.url).href, trackers: [demo.announce], ...options },
    {
      onSegment(segment) {
        taken.push(segment)
        if (check) checks.push(expectTruth(segment))
      },
      onProblem: ({ message }) => problems.push(message),
    },
  )
  cleanups.push(() => peer.close())
  return { peer, taken, checks, problems }
}

/** At once: a live channel soon forgets. */
async function expectTruth({ source, delivery }: TakenSegment): Promise<void> {
  const { url, range } = source
  const headers: Record<string, string> = range ? { Range: `bytes=${range.from}-${range.to - 1}` } : {}
  const response = await fetch(url, { headers })
  expect(response.ok, url).toBe(true)
  const truth = new Uint8Array(await response.arrayBuffer())
  expect(sha256(delivery.bytes), url).toBe(sha256(truth))
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const isMedia = (path: string) => /\.(ts|m4s|mp4)(\?|$)/.test(path)

/** Media bytes since an earlier look: over the line, and one copy of what was watched. */
function since(before: readonly HeadlessReport[], now: readonly HeadlessReport[]) {
  const taken = now.map(({ bytes }, i) => {
    const { edge, group } = before[i]!.bytes
    return { edge: bytes.edge - edge, group: bytes.group - group }
  })
  const line = taken.reduce((sum, { edge }) => sum + edge, 0)
  return { line, copy: Math.max(...taken.map(({ edge, group }) => edge + group)) }
}

describe('headless viewers', () => {
  const reports = (...all: Started[]) => all.map(({ peer }) => peer.report())

  function expectSmooth({ playback, verification }: HeadlessReport): void {
    expect(playback).toMatchObject({ state: 'playing', stalls: 0, lost: 0, resyncs: 0 })
    // Three target durations behind the edge, as hls.js, give or take a poll and a segment.
    expect(playback!.latencyMs).toBeGreaterThan(4_000)
    expect(playback!.latencyMs).toBeLessThan(10_500)
    expect(verification).toMatchObject({ digests: 'present', banned: 0 })
  }

  it('watch a live channel with sound apart together: one copy crosses the line, and nobody stalls', async () => {
    const [first, second] = [await start('live-fmp4'), await start('live-fmp4')]
    await pause(5_000)
    const before = reports(first, second)
    await pause(10_000)
    const now = reports(first, second)
    now.forEach(expectSmooth)
    const { line, copy } = since(before, now)
    console.log(`two viewers: ${(line / copy).toFixed(2)} copies`)
    expect(line / copy).toBeLessThan(1.3)
    expect(Math.max(...now.map(({ bytes }) => bytes.uploaded))).toBeGreaterThan(0)
    await Promise.all([...first.checks, ...second.checks])
    expect([...first.problems, ...second.problems]).toEqual([])
  })

  it('feed one that only takes', async () => {
    const first = await start('live-ts')
    await until(
      () => first.peer.report().playback?.state === 'playing',
      5_000,
      () => first.peer.report(),
    )
    const second = await start('live-ts', { mode: 'leech' })
    await pause(4_000)
    const before = reports(first, second)
    await pause(12_000)
    const [one, two] = reports(first, second)
    expectSmooth(one!)
    expectSmooth(two!)
    expect(one!.infoHash).toBe(two!.infoHash)
    console.log(`the second took ${(100 * two!.p2pShare).toFixed(0)} % from the first`)
    // Its start alone may come from the edge.
    expect(two!.p2pShare).toBeGreaterThanOrEqual(0.6)
    expect(two!.bytes.edge).toBe(before[1]!.bytes.edge)
    expect(one!.bytes.uploaded).toBe(two!.bytes.group + two!.bytes.duplicate)
    expect(two!.bytes.uploaded).toBe(0)
    await Promise.all([...first.checks, ...second.checks])
    expect(second.checks.length).toBeGreaterThan(5)
    expect([...first.problems, ...second.problems]).toEqual([])
  })

  it('plays a recording with byte ranges and sound apart to its end, in real time', async () => {
    const viewer = await start('byterange')
    const began = performance.now()
    let isDone = false
    void viewer.peer.done.then(() => {
      isDone = true
    })
    await pause(5_000)
    const halfway = viewer.peer.report().playback!
    expect(halfway.positionMs).toBeGreaterThan(4_000)
    expect(halfway.positionMs).toBeLessThan(5_500)
    expect(halfway.bufferMs).toBeGreaterThan(15_000)
    expect(isDone).toBe(false)
    await viewer.peer.done
    expect(performance.now() - began).toBeGreaterThan(23_500)
    expect(viewer.peer.report().playback).toMatchObject({ state: 'ended', stalls: 0 })
    await Promise.all(viewer.checks)
    const segments = 12
    // Video and sound, each with one init segment.
    expect(viewer.taken).toHaveLength(2 * (segments + 1))
  })
})

describe('a headless seed', () => {
  it('fills its cache, finds it again after a restart, and feeds a viewer while the edge has no media', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'nearcast-seed-'))
    cleanups.push(() => rm(cacheDir, { recursive: true, force: true }))
    const first = await start('fmp4', { role: 'seed', cacheDir })
    await first.peer.done
    const full = first.peer.report()
    // Two renditions and the sound, twenty segments and an init segment each.
    expect(full.seed).toMatchObject({ cached: 63, listed: 63, done: 'complete' })
    await Promise.all(first.checks)
    await first.peer.close()

    demo.edge.setFault(({ path }) => (isMedia(path) ? { type: 'status', status: 503 } : null))
    const second = await start('fmp4', { role: 'seed', cacheDir }, false)
    await second.peer.done
    expect(second.peer.report()).toMatchObject({
      seed: { cached: 63, listed: 63 },
      cache: { segments: 63, bytes: full.cache.bytes },
      bytes: { edge: 0 },
    })
    expect(second.taken).toEqual([])

    const viewer = await start('fmp4', {}, false)
    await until(
      () => (viewer.peer.report().playback?.bufferMs ?? 0) > 25_000,
      20_000,
      () => viewer.peer.report(),
    )
    const report = viewer.peer.report()
    expect(report).toMatchObject({ bytes: { edge: 0 }, p2pShare: 1 })
    expect(report.playback).toMatchObject({ stalls: 0, lost: 0 })
    expect(report.verification.unverifiedBytes).toBe(0)
    demo.edge.setFault(null)
    await Promise.all(viewer.taken.map(expectTruth))
    expect(viewer.taken.length).toBeGreaterThan(20)
  })

  it('follows a live channel at its edge without ever standing in a viewer’s way', async () => {
    const seed = await start('live-ts', { role: 'seed', rendition: 'highest' })
    const viewer = await start('live-ts')
    await pause(4_000)
    const before = [seed.peer.report(), viewer.peer.report()]
    await pause(8_000)
    const [kept, played] = [seed.peer.report(), viewer.peer.report()]
    expect(played.playback).toMatchObject({ state: 'playing', stalls: 0 })
    expect(kept.seed!.cached).toBeGreaterThanOrEqual(4)
    const { line, copy } = since(before, [kept, played])
    console.log(`a seed and a viewer: ${(line / copy).toFixed(2)} copies`)
    expect(line / copy).toBeLessThan(1.3)
    await Promise.all([...seed.checks, ...viewer.checks])
  })

  it('keeps within its cache and says that it is full', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'nearcast-small-'))
    cleanups.push(() => rm(cacheDir, { recursive: true, force: true }))
    const seed = await start('ts', { role: 'seed', cacheDir, cacheBytes: 500_000 })
    await seed.peer.done
    const report = seed.peer.report()
    expect(report.seed!.done).toBe('full')
    expect(report.cache.bytes).toBeLessThanOrEqual(500_000)
    expect(report.cache.bytes).toBeGreaterThan(300_000)
    expect(seed.problems).toEqual([expect.stringContaining('cache is full')])
  })

  it('never means to fill the disk', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'nearcast-large-'))
    cleanups.push(() => rm(cacheDir, { recursive: true, force: true }))
    const seed = await start('aes', { role: 'seed', cacheDir, cacheBytes: 1e17 })
    expect(seed.problems).toEqual([expect.stringMatching(/has room for [\d.]+ [MGT]B, not/)])
    expect(seed.peer.report().cache.limit).toBeLessThan(1e17)
  })

  it('refuses a cache that another peer of the same content uses', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'nearcast-shared-'))
    cleanups.push(() => rm(cacheDir, { recursive: true, force: true }))
    await start('ts', { role: 'seed', cacheDir })
    await expect(start('ts', { role: 'seed', cacheDir })).rejects.toMatchObject({ reason: 'cache-in-use' })
    await expect(start('aes', { role: 'seed', cacheDir })).resolves.toBeDefined()
  })
})

describe('headless peers that the tracker switches off', () => {
  afterEach(() => demo.tracker.setOverride(null, null))

  it('play on from the edge, and seed nothing until they may again', async () => {
    const seed = await start('live-ts', { role: 'seed', rendition: 180 })
    const viewer = await start('live-ts', { rendition: 180 })
    await until(
      () => viewer.peer.report().peers === 1,
      5_000,
      () => viewer.peer.report(),
    )
    demo.tracker.setOverride(null, { mode: 'off' })
    await until(
      () => viewer.peer.report().peers === 0 && seed.peer.report().peers === 0,
      5_000,
      () => viewer.peer.report(),
    )
    await pause(500)
    const taken = () => seed.peer.report().segments
    const before = taken()
    await pause(5_000)
    expect(taken()).toBe(before)
    expect(viewer.peer.report().playback).toMatchObject({ state: 'playing', stalls: 0 })
    demo.tracker.setOverride(null, null)
    await until(
      () => taken() > before && viewer.peer.report().peers === 1,
      8_000,
      () => seed.peer.report(),
    )
  })
})

describe('a headless peer that cannot start', () => {
  it.each([
    ['a manifest that is not there', { manifest: '/nothing.m3u8' }, 'manifest-unreachable'],
    ['a page instead of a manifest', { manifest: '/' }, 'not-a-playlist'],
    [
      'a height that the stream has not',
      { manifest: '/ts/master.m3u8', rendition: 999 },
      'no-such-rendition',
    ],
    [
      'a cache that cannot be written',
      { manifest: '/ts/master.m3u8', cacheDir: '/dev/null/cache' },
      'cache-unwritable',
    ],
  ])('says why: %s', async (_, { manifest, ...options }, reason) => {
    const starting = createHeadlessPeer({
      manifest: new URL(manifest, demo.url).href,
      trackers: [demo.announce],
      ...options,
    })
    await expect(starting).rejects.toMatchObject({ reason, remedy: expect.stringMatching(/\.$/) })
  })
})
