import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlaylistWindow } from '../hls/playlist-window.ts'
import { TrackDirectory } from '../hls/track-directory.ts'
import { PlaylistFeed } from './playlist-feed.ts'

let server: Server
let base: string
let answer: (request: IncomingMessage, response: ServerResponse) => void
let askedAt: number[]
let abort: AbortController

beforeEach(async () => {
  askedAt = []
  abort = new AbortController()
  server = createServer((request, response) => {
    askedAt.push(performance.now())
    answer(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  abort.abort()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function feedOf(path: string) {
  const windows: PlaylistWindow[] = []
  const troubles: (string | null)[] = []
  let control = 0
  const feed = new PlaylistFeed({
    url: base + path,
    directory: new TrackDirectory({}),
    sidecar: 'announced',
    other: () => null,
    signal: abort.signal,
    onControl: bytes => {
      control += bytes
    },
    onWindow: window => windows.push(window),
    onTrouble: trouble => troubles.push(trouble),
  })
  return { feed, windows, troubles, control: () => control }
}

function live(first: number, count: number, extra = ''): string {
  const segments = Array.from({ length: count }, (_, i) => `#EXTINF:1,\n${first + i}.ts`)
  return `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:${first}\n${segments.join('\n')}\n${extra}`
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('a playlist feed', () => {
  it('names segments with init segments, byte ranges, gaps and discontinuities as the plugin does', async () => {
    answer = (_, response) =>
      response.end(`#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI="a.mp4",BYTERANGE="100@0"
#EXTINF:2,
#EXT-X-BYTERANGE:50@100
a.mp4
#EXTINF:2,
#EXT-X-GAP
gone.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4"
#EXTINF:1.5,
b1.m4s?token=x&id=2
#EXT-X-ENDLIST
`)
    const { feed, windows } = feedOf('/show/v.m3u8?token=abc&id=7')
    expect(await feed.load()).toBeNull()
    expect(feed.live).toBe(false)
    expect(feed.track).toBe('/show/v.m3u8?id=7')
    expect(windows).toHaveLength(1)
    expect(windows[0]!.sources.map(({ key }) => key)).toEqual([
      'init /show/a.mp4 0-100',
      'init /show/b.mp4 -',
      'media /show/v.m3u8?id=7 /show/a.mp4 100-150 5 3',
      'media /show/v.m3u8?id=7 /show/b1.m4s?id=2 - 7 4',
    ])
    expect(feed.items.map(({ source, init }) => [source.seq, source.startMs, init?.key])).toEqual([
      [5, 0, 'init /show/a.mp4 0-100'],
      [7, 4000, 'init /show/b.mp4 -'],
    ])
    expect(feed.from(6)?.source.seq).toBe(7)
    expect(feed.from(8)).toBeUndefined()
    expect(feed.at(1_900)?.source.seq).toBe(7)
  })

  it('resolves against where a redirect led, as players do', async () => {
    answer = ({ url }, response) => {
      if (url === '/a/v.m3u8') response.writeHead(302, { Location: '/b/w.m3u8' }).end()
      else response.end(live(0, 1, '#EXT-X-ENDLIST'))
    }
    const { feed } = feedOf('/a/v.m3u8')
    await feed.load()
    expect(feed.items[0]!.source.key).toBe('media /b/w.m3u8 /b/0.ts - 0 0')
  })

  it('reads a live playlist each target duration, after half of one when it is unchanged, until it ends', async () => {
    const bodies = [live(0, 3), live(1, 3), live(1, 3), live(2, 3, '#EXT-X-ENDLIST')]
    answer = (_, response) => response.end(bodies[Math.min(askedAt.length, bodies.length) - 1])
    const { feed, windows } = feedOf('/v.m3u8')
    await feed.load()
    await feed.follow()
    expect(askedAt).toHaveLength(4)
    const waits = askedAt.slice(1).map((at, i) => Math.round((at - askedAt[i]!) / 100) / 10)
    expect(waits[0]).toBeGreaterThanOrEqual(1)
    expect(waits[1]).toBeGreaterThanOrEqual(0.9)
    // The second answer was new, the third was not.
    expect(waits[2]).toBeGreaterThanOrEqual(0.5)
    expect(waits[2]).toBeLessThan(waits[1]!)
    expect(windows).toHaveLength(3)
    expect(feed.live).toBe(false)
    expect(feed.items.map(({ source }) => source.startMs)).toEqual([2_000, 3_000, 4_000])
  })

  it('asks only for what is new, and counts what came', async () => {
    const body = live(0, 3)
    let notModified = 0
    answer = (request, response) => {
      response.setHeader('ETag', '"1"')
      if (request.headers['if-none-match'] === '"1"') {
        notModified++
        response.writeHead(304).end()
      } else response.end(body)
    }
    const { feed, control } = feedOf('/v.m3u8')
    await feed.load()
    void feed.follow()
    await pause(2_300)
    expect(notModified).toBeGreaterThanOrEqual(2)
    expect(control()).toBe(body.length)
  })

  it('goes on through failures, and says when they begin and end', async () => {
    let isDown = false
    answer = (_, response) => {
      if (isDown) response.writeHead(503).end()
      else response.end(live(askedAt.length, 3))
    }
    const { feed, troubles, windows } = feedOf('/v.m3u8')
    await feed.load()
    isDown = true
    void feed.follow()
    await pause(2_200)
    expect(troubles).toEqual(['HTTP 503'])
    isDown = false
    await pause(2_500)
    expect(troubles).toEqual(['HTTP 503', null])
    expect(windows.length).toBeGreaterThan(1)
  })

  it('knows when an encoder was started again', async () => {
    answer = (_, response) => response.end(live(0, 3))
    const { feed } = feedOf('/v.m3u8')
    await feed.load()
    expect(feed.hasBegunAnew(3)).toBe(false)
    // A cache that is a little behind.
    expect(feed.hasBegunAnew(8)).toBe(false)
    expect(feed.hasBegunAnew(5_000)).toBe(true)
  })

  it.each([
    ['a page', '<html></html>', 'no media playlist'],
    ['a multivariant playlist', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n', 'no media playlist'],
  ])('refuses %s', async (_, body, why) => {
    answer = (_, response) => response.end(body)
    expect(await feedOf('/v.m3u8').feed.load()).toBe(why)
  })

  it('says why when nobody answers', async () => {
    const { feed } = feedOf('/v.m3u8')
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    expect(await feed.load()).toBe('ECONNREFUSED')
  })
})
