import { createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEdgeSource } from '@nearcast/edge-fallback'
import {
  createEdge,
  createLiveChannel,
  type EdgeOptions,
  type EdgeServer,
  type Listening,
  listen,
  queryFolder,
} from '@nearcast/edge-fallback/server'
import {
  createHasher,
  digestOfInit,
  listMatches,
  parseDigestTags,
  parseSidecarHeader,
  parseSidecarPage,
  segmentRoot,
  sidecarRange,
  sidecarUrl,
} from '@nearcast/peer-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const hasher = createHasher()
const media = Array.from({ length: 5 }, (_, i) => randomBytes(40_000 + i * 17_001))
const single = Buffer.concat(media)
let dir: string
let outside: string

beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), 'nearcast-outside-'))
  writeFileSync(join(outside, 'secret.ts'), 'secret')
  dir = mkdtempSync(join(tmpdir(), 'nearcast-edge-'))
  for (const folder of ['vod', 'vod/7', 'vod/8']) mkdirSync(join(dir, folder), { recursive: true })
  for (const [i, bytes] of media.entries()) {
    writeFileSync(join(dir, `vod/s${i}.ts`), bytes)
    writeFileSync(join(dir, `vod/7/s${i}.ts`), bytes)
    writeFileSync(join(dir, `vod/8/s${i}.ts`), bytes.subarray(1))
  }
  writeFileSync(join(dir, 'vod/all.mp4'), single)
  writeFileSync(join(dir, '.hidden.ts'), 'hidden')
  symlinkSync(outside, join(dir, 'way-out'))
  symlinkSync(join(outside, 'secret.ts'), join(dir, 'vod/link.ts'))
  symlinkSync(join(dir, 'vod/s0.ts'), join(dir, 'vod/inside.ts'))
  writeFileSync(join(dir, 'vod/index.m3u8'), playlistOf(media.map((_, i) => `s${i}.ts`)))
  for (const id of [7, 8])
    writeFileSync(join(dir, `vod/${id}/w.m3u8`), playlistOf(media.map((_, i) => `s${i}.ts?id=${id}`)))
  let at = 0
  const ranges = media.map(bytes => {
    at += bytes.length
    return `#EXTINF:2,\n#EXT-X-BYTERANGE:${bytes.length}@${at - bytes.length}\nall.mp4`
  })
  writeFileSync(
    join(dir, 'vod/ranges.m3u8'),
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="all.mp4",BYTERANGE="1000@0"\n${ranges.join('\n')}\n#EXT-X-ENDLIST\n`,
  )
})

afterAll(() => {
  rmSync(dir, { recursive: true })
  rmSync(outside, { recursive: true })
})

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function playlistOf(uris: readonly string[], live = false): string {
  const segments = uris.map(uri => `#EXTINF:2,\n${uri}`).join('\n')
  return `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n${segments}\n${live ? '' : '#EXT-X-ENDLIST\n'}`
}

async function start(options: EdgeOptions): Promise<EdgeServer & Listening> {
  const edge = createEdge(options)
  const server = await listen(edge.app, { port: 0, host: '127.0.0.1' })
  closers.push(
    () => edge.close(),
    () => server.close(),
  )
  return { ...edge, ...server, close: server.close }
}

