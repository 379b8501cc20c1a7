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
import { parse } from 'csv-parse/sync'
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

/** Of the live samples. */
const targetMs = 2_000

const isMedia = (path: string) => /\.(ts|m4s|mp4)(\?|$)/.test(path)

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

const playing = (...all: Started[]) =>
  until(
    () => all.every(({ peer }) => peer.report().playback?.state === 'playing'),
    15_000,
    () => all.map(({ peer }) => peer.report()),
  )

/**
 * How often each byte crossed the line, of segments that both took. They are counted from the second one on that both
 * began after they met: before, neither knew of the other.
 */
async function copiesTogether(one: Started, two: Started, segments: number): Promise<number> {
  await until(
    () => [one, two].every(({ peer }) => peer.report().peers === 1),
    15_000,
    () => [one, two].map(({ peer }) => peer.report()),
  )
  const seen = [...one.taken, ...two.taken].map(({ source }) => source.seq)
  const first = Math.max(...seen, -1) + 2
  const both = () =>
    one.taken.flatMap(({ source, delivery }) => {
      const other = two.taken.find(taken => taken.source.key === source.key)
      if (!other || source.seq < first) return []
      return [{ size: delivery.bytes.length, edge: delivery.edgeBytes + other.delivery.edgeBytes }]
    })
  await until(
    () => both().length >= segments,
    60_000,
    () => [one, two].map(({ peer }) => peer.report()),
  )
  return sum(both().map(({ edge }) => edge)) / sum(both().map(({ size }) => size))
}

describe('headless viewers', () => {
  const reports = (...all: Started[]) => all.map(({ peer }) => peer.report())

  function expectSmooth({ playback, verification }: HeadlessReport): void {
    expect(playback).toMatchObject({ state: 'playing', stalls: 0, lost: 0, resyncs: 0 })
    // Three target durations behind the newest segment that it knew of, as hls.js: less when it began late in the
    // life of that segment, more by a poll and a segment and what a busy machine adds.
    expect(playback!.latencyMs).toBeGreaterThan(1.5 * targetMs)
    expect(playback!.latencyMs).toBeLessThan(6 * targetMs)
    expect(verification).toMatchObject({ digests: 'present', banned: 0 })
  }

  it('watch a live channel with sound apart together: one copy crosses the line, and nobody stalls', async () => {
    const [first, second] = [await start('live-fmp4'), await start('live-fmp4')]
    await playing(first, second)
    // Ten of video, ten of sound.
    const copies = await copiesTogether(first, second, 20)
    const now = reports(first, second)
    now.forEach(expectSmooth)
    console.log(`two viewers: ${copies.toFixed(2)} copies`)
    expect(copies).toBeLessThan(1.3)
    expect(Math.max(...now.map(({ bytes }) => bytes.uploaded))).toBeGreaterThan(0)
    await Promise.all([...first.checks, ...second.checks])
    expect([...first.problems, ...second.problems]).toEqual([])
  })

  it('feed one that only takes', async () => {
    const first = await start('live-ts')
    await playing(first)
    const second = await start('live-ts', { mode: 'leech' })
    await playing(second)
    await until(
      () => second.peer.report().peers === 1,
      15_000,
      () => second.peer.report(),
    )
    const begun = second.taken.length + 1
    await until(
      () => second.taken.length >= begun + 10,
      60_000,
      () => second.peer.report(),
    )
    // The receiver first: meanwhile the giver may give more.
    const [two, one] = reports(second, first)
    expectSmooth(one!)
    expectSmooth(two!)
    expect(one!.infoHash).toBe(two!.infoHash)
    console.log(`the second took ${(100 * two!.p2pShare).toFixed(0)} % from the first`)
    // Its start alone comes from the edge; later a tail at most, should the first be held up.
    const later = second.taken.slice(begun).map(({ delivery }) => delivery)
    expect(sum(later.map(({ edgeBytes }) => edgeBytes))).toBeLessThanOrEqual(
      0.05 * sum(later.map(({ bytes }) => bytes.length)),
    )
    // What left the one arrives at the other, what was no longer waited for included: equal whenever nothing is on its way.
    const books = () => ({
      given: first.peer.report().bytes.uploaded,
      got: second.peer.report().bytes.group,
    })
    await until(() => books().given === books().got, 10_000, books)
    expect(two!.bytes.duplicate).toBeLessThan(0.15 * two!.bytes.group)
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
    await until(
      () => (viewer.peer.report().playback?.positionMs ?? 0) > 4_000,
      15_000,
      () => viewer.peer.report(),
    )
    const halfway = viewer.peer.report().playback!
    expect(halfway.positionMs).toBeLessThan(performance.now() - began)
    expect(halfway.positionMs + halfway.bufferMs).toBeGreaterThan(20_000)
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
    await playing(viewer)
    const copies = await copiesTogether(seed, viewer, 10)
    const [kept, played] = [seed.peer.report(), viewer.peer.report()]
    expect(played.playback).toMatchObject({ state: 'playing', stalls: 0 })
    expect(kept.seed!.cached).toBeGreaterThanOrEqual(4)
    console.log(`a seed and a viewer: ${copies.toFixed(2)} copies`)
    expect(copies).toBeLessThan(1.3)
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
      15_000,
      () => viewer.peer.report(),
    )
    demo.tracker.setOverride(null, { mode: 'off' })
    await until(
      () => viewer.peer.report().peers === 0 && seed.peer.report().peers === 0,
      15_000,
      () => viewer.peer.report(),
    )
    // What was on its way may still arrive.
    await pause(2_000)
    const taken = () => seed.peer.report().segments
    const before = taken()
    const position = () => viewer.peer.report().playback!.positionMs
    const goal = position() + 5_000
    await until(
      () => position() > goal,
      20_000,
      () => viewer.peer.report(),
    )
    expect(taken()).toBe(before)
    expect(viewer.peer.report().playback).toMatchObject({ state: 'playing', stalls: 0 })
    demo.tracker.setOverride(null, null)
    await until(
      () => taken() > before && viewer.peer.report().peers === 1,
      15_000,
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

describe('the dashboard', () => {
  const figures = async (title: string) => {
    const token = new URL(demo.dashboard).searchParams.get('key')
    const answer = await fetch(new URL('/dashboard/export.csv', demo.url), {
      headers: { Authorization: `Bearer ${token}` },
    })
    const rows = parse(await answer.text(), { columns: true }) as Record<string, string>[]
    return rows.find(({ content }) => content === title)
  }

  it('counts a seed beside the viewers, what it took from the edge, and one copy for those who watch', async () => {
    const { title } = demo.streams.find(({ name }) => name === 'fmp4')!
    const seed = await start('fmp4', { role: 'seed', rendition: 'highest' })
    await until(
      () => seed.peer.report().seed?.done === 'complete',
      20_000,
      () => seed.peer.report().seed,
    )
    await start('fmp4', { rendition: 'highest' })
    let row: Record<string, string> | undefined
    const end = performance.now() + 30_000
    while (row?.['nodes'] !== '1' || row?.['viewers'] !== '1' || Number(row?.['oneCopyBytes']) === 0) {
      if (performance.now() > end) throw new Error(JSON.stringify(row))
      await pause(500)
      row = await figures(title)
    }
    expect(row['ok now']).toBe('1')
    expect(Number(row['edgeBytes'])).toBeGreaterThanOrEqual(seed.peer.report().bytes.edge)
    expect(Number(row['oneCopyBytes'])).toBeLessThanOrEqual(Number(row['watchedBytes']))
    expect(Number(row['groupBytes'])).toBeGreaterThan(0)
  })
})
