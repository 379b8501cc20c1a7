import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Delivery, type PlayerPosition, type RequestOptions, SwarmError } from '@nearcast/peer-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TrackDirectory } from '../hls/track-directory.ts'
import { PlaylistFeed } from './playlist-feed.ts'
import { Seeder, type SeederOptions } from './seeder.ts'
import { createMemoryShelf } from './shelf.ts'

let server: Server
let base: string
const playlists = new Map<string, string>()
const open: { close(): void }[] = []

beforeEach(async () => {
  playlists.clear()
  server = createServer(({ url }, response) => response.end(playlists.get(url!) ?? ''))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  for (const each of open.splice(0)) each.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const segmentBytes = 1_000

function recording(count: number, map = ''): string {
  const segments = Array.from({ length: count }, (_, i) => `#EXTINF:2,\n${i}.m4s`)
  return `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${map}${segments.join('\n')}\n#EXT-X-ENDLIST\n`
}

function live(first: number, count: number): string {
  const segments = Array.from({ length: count }, (_, i) => `#EXTINF:2,\n${first + i}.ts`)
  return `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${segments.join('\n')}\n`
}

interface Asked {
  readonly key: string
  readonly options: RequestOptions
}

async function seed(
  paths: readonly string[],
  options: Partial<SeederOptions> = {},
  refuse: (key: string) => boolean = () => false,
) {
  const directory = new TrackDirectory({})
  const seederBox: { seeder: Seeder | null } = { seeder: null }
  const feeds: PlaylistFeed[] = paths.map(
    path =>
      new PlaylistFeed({
        url: base + path,
        directory,
        sidecar: 'never',
        other: () => feeds.find(({ placed }) => placed)?.placed ?? null,
        signal: new AbortController().signal,
        onControl: () => {},
        onWindow: () => seederBox.seeder?.update(),
        onTrouble: () => {},
      }),
  )
  for (const feed of feeds) await feed.load()
  const shelf = createMemoryShelf()
  const asked: Asked[] = []
  const positions: PlayerPosition[] = []
  const problems: string[] = []
  const done: string[] = []
  let atOnce = 0
  let mostAtOnce = 0
  const swarm: SeederOptions['swarm'] = {
    setPosition: position => positions.push(position),
    async request(track, key, options) {
      asked.push({ key, options })
      mostAtOnce = Math.max(mostAtOnce, ++atOnce)
      await pause(5)
      atOnce--
      if (refuse(key)) throw new SwarmError('edge-busy', key)
      const entry = { key, seq: 0, slot: 0, startMs: 0, durationMs: 0, size: segmentBytes, root: '' }
      await shelf.store.put({ track, entry }, new Uint8Array(segmentBytes))
      return delivery
    },
  }
  const seeder = new Seeder({
    swarm,
    isServing: () => true,
    hasCompany: () => false,
    feeds,
    shelf,
    cacheBytes: 1e9,
    onSegment: () => {},
    onProblem: reason => problems.push(reason),
    onDone: how => done.push(how),
    ...options,
  })
  seederBox.seeder = seeder
  open.push(seeder)
  return { seeder, feeds, asked, positions, problems, done, shelf, mostAtOnce: () => mostAtOnce }
}

const delivery: Delivery = {
  bytes: new Uint8Array(segmentBytes),
  origin: 'edge',
  edgeBytes: segmentBytes,
  groupBytes: 0,
  outsideBytes: 0,
  edgeBps: 1e6,
  verified: true,
}

const until = async (met: () => boolean) => {
  for (let i = 0; i < 200 && !met(); i++) await pause(20)
  expect(met()).toBe(true)
}

describe('a seeder of recordings', () => {
  it('takes everything once, one at a time, in the order of the film, and never in a hurry', async () => {
    playlists.set('/v/a.m3u8', recording(3, '#EXT-X-MAP:URI="init.mp4"\n'))
    playlists.set('/w/a.m3u8', recording(3))
    const { asked, done, seeder, mostAtOnce } = await seed(['/v/a.m3u8', '/w/a.m3u8'])
    await until(() => done.length > 0)
    expect(done).toEqual(['complete'])
    expect(asked.map(({ key }) => key.split(' ').at(key.startsWith('init') ? 1 : 2))).toEqual([
      '/v/init.mp4',
      '/v/0.m4s',
      '/w/0.m4s',
      '/v/1.m4s',
      '/w/1.m4s',
      '/v/2.m4s',
      '/w/2.m4s',
    ])
    expect(mostAtOnce()).toBe(1)
    for (const { options } of asked) {
      expect(options.urgency).toBe('play')
      expect(options.deadlineMs).toBeGreaterThanOrEqual(60_000)
    }
    expect(seeder.report()).toMatchObject({ cached: 7, listed: 7, segments: 7 })
  })

  it('takes nothing that is on the shelf', async () => {
    playlists.set('/v.m3u8', recording(3))
    const first = await seed(['/v.m3u8'])
    await until(() => first.done.length > 0)
    const second = await seed(['/v.m3u8'], { shelf: first.shelf })
    await until(() => second.done.length > 0)
    expect(second.asked).toEqual([])
  })

  it('stops at the end of its cache', async () => {
    playlists.set('/v.m3u8', recording(10))
    const { asked, done, problems } = await seed(['/v.m3u8'], { cacheBytes: 3.5 * segmentBytes })
    await until(() => done.length > 0)
    expect(done).toEqual(['full'])
    expect(problems).toEqual(['cache-full'])
    // Sizes are not told here: the one that does not fit shows only when it came.
    expect(asked.length).toBeLessThanOrEqual(4)
  })

  it('rests as long as a fetch took while others watch', async () => {
    playlists.set('/v.m3u8', recording(4))
    const started = performance.now()
    const { done } = await seed(['/v.m3u8'], { hasCompany: () => true })
    await until(() => done.length > 0)
    expect(performance.now() - started).toBeGreaterThanOrEqual(4 * 50)
  })

  it('goes on past what cannot be had, and says so once', async () => {
    playlists.set('/v.m3u8', recording(4))
    const { asked, done, problems, seeder } = await seed(['/v.m3u8'], {}, key => key.includes('/1.m4s'))
    await until(() => asked.length === 4)
    await pause(50)
    expect(seeder.report().cached).toBe(3)
    expect(problems).toEqual(['segment-failed'])
    expect(done).toEqual([])
  })

  it('fetches nothing while it may not serve', async () => {
    playlists.set('/v.m3u8', recording(4))
    const { asked } = await seed(['/v.m3u8'], { isServing: () => false })
    await pause(150)
    expect(asked).toEqual([])
  })

  it('plays nothing: it is no candidate for anybody’s turn', async () => {
    playlists.set('/v.m3u8', recording(1))
    const { positions } = await seed(['/v.m3u8'])
    expect(positions[0]).toMatchObject({ tracks: [], paused: false, goalMs: 0 })
    expect(positions[0]!.bufferMs).toBeGreaterThan(600_000)
  })

  it('stops when it is closed', async () => {
    playlists.set('/v.m3u8', recording(50))
    const { seeder, asked } = await seed(['/v.m3u8'])
    await until(() => asked.length > 2)
    seeder.close()
    const count = asked.length
    await pause(100)
    expect(asked.length).toBeLessThanOrEqual(count + 1)
  })
})

describe('a seeder of a live channel', () => {
  it('begins where a viewer would, and takes each new segment while it is listed', async () => {
    playlists.set('/v.m3u8', live(10, 6))
    const { feeds, asked, done } = await seed(['/v.m3u8'])
    await until(() => asked.length === 3)
    playlists.set('/v.m3u8', live(12, 6))
    await feeds[0]!.load()
    await until(() => asked.length === 5)
    expect(asked.map(({ key }) => Number(key.split(' ').at(-2)))).toEqual([13, 14, 15, 16, 17])
    // Until the window has moved past it.
    expect(asked[0]!.options.deadlineMs).toBe(6_000)
    expect(done).toEqual([])
  })

  it('begins anew when the encoder does', async () => {
    playlists.set('/v.m3u8', live(1_000, 4))
    const { feeds, asked } = await seed(['/v.m3u8'])
    await until(() => asked.length === 3)
    playlists.set('/v.m3u8', live(0, 4))
    await feeds[0]!.load()
    await until(() => asked.length === 6)
    expect(asked.slice(3).map(({ key }) => Number(key.split(' ').at(-2)))).toEqual([1, 2, 3])
  })
})