async function origin(
  handler: (request: IncomingMessage, response: ServerResponse, n: number) => void,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url}${request.headers.range ? ` ${request.headers.range}` : ''}`)
    handler(request, response, asked.length - 1)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const bytesOf = async (url: string, init?: RequestInit) =>
  Buffer.from(await (await fetch(url, init)).arrayBuffer())

/** A request whose path no client library tidies up. */
function raw(url: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    })
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('end', () =>
      resolve({ status: Number(text.slice(9, 12)), body: text.slice(text.indexOf('\r\n\r\n')) }),
    )
    socket.on('error', reject)
  })
}

describe('a served directory', () => {
  it('answers GET and HEAD with the right type, length, validator and open CORS', async () => {
    const { url } = await start({ dir })
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(`${url}/vod/s0.ts`, { method })
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'video/mp2t',
        'content-length': String(media[0]!.length),
        'accept-ranges': 'bytes',
        'access-control-allow-origin': '*',
        etag: expect.stringMatching(/^"[^"]+"$/),
      })
      const exposed = response.headers.get('access-control-expose-headers')!.split(', ')
      expect(exposed).toEqual(
        expect.arrayContaining(['ETag', 'Content-Range', 'Content-Length', 'Accept-Ranges', 'Repr-Digest']),
      )
      const body = Buffer.from(await response.arrayBuffer())
      expect(body.equals(method === 'GET' ? media[0]! : Buffer.alloc(0))).toBe(true)
    }
  })

  it.each([
    ['bytes=100-199', 206, 100, 200],
    ['bytes=39000-', 206, 39_000, 40_000],
    ['bytes=-1', 206, 39_999, 40_000],
    ['bytes=0-0,5-5', 200, 0, 40_000],
    ['nonsense', 200, 0, 40_000],
  ])('answers %s', async (range, status, from, to) => {
    const { url } = await start({ dir })
    const response = await fetch(`${url}/vod/s0.ts`, { headers: { range } })
    expect(response.status).toBe(status)
    if (status === 206) expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/40000`)
    expect(Buffer.from(await response.arrayBuffer()).equals(media[0]!.subarray(from, to))).toBe(true)
  })

  it('answers a range beyond the end with 416 and the length', async () => {
    const { url } = await start({ dir })
    const response = await fetch(`${url}/vod/s0.ts`, { headers: { range: 'bytes=40000-' } })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */40000'])
  })

  it('honours If-None-Match, If-Modified-Since and If-Range', async () => {
    const { url } = await start({ dir })
    const { headers } = await fetch(`${url}/vod/s0.ts`, { method: 'HEAD' })
    const etag = headers.get('etag')!
    const status = async (conditions: Record<string, string>) =>
      (await fetch(`${url}/vod/s0.ts`, { headers: conditions })).status
    expect(await status({ 'if-none-match': `"other", W/${etag}` })).toBe(304)
    expect(await status({ 'if-none-match': '"other"' })).toBe(200)
    expect(await status({ 'if-modified-since': headers.get('last-modified')! })).toBe(304)
    expect(await status({ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(200)
    expect(await status({ range: 'bytes=0-9', 'if-range': etag })).toBe(206)
    expect(await status({ range: 'bytes=0-9', 'if-range': '"other"' })).toBe(200)
    expect(await status({ range: 'bytes=0-9', 'if-range': `W/${etag}` })).toBe(200)
  })

  it('answers preflights, those for private networks too', async () => {
    const { url } = await start({ dir })
    const response = await fetch(`${url}/vod/s0.ts`, {
      method: 'OPTIONS',
      headers: {
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,if-range',
        'access-control-request-private-network': 'true',
      },
    })
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-headers': 'authorization,if-range',
      'access-control-allow-private-network': 'true',
    })
  })

  it.each([
    '/../secret.ts',
    '/vod/../../secret.ts',
    '/%2e%2e/secret.ts',
    '/..%2fsecret.ts',
    '/%252e%252e%252fsecret.ts',
    '/..%5csecret.ts',
    '/vod\\..\\..\\secret.ts',
    '/vod/s0.ts%00.txt',
    '/way-out/secret.ts',
    '/vod/link.ts',
    '/.hidden.ts',
    '/vod',
    '/vod/',
    '/nothing.ts',
  ])('has nothing at %s', async path => {
    const { url } = await start({ dir })
    const { status, body } = await raw(url, path)
    expect([400, 404]).toContain(status)
    expect(body).not.toContain('secret')
    expect(body).not.toContain('hidden')
  })

  it('follows links that stay inside, and refuses other methods', async () => {
    const { url } = await start({ dir })
    expect((await fetch(`${url}/vod/inside.ts`)).status).toBe(200)
    expect((await fetch(`${url}/vod/s0.ts`, { method: 'POST', body: 'x' })).status).toBe(405)
  })

  it('reads a large file only as fast as it is taken', async () => {
    const file = join(dir, 'large.ts')
    writeFileSync(file, Buffer.alloc(96 << 20))
    const { url, log } = await start({ dir })
    await new Promise<void>((resolve, reject) => {
      const client = httpRequest(`${url}/large.ts`, response => {
        response.once('readable', () => {
          response.read(1)
          // Taking nothing more: what was read now waits in socket buffers, and no more is read.
          setTimeout(() => {
            client.destroy()
            resolve()
          }, 300)
        })
      })
      client.on('error', reject)
      client.end()
    })
    await expect.poll(() => log.entries.at(-1)?.end).toBe('left')
    // All that was read of it, wherever it waited.
    expect(log.entries.at(-1)!.bytes).toBeLessThan(32 << 20)
    rmSync(file)
  })

  it('logs who took how many bytes, without saying where they live', async () => {
    const { url, log } = await start({ dir })
    await bytesOf(`${url}/vod/s0.ts?t=1`, { headers: { range: 'bytes=0-99' } })
    await bytesOf(`${url}/none.ts`)
    await expect.poll(() => log.entries.length).toBe(2)
    expect(log.entries[0]).toMatchObject({
      method: 'GET',
      path: '/vod/s0.ts?t=1',
      range: 'bytes=0-99',
      status: 206,
      bytes: 100,
      end: 'complete',
    })
    expect(log.entries[1]).toMatchObject({ status: 404 })
    expect(log.entries[0]!.client).toMatch(/^[0-9a-f]{12}$/)
    expect(log.entries[0]!.client).toBe(log.entries[1]!.client)
    expect(JSON.stringify(log.entries)).not.toContain('127.0.0.1')
  })
})

