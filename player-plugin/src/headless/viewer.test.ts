import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Delivery, type PlayerPosition, type RequestOptions, SwarmError } from '@nearcast/peer-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TrackDirectory } from '../hls/track-directory.ts'
import { PlaylistFeed } from './playlist-feed.ts'
import { Viewer } from './viewer.ts'

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
  vi.useRealTimers()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const list = (first: number, count: number, tail = '') =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${Array.from(
    { length: count },
    (_, i) => `#EXTINF:2,\n${first + i}.ts`,
  ).join('\n')}\n${tail}`
const recording = (count: number) => list(0, count, '#EXT-X-ENDLIST')

const delivery: Delivery = {
  bytes: new Uint8Array(1),
  origin: 'held',
  edgeBytes: 0,
  groupBytes: 1,
  outsideBytes: 0,
  edgeBps: 0,
  verified: true,
}

/** @param refuse segments that fail, by sequence number */
async function view(paths: readonly string[], refuse: (seq: number) => boolean = () => false) {
  const directory = new TrackDirectory({})
  const feeds: PlaylistFeed[] = paths.map(
    path =>
      new PlaylistFeed({
        url: base + path,
        directory,
        sidecar: 'never',
        other: () => feeds.find(({ placed }) => placed)?.placed ?? null,
        signal: new AbortController().signal,
        onControl: () => {},
        onWindow: () => {},
        onTrouble: () => {},
      }),
  )
  for (const feed of feeds) await feed.load()
  const asked: { seq: number; track: string; at: number; options: RequestOptions }[] = []
  const positions: PlayerPosition[] = []
  const problems: string[] = []
  let hasEnded = false
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const began = performance.now()
  const viewer = new Viewer({
    swarm: {
      setPosition: position => positions.push(position),
      async request(track, key, options) {
        const seq = Number(key.split(' ').at(-2))
        asked.push({ seq, track, at: performance.now() - began, options })
        if (refuse(seq)) throw new SwarmError('edge-busy', key)
        return delivery
      },
    },
    feeds,
    goalMs: 10_000,
    onSegment: () => {},
    onProblem: reason => problems.push(reason),
    onEnded: () => {
      hasEnded = true
    },
  })
  open.push(viewer)
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
  return { viewer, feeds, asked, positions, problems, pass, ended: () => hasEnded }
}

describe('a viewer without a picture', () => {
  it('buffers to its goal and no further, then as fast as it plays', async () => {
    playlists.set('/v.m3u8', recording(20))
    const { asked, pass, viewer } = await view(['/v.m3u8'])
    await pass(1_000)
    // Five segments reach the goal of ten seconds.
    expect(asked.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5])
    await pass(10_000)
    expect(asked).toHaveLength(11)
    expect(viewer.report()).toMatchObject({ state: 'playing', stalls: 0 })
  })

  it('needs its first segment at once and the next when playback comes to it', async () => {
    playlists.set('/v.m3u8', recording(20))
    const { asked, pass } = await view(['/v.m3u8'])
    await pass(3_000)
    expect(asked[0]!.options).toMatchObject({ deadlineMs: 0, urgency: 'start' })
    expect(asked[3]!.options.urgency).toBe('play')
    expect(asked[3]!.options.deadlineMs).toBeGreaterThan(5_000)
    expect(asked[3]!.options.deadlineMs).toBeLessThanOrEqual(6_000)
  })

  it('plays a recording to its end and says so once it is there', async () => {
    playlists.set('/v.m3u8', recording(3))
    const { pass, ended, viewer, positions } = await view(['/v.m3u8'])
    await pass(5_500)
    expect(ended()).toBe(false)
    await pass(1_000)
    expect(ended()).toBe(true)
    expect(viewer.report()).toMatchObject({ state: 'ended', stalls: 0, segments: 3 })
    expect(positions.at(-1)).toMatchObject({ paused: true })
  })

  it('plays video and sound together: the shorter buffer counts', async () => {
    playlists.set('/v.m3u8', recording(5))
    playlists.set('/a.m3u8', recording(5))
    const { pass, viewer, positions } = await view(['/v.m3u8', '/a.m3u8'], () => false)
    await pass(500)
    expect(positions.at(-1)!.tracks).toEqual(['/v.m3u8', '/a.m3u8'])
    await pass(3_000)
    expect(viewer.report()).toMatchObject({ state: 'playing', segments: 10 })
  })

  it('begins a live channel three target durations behind its edge', async () => {
    playlists.set('/v.m3u8', list(50, 8))
    const { asked, pass, viewer } = await view(['/v.m3u8'])
    await pass(200)
    expect(asked[0]!.seq).toBe(55)
    expect(viewer.report().latencyMs).toBeLessThanOrEqual(6_000)
  })

  it('stalls when the live edge does not come, and goes on when it does', async () => {
    playlists.set('/v.m3u8', list(50, 8))
    const { feeds, pass, viewer } = await view(['/v.m3u8'])
    await pass(8_000)
    expect(viewer.report()).toMatchObject({ state: 'stalled', stalls: 1 })
    playlists.set('/v.m3u8', list(53, 8))
    await feeds[0]!.load()
    viewer.update()
    await pass(500)
    expect(viewer.report()).toMatchObject({ state: 'playing', stalls: 1, resyncs: 0 })
    expect(viewer.report().stalledMs).toBeGreaterThan(1_500)
  })

  it.each([
    ['the window moved past it', 200],
    ['the encoder began anew', 0],
  ])('goes on at the live edge when %s', async (_, first) => {
    playlists.set('/v.m3u8', list(50, 8))
    const { feeds, asked, pass, viewer, problems } = await view(['/v.m3u8'])
    await pass(7_000)
    playlists.set('/v.m3u8', list(first, 8))
    await feeds[0]!.load()
    viewer.update()
    await pass(500)
    expect(problems).toEqual(['resync'])
    expect(asked.at(-1)!.seq).toBe(first + 7)
    expect(viewer.report()).toMatchObject({ state: 'playing', resyncs: 1 })
  })

  it('tries a segment six times, further and further apart, and then leaves it out', async () => {
    playlists.set('/v.m3u8', recording(30))
    const { asked, pass, viewer, problems } = await view(['/v.m3u8'], seq => seq === 2)
    await pass(30_000)
    const tries = asked.filter(({ seq }) => seq === 2).map(({ at }) => at)
    expect(tries).toHaveLength(6)
    const waits = tries.slice(1).map((at, i) => Math.round((at - tries[i]!) / 1_000))
    expect(waits).toEqual([1, 2, 4, 8, 8])
    expect(problems).toEqual(['segment-failed'])
    expect(viewer.report()).toMatchObject({ lost: 1, stalls: 1, state: 'playing' })
  })
})