describe('digests', () => {
  async function verify(url: string, playlist: string): Promise<number> {
    const at = `${url}${playlist}`
    const text = await (await fetch(at)).text()
    const { segments } = parseDigestTags(text, at)
    for (const [seq, { size, root, hashesUrl }] of segments) {
      expect(size).toBe(media[seq]!.length)
      expect(root).toBe(await segmentRoot(media[seq]!, hasher))
      const response = await fetch(hashesUrl)
      expect(response.headers.get('cache-control')).toContain('immutable')
      expect(await listMatches(new Uint8Array(await response.arrayBuffer()), size, root, hasher)).toBe(true)
    }
    return segments.size
  }

  it('stand in the first playlist that is served, with lists at their root', async () => {
    const { url } = await start({ dir })
    expect(await verify(url, '/vod/index.m3u8')).toBe(5)
  })

  it('cover byte ranges and init segments', async () => {
    const { url } = await start({ dir })
    expect(await verify(url, '/vod/ranges.m3u8')).toBe(5)
    const at = `${url}/vod/ranges.m3u8`
    const table = parseDigestTags(await (await fetch(at)).text(), at)
    expect(digestOfInit(table, `${url}/vod/all.mp4`, { from: 0, to: 1000 })?.root).toBe(
      await segmentRoot(single.subarray(0, 1000), hasher),
    )
  })

  it('hold below any path where the app is mounted', async () => {
    const { Hono } = await import('hono')
    const edge = createEdge({ dir, basePath: '/media/x' })
    const app = new Hono().get('/', context => context.text('page')).route('/media/x', edge.app)
    const server = await listen(app, { port: 0, host: '127.0.0.1' })
    closers.push(
      () => edge.close(),
      () => server.close(),
    )
    expect(await (await fetch(server.url)).text()).toBe('page')
    expect(await verify(server.url, '/media/x/vod/index.m3u8')).toBe(5)
  })

  it('follow manifests that are named by their query', async () => {
    const { url } = await start({ dir, map: queryFolder('id') })
    expect(await verify(url, '/vod/w.m3u8?id=7')).toBe(5)
    const at = `${url}/vod/w.m3u8?id=8`
    const other = parseDigestTags(await (await fetch(at)).text(), at)
    expect(other.segments.get(0)?.size).toBe(media[0]!.length - 1)
    expect((await bytesOf(`${url}/vod/s0.ts?id=8`)).length).toBe(media[0]!.length - 1)
  })

  it('come as a sidecar too, of which a page is enough', async () => {
    const { url } = await start({ dir })
    const at = `${url}/vod/ranges.m3u8?x=1`
    const beside = sidecarUrl(at)
    const headText = (await bytesOf(beside, { headers: { range: 'bytes=0-4095' } })).toString()
    const header = parseSidecarHeader(headText)!
    expect(header.count).toBe(6)
    const { from, to } = sidecarRange(header, 3, 2)!
    const page = (await bytesOf(beside, { headers: { range: `bytes=${from}-${to - 1}` } })).toString()
    const table = parseSidecarPage(page, header, at)
    expect([...table.segments.keys()]).toEqual([2, 3])
    expect(table.segments.get(2)!.root).toBe(await segmentRoot(media[2]!, hasher))
    expect((await fetch(table.segments.get(2)!.hashesUrl)).status).toBe(200)
  })

  it('of whole files are Repr-Digest fields, when known or wanted', async () => {
    const { url } = await start({ dir })
    const expected = `sha-256=:${createHash('sha256').update(media[1]!).digest('base64')}:`
    const field = async (headers: Record<string, string> = {}) =>
      (await fetch(`${url}/vod/s1.ts`, { headers, method: 'HEAD' })).headers.get('repr-digest')
    expect(await field()).toBeNull()
    expect(await field({ 'want-repr-digest': 'sha-256=10' })).toBe(expected)
    expect(await field()).toBe(expected)
  })

  it('are left as their publisher wrote them', async () => {
    const text = `${playlistOf(['s0.ts'])}#EXT-X-NEARCAST:VERSION=1,HASHES="h/{root}"\n`
    writeFileSync(join(dir, 'vod/own.m3u8'), text)
    const { url } = await start({ dir })
    expect(await (await fetch(`${url}/vod/own.m3u8`)).text()).toBe(text)
  })

  it('change with the file, and so does the validator of the playlist', async () => {
    writeFileSync(join(dir, 'vod/changing.ts'), 'one')
    writeFileSync(join(dir, 'vod/changing.m3u8'), playlistOf(['changing.ts']))
    const { url } = await start({ dir })
    const first = await fetch(`${url}/vod/changing.m3u8`)
    writeFileSync(join(dir, 'vod/changing.ts'), 'two!')
    // A playlist is good for a second, so that a crowd that presses play costs one look at its segments.
    const later = async () => (await fetch(`${url}/vod/changing.m3u8`)).headers.get('etag')
    await expect.poll(later, { timeout: 5000 }).not.toBe(first.headers.get('etag'))
    const second = await fetch(`${url}/vod/changing.m3u8`)
    expect(parseDigestTags(await second.text(), second.url).segments.get(0)?.size).toBe(4)
  })

  it('cost the line little: playlists go compressed to whoever takes that', async () => {
    const { url, log } = await start({ dir })
    const at = `${url}/vod/index.m3u8`
    const [plain, packed] = await Promise.all(
      ['identity', 'gzip'].map(encoding => fetch(at, { headers: { 'accept-encoding': encoding } })),
    )
    expect([plain!.headers.get('content-encoding'), packed!.headers.get('content-encoding')]).toEqual([
      null,
      'gzip',
    ])
    expect(packed!.headers.get('etag')).not.toBe(plain!.headers.get('etag'))
    expect(packed!.headers.get('vary')).toContain('Accept-Encoding')
    expect(await packed!.text()).toBe(await plain!.text())
    const [more, less] = log.entries.map(entry => entry.bytes).toSorted((a, b) => b - a)
    expect(less! / more!).toBeLessThan(0.75)
    const again = { 'accept-encoding': 'gzip', 'if-none-match': packed!.headers.get('etag')! }
    expect((await fetch(at, { headers: again })).status).toBe(304)
    const refused = await fetch(at, { headers: { 'accept-encoding': 'gzip;q=0, identity' } })
    expect(refused.headers.get('content-encoding')).toBeNull()
    const head = await fetch(at, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })
    expect(Number(head.headers.get('content-length'))).toBe(less)
    expect(head.headers.get('etag')).toBe(packed!.headers.get('etag'))
    // A part is one of the text.
    const part = await fetch(at, { headers: { 'accept-encoding': 'gzip', range: 'bytes=0-6' } })
    expect([part.status, part.headers.get('content-encoding')]).toEqual([206, null])
    expect(part.headers.get('vary')).toContain('Accept-Encoding')
    expect(await part.text()).toBe('#EXTM3U')
    // Media stays as it is: its lengths and ranges must be those of the file.
    const segment = await fetch(`${url}/vod/s0.ts`, { headers: { 'accept-encoding': 'gzip' } })
    expect(segment.headers.get('content-encoding')).toBeNull()
  })

  it('may be switched off', async () => {
    const { url } = await start({ dir, digests: false })
    expect(await (await fetch(`${url}/vod/index.m3u8`)).text()).not.toContain('NEARCAST')
  })
})

describe('in front of an origin', () => {
  const serveMedia = (request: IncomingMessage, response: ServerResponse) => {
    const name = request.url!.split('?')[0]!
    const segment = /s(\d)\.ts$/.exec(name)
    const body = name.endsWith('.m3u8')
      ? Buffer.from(playlistOf(media.map((_, i) => `s${i}.ts`)))
      : segment
        ? media[Number(segment[1])]!
        : null
    if (!body) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': body.length, etag: `"${name}"` }).end(body)
  }

  it('simultaneous requests are one upstream fetch that streams to all', async () => {
    let release = () => {}
    const up = await origin((_, response) => {
      response.writeHead(200, { 'content-length': single.length, etag: '"x"' })
      response.write(single.subarray(0, 100_000))
      release = () => response.end(single.subarray(100_000))
    })
    const { url } = await start({ origin: up.url })
    const readers = await Promise.all(
      Array.from({ length: 6 }, async () => (await fetch(`${url}/a/all.mp4`)).body!.getReader()),
    )
    // All have bytes while the origin has not yet finished.
    const firsts = await Promise.all(readers.map(reader => reader.read()))
    expect(firsts.every(({ value }) => value!.length > 0)).toBe(true)
    release()
    for (const [i, reader] of readers.entries()) {
      const chunks = [firsts[i]!.value!]
      for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value)
      expect(Buffer.concat(chunks).equals(single)).toBe(true)
    }
    expect(up.asked).toEqual(['/a/all.mp4'])
    expect(
      (await bytesOf(`${url}/a/all.mp4`, { headers: { range: 'bytes=5-9' } })).equals(single.subarray(5, 10)),
    ).toBe(true)
    expect(up.asked.length).toBe(1)
  })

  it('playlists get digests, and viewers then take the copies that were fetched for them', async () => {
    const up = await origin(serveMedia)
    const { url } = await start({ origin: `${up.url}/base/` })
    const at = `${url}/v/index.m3u8`
    const table = parseDigestTags(await (await fetch(at)).text(), at)
    expect(table.segments.size).toBe(5)
    for (let i = 0; i < 5; i++) expect((await bytesOf(`${url}/v/s${i}.ts`)).equals(media[i]!)).toBe(true)
    expect(up.asked.toSorted()).toEqual(['/base/v/index.m3u8', ...media.map((_, i) => `/base/v/s${i}.ts`)])
  })

  it('playlists that name the origin by its full URL stay within this edge', async () => {
    const up = await origin((request, response) => {
      if (!request.url!.endsWith('.m3u8')) return serveMedia(request, response)
      const base = `http://${request.headers.host}/base`
      response.end(
        request.url!.includes('master')
          ? `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${base}/v/i.m3u8\n`
          : playlistOf([`${base}/v/s0.ts`]),
      )
    })
    const { url } = await start({ origin: `${up.url}/base` })
    const variant = (await (await fetch(`${url}/a/b/master.m3u8`)).text()).trim().split('\n').at(-1)!
    const at = new URL(variant, `${url}/a/b/master.m3u8`).href
    expect(at).toBe(`${url}/v/i.m3u8`)
    const text = await (await fetch(at)).text()
    expect(new URL(text.trim().split('\n').at(-2)!, at).href).toBe(`${url}/v/s0.ts`)
    expect(parseDigestTags(text, at).segments.size).toBe(1)
  })

  it('ranges are asked for as ranges, kept, and serve what lies within them', async () => {
    const up = await origin((request, response) => {
      const [from, to] = /bytes=(\d+)-(\d+)/
        .exec(request.headers.range ?? '')!
        .slice(1)
        .map(Number) as [number, number]
      response
        .writeHead(206, { 'content-range': `bytes ${from}-${to}/${single.length}`, etag: '"x"' })
        .end(single.subarray(from, to + 1))
    })
    const { url } = await start({ origin: up.url })
    const take = (from: number, to: number) =>
      bytesOf(`${url}/all.mp4`, { headers: { range: `bytes=${from}-${to - 1}` } })
    expect((await take(1000, 90_000)).equals(single.subarray(1000, 90_000))).toBe(true)
    expect((await take(1000, 90_000)).equals(single.subarray(1000, 90_000))).toBe(true)
    expect((await take(50_000, 90_000)).equals(single.subarray(50_000, 90_000))).toBe(true)
    expect(up.asked).toEqual(['/all.mp4 bytes=1000-89999'])
    await take(90_000, 95_000)
    expect(up.asked.length).toBe(2)
  })

  it('a body that breaks off breaks off for the viewer too, and is not kept', async () => {
    const up = await origin((_, response, n) => {
      response.writeHead(200, { 'content-length': media[0]!.length, etag: '"x"' })
      if (n > 0) return void response.end(media[0])
      response.write(media[0]!.subarray(0, 10_000), () => setTimeout(() => response.destroy(), 20))
    })
    const { url } = await start({ origin: up.url })
    await expect(bytesOf(`${url}/s.ts`)).rejects.toThrow()
    expect((await bytesOf(`${url}/s.ts`)).equals(media[0]!)).toBe(true)
    expect(up.asked.length).toBe(2)
  })

  it('a body of unknown length that breaks off does not end properly, and nothing foreign is in it', async () => {
    const up = await origin((_, response) => {
      response.write(media[0]!.subarray(0, 10_000), () => setTimeout(() => response.destroy(), 30))
    })
    const { url } = await start({ origin: up.url })
    const { body } = await raw(url, '/s.ts')
    expect(body).not.toContain('Error')
    expect(body.endsWith('0\r\n\r\n')).toBe(false)
    await expect(bytesOf(`${url}/s.ts`)).rejects.toThrow()
  })

  it('a body that falls silent is given up, and the next request asks anew', async () => {
    const up = await origin((_, response, n) => {
      response.writeHead(200, { 'content-length': media[0]!.length })
      if (n > 0) response.end(media[0])
      else response.write(media[0]!.subarray(0, 10_000))
    })
    const { url } = await start({ origin: up.url, originOptions: { timeoutMs: 500 } })
    await expect(bytesOf(`${url}/s.ts`)).rejects.toThrow()
    expect((await bytesOf(`${url}/s.ts`)).equals(media[0]!)).toBe(true)
  })

  it.each([
    [404, 404],
    [403, 403],
    [503, 503],
    [500, 500],
    [418, 404],
  ])('status %i is passed on as %i, and asked again next time', async (status, expected) => {
    const up = await origin((request, response, n) =>
      n === 0 ? response.writeHead(status, { 'retry-after': '7' }).end() : serveMedia(request, response),
    )
    const { url } = await start({ origin: up.url })
    expect((await fetch(`${url}/s0.ts`)).status).toBe(expected)
    expect((await fetch(`${url}/s0.ts`)).status).toBe(200)
  })

  it('that does not answer is 504, that is not there 502', async () => {
    const up = await origin(() => {})
    const silent = await start({ origin: up.url, originOptions: { timeoutMs: 300 } })
    expect((await fetch(`${silent.url}/s.ts`)).status).toBe(504)
    const gone = await start({ origin: 'http://127.0.0.1:1' })
    expect((await fetch(`${gone.url}/s.ts`)).status).toBe(502)
  })

  it('what the origin wants to keep to one viewer is shared with nobody later', async () => {
    const up = await origin((_, response) =>
      response.writeHead(200, { 'cache-control': 'private', 'content-length': 3 }).end('abc'),
    )
    const { url } = await start({ origin: up.url })
    await bytesOf(`${url}/s.ts`)
    await bytesOf(`${url}/s.ts`)
    expect(up.asked.length).toBe(2)
  })

  it('a live playlist is asked for again, its old segments are not', async () => {
    let newest = 3
    const up = await origin((request, response) => {
      if (!request.url!.endsWith('.m3u8')) return serveMedia(request, response)
      response.end(
        playlistOf(
          Array.from({ length: newest }, (_, i) => `s${i}.ts`),
          true,
        ),
      )
    })
    const { url } = await start({ origin: up.url, originOptions: { playlistFreshMs: 0 } })
    const tagged = async () =>
      parseDigestTags(await (await fetch(`${url}/live.m3u8`)).text(), `${url}/live.m3u8`).segments.size
    expect(await tagged()).toBe(3)
    newest = 5
    expect(await tagged()).toBe(5)
    expect(up.asked.filter(path => path.endsWith('s0.ts')).length).toBe(1)
  })

  it('a slow segment does not hold its playlist up: it comes without that tag, and later with it', async () => {
    let release = () => {}
    const up = await origin((request, response) => {
      if (!request.url!.endsWith('s4.ts')) return serveMedia(request, response)
      release = () => serveMedia(request, response)
    })
    const { url } = await start({ origin: up.url, digestWaitMs: 150, originOptions: { playlistFreshMs: 0 } })
    const tagged = async () =>
      parseDigestTags(await (await fetch(`${url}/i.m3u8`)).text(), `${url}/i.m3u8`).segments.size
    expect(await tagged()).toBe(4)
    release()
    expect(await tagged()).toBe(5)
  })

  it('a body of unknown length is shared while it comes', async () => {
    const up = await origin((_, response) => {
      response.write(media[0]!.subarray(0, 20_000))
      setTimeout(() => response.end(media[0]!.subarray(20_000)), 80)
    })
    const { url } = await start({ origin: up.url })
    const both = await Promise.all([bytesOf(`${url}/s.ts`), bytesOf(`${url}/s.ts`)])
    for (const bytes of both) expect(bytes.equals(media[0]!)).toBe(true)
    expect(up.asked.length).toBe(1)
  })

  it('the directory comes first, the origin has the rest', async () => {
    const up = await origin((_, response) => response.end('from afar'))
    const { url } = await start({ dir, origin: up.url })
    expect((await bytesOf(`${url}/vod/s0.ts`)).equals(media[0]!)).toBe(true)
    expect((await bytesOf(`${url}/elsewhere.ts`)).toString()).toBe('from afar')
    expect(up.asked).toEqual(['/elsewhere.ts'])
  })
})

describe('for labs', () => {
  it('an address shares its line among its requests', async () => {
    const { url, setLine } = await start({ dir, lineKbps: 1600 })
    const one = async (name: string) => {
      const started = performance.now()
      await bytesOf(`${url}/vod/${name}.ts`)
      return performance.now() - started
    }
    // 80 kB at 200 bytes a millisecond take 400 ms; both are slowed alike.
    for (const ms of await Promise.all([one('s0'), one('s0')])) expect(ms).toBeGreaterThan(300)
    expect(await one('s0')).toBeGreaterThan(150)
    setLine(0)
    expect((await bytesOf(`${url}/vod/s0.ts`)).equals(media[0]!)).toBe(true)
  })

  it('faults do what they say, and our source copes', async () => {
    const { url, setFault, log } = await start({ dir })
    const load = () =>
      new Promise<{ outcome: string; bytes: Buffer }>(resolve => {
        const chunks: Uint8Array[] = []
        const end = (outcome: string) => resolve({ outcome, bytes: Buffer.concat(chunks) })
        createEdgeSource({ backoffMs: 10, stallTimeoutMs: 500, firstByteTimeoutMs: 2500 }).fetch(
          { url: `${url}/vod/s4.ts`, from: 0, to: 0, whole: true, what: 'media', headers: {}, etag: '' },
          { onOpen() {}, onData: (_, bytes) => chunks.push(bytes), onDone: () => end('done'), onFail: end },
        )
      })
    const once = (fault: Parameters<typeof setFault>[0] & object) => {
      let used = false
      setFault(quest => {
        if (used) return null
        used = true
        return fault(quest)
      })
    }
    const size = media[4]!.length
    for (const fault of [
      { type: 'status', status: 503 },
      { type: 'cut', afterBytes: 70_000 },
      { type: 'hang', afterBytes: 70_000 },
      { type: 'delay', ms: 50 },
    ] as const) {
      once(() => fault)
      const { outcome, bytes } = await load()
      expect([fault.type, outcome, bytes.equals(media[4]!)]).toEqual([fault.type, 'done', true])
    }
    expect(log.entries.map(entry => entry.range).filter(Boolean)).toEqual(['bytes=70000-', 'bytes=70000-'])
    once(() => ({ type: 'flip', atByte: size - 1 }))
    const { bytes } = await load()
    expect([
      bytes.length,
      bytes.equals(media[4]!),
      bytes.subarray(0, -1).equals(media[4]!.subarray(0, -1)),
    ]).toEqual([size, false, true])
  })

  it('a recording plays as an endless live channel', async () => {
    let now = Date.UTC(2026, 0, 1)
    const channel = await createLiveChannel({ playlist: join(dir, 'vod/ranges.m3u8'), wallNow: () => now })
    const { url } = await start({ mounts: { '/live/one': channel } })
    const poll = async () => {
      const text = await (await fetch(`${url}/live/one/ranges.m3u8`)).text()
      return { text, ...parseDigestTags(text, `${url}/live/one/ranges.m3u8`) }
    }
    const first = await poll()
    expect(first.segments.size).toBe(6)
    now += 60_000
    const later = await poll()
    expect(Math.min(...later.segments.keys())).toBe(30)
    expect(later.segments.get(30)!.root).toBe(await segmentRoot(media[0]!, hasher))
    expect(later.text).not.toContain('ENDLIST')
    expect((await fetch(`${url}/live/one/l7/all.mp4`)).status).toBe(200)
    expect((await fetch(`${url}/live/one/l9/all.mp4`)).status).toBe(404)
    expect((await fetch(`${url}/live/one/l0/all.mp4`)).status).toBe(404)
    expect((await fetch(`${url}/live/one/s0.ts`)).status).toBe(404)
    await expect(createLiveChannel({ playlist: join(dir, 'nothing.m3u8') })).rejects.toThrow()
  })
})

it('keeps encrypted segments decryptable when they come around again', async () => {
  let now = Date.UTC(2026, 0, 1)
  const playlist = fileURLToPath(new URL('../../examples/demo/media/aes/index.m3u8', import.meta.url))
  const channel = await createLiveChannel({ playlist, wallNow: () => now })
  const { url } = await start({ mounts: { '/live': channel } })
  now += 100_000
  const lines = (await (await fetch(`${url}/live/index.m3u8`)).text()).split('\n')
  let iv = Buffer.alloc(16)
  let checked = 0
  for (const line of lines) {
    if (line.startsWith('#EXT-X-KEY')) iv = Buffer.from(/IV=0x([0-9a-f]{32})/.exec(line)![1]!, 'hex')
    if (line === '' || line.startsWith('#')) continue
    const key = await bytesOf(`${url}/live/key.bin`)
    const decipher = createDecipheriv('aes-128-cbc', key, iv)
    const plain = Buffer.concat([decipher.update(await bytesOf(`${url}/live/${line}`)), decipher.final()])
    // Every MPEG-TS packet begins with its sync byte; a wrong IV spoils the first one.
    expect([plain[0], plain[188], plain[376]]).toEqual([0x47, 0x47, 0x47])
    checked++
  }
  expect(checked).toBeGreaterThanOrEqual(6)
})

it('closes while bodies are under way', async () => {
  const { url, close } = await start({ dir, lineKbps: 80 })
  const response = await fetch(`${url}/vod/s4.ts`)
  const body = response.arrayBuffer()
  const failed = expect(body).rejects.toThrow()
  await close()
  await close()
  await failed
})
