import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from './bundle.ts'
import { launchChromium } from './chromium.ts'
import type { Ask } from './pages/edge-source.ts'

type Subject = typeof import('./pages/edge-source.ts')
declare const subject: Subject

const media = randomBytes(300_001)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What only a browser does to HTTP: CORS, hidden headers, preflights, compression, XHR. */
describe('edge sources, in Chromium, from another origin', () => {
  let browser: Browser
  let page: Page
  let server: Server
  let home: Server
  let url: string
  let handler: (request: IncomingMessage, response: ServerResponse, n: number) => void
  let seen: string[] = []
  let keepable = false

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { method, headers } = request
      seen.push(`${method} ${headers.range ?? '-'}`)
      response.setHeader('access-control-allow-origin', headers.origin ?? '*')
      response.setHeader('access-control-allow-credentials', 'true')
      // Chromium's HTTP cache resumes broken bodies by itself, probing with one byte first: see the last test.
      if (!keepable) response.setHeader('cache-control', 'no-store')
      if (method !== 'OPTIONS')
        return handler(request, response, seen.filter(line => line.startsWith('GET')).length - 1)
      response.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '')
      response.writeHead(204).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/seg.ts`
    browser = await launchChromium()
    page = await browser.newPage()
    // A page really served: a made-up one would be of no address space, and may not ask loopback.
    home = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>'))
    await new Promise<void>(resolve => home.listen(0, '127.0.0.1', resolve))
    await page.goto(`http://127.0.0.1:${(home.address() as AddressInfo).port}/`)
    const entry = fileURLToPath(new URL('pages/edge-source.ts', import.meta.url))
    await page.addScriptTag({ content: await bundle(entry, { globalName: 'subject' }) })
  })
  afterEach(() => {
    seen = []
  })
  afterAll(async () => {
    await browser.close()
    for (const each of [server, home]) {
      each.closeAllConnections()
      each.close()
    }
  })

  const load = (way: 'fetch' | 'credentials' | 'xhr', ask: Partial<Ask> = {}) =>
    page.evaluate(([w, a]) => subject.load(w, a), [way, { url, ...ask }] as const)

  function answer(
    request: IncomingMessage,
    response: ServerResponse,
    headers: Record<string, string> = {},
  ): void {
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const from = Number(match?.[1] ?? 0)
    const to = match?.[2] ? Number(match[2]) + 1 : media.length
    response.writeHead(match ? 206 : 200, {
      'content-length': to - from,
      ...(match && { 'content-range': `bytes ${from}-${to - 1}/${media.length}` }),
      ...headers,
    })
    response.end(media.subarray(from, to))
  }

  const exposed = { etag: '"v1"', 'access-control-expose-headers': 'ETag, Content-Range' }

  /** Breaks only when the page has what was sent: a break that overtakes its bytes takes them along. */
  function breakOff(response: ServerResponse, headers: Record<string, string> = {}): void {
    response.writeHead(200, { 'content-length': media.length, ...headers })
    response.write(media.subarray(0, 120_000), async () => {
      await new Promise(resolve => setTimeout(resolve, 60))
      // hls.js's loader, over XHR, hands out nothing before the end.
      for (let look = 0; look < 20 && (await page.evaluate(() => subject.received())) < 120_000; look++)
        await new Promise(resolve => setTimeout(resolve, 50))
      response.destroy()
    })
  }

  it('resumes under an exposed validator, without a preflight', async () => {
    handler = (request, response, n) =>
      n === 0 ? breakOff(response, exposed) : answer(request, response, exposed)
    const loaded = await load('fetch')
    expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(media) })
    expect(loaded.info).toEqual({ size: media.length, total: media.length, etag: '"v1"' })
    expect(seen).toEqual(['GET -', 'GET bytes=120000-'])
  })

  it('with a hidden validator takes everything again, and compares', async () => {
    handler = (request, response, n) =>
      n === 0 ? breakOff(response, { etag: '"v1"' }) : answer(request, response, { etag: '"v1"' })
    const loaded = await load('fetch')
    expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(media), info: { etag: '' } })
    expect(seen).toEqual(['GET -', 'GET -'])
  })

  it('takes a range whose Content-Range is hidden', async () => {
    handler = (request, response) => answer(request, response)
    const loaded = await load('fetch', { from: 1000, to: 50_000, whole: false })
    expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(media.subarray(1000, 50_000)) })
    expect(seen).toEqual(['GET bytes=1000-49999'])
  })

  it('sees through a compression that it cannot see', async () => {
    const zeros = Buffer.alloc(200_000)
    handler = (request, response) => {
      if (request.headers.range) {
        response.writeHead(206, {
          'content-range': `bytes 0-${zeros.length - 1}/${zeros.length}`,
          'content-length': zeros.length,
        })
        response.end(zeros)
        return
      }
      expect(request.headers['accept-encoding']).toContain('gzip')
      const packed = gzipSync(zeros)
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed)
    }
    const loaded = await load('fetch')
    // The first answer is refused: more bytes came than it announced. A Range asks for the plain bytes.
    expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(zeros) })
    expect(seen).toEqual(['GET -', 'GET bytes=0-'])
  })

  it('never takes a body for whole that is shorter than its Content-Length', async () => {
    handler = (_, response) => breakOff(response)
    expect((await load('fetch')).outcome).not.toBe('done')
  })

  it('carries credentials that fetchSetup adds', async () => {
    await page.context().addCookies([{ name: 'viewer', value: '1', url }])
    const cookies: (string | undefined)[] = []
    handler = (request, response) => {
      cookies.push(request.headers.cookie)
      answer(request, response)
    }
    expect((await load('fetch')).outcome).toBe('done')
    expect((await load('credentials')).outcome).toBe('done')
    expect(cookies).toEqual([undefined, 'viewer=1'])
  })

  it('stops at once when aborted', async () => {
    let closed = false
    handler = (_, response) => {
      response.on('close', () => {
        closed = true
      })
      response.writeHead(200, { 'content-length': media.length })
      response.write(media.subarray(0, 50_000))
    }
    const loaded = await load('fetch', { abortAtData: true })
    expect(loaded.outcome).toBe('aborted')
    await expect.poll(() => closed).toBe(true)
  })

  it('leaves it to the HTTP cache to spare the line where it can', async () => {
    keepable = true
    handler = (request, response, n) =>
      n === 0 ? breakOff(response, { etag: '"v1"' }) : answer(request, response, { etag: '"v1"' })
    const loaded = await load('fetch')
    keepable = false
    // Hidden from us, the validator was there for the cache: what we took again from the start came from it.
    expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(media) })
    expect(seen).toEqual(['GET -', 'GET bytes=120000-120000', 'GET bytes=120000-300000'])
  })

  describe('by the loader of hls.js with xhrSetup', () => {
    const signedIn = (request: IncomingMessage, response: ServerResponse): boolean => {
      if (request.headers.authorization === 'Bearer viewer') return true
      response.writeHead(401).end()
      return false
    }

    it('loads the whole, signed in', async () => {
      handler = (request, response) => signedIn(request, response) && answer(request, response, exposed)
      const loaded = await load('xhr')
      expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(media), info: { etag: '"v1"' } })
      expect(seen).toEqual(['OPTIONS -', 'GET -'])
    })

    it('loads ranges, closed and open', async () => {
      handler = (request, response) => signedIn(request, response) && answer(request, response, exposed)
      expect(await load('xhr', { from: 5, to: 99, whole: false })).toMatchObject({
        outcome: 'done',
        sha256: sha256(media.subarray(5, 99)),
      })
      expect(await load('xhr', { from: 200_000 })).toMatchObject({
        outcome: 'done',
        sha256: sha256(media.subarray(200_000)),
      })
      expect(seen.filter(line => line.startsWith('GET'))).toEqual(['GET bytes=5-98', 'GET bytes=200000-'])
    })

    it('is without authorization refused by the same edge, so the test could fail', async () => {
      handler = (request, response) => signedIn(request, response) && answer(request, response)
      expect((await load('fetch')).outcome).toBe('status')
    })

    it('tries again when busy, not when refused, and after a broken connection', async () => {
      handler = (request, response, n) =>
        n === 0 ? response.writeHead(503).end() : n === 1 ? breakOff(response) : answer(request, response)
      const loaded = await load('xhr')
      expect(loaded).toMatchObject({ outcome: 'done', sha256: sha256(media) })
      seen = []
      handler = (_, response) => response.writeHead(404).end()
      expect((await load('xhr')).attempts).toEqual(['404 0 0'])
    })

    it('is not silent while bytes arrive, and a timeout when they do not', async () => {
      // Longer in all than the silence that is allowed (2.5 s), but moving all the time.
      handler = async (_, response) => {
        response.writeHead(200, { 'content-length': media.length })
        for (let at = 0; at < media.length; at += 50_000) {
          response.write(media.subarray(at, at + 50_000))
          await new Promise(resolve => setTimeout(resolve, 500))
        }
        response.end()
      }
      expect(await load('xhr')).toMatchObject({ outcome: 'done', attempts: ['200 300001 0'] })
      handler = (_, response) => {
        response.writeHead(200, { 'content-length': media.length })
        response.write(media.subarray(0, 1000))
      }
      const loaded = await load('xhr', { abortAfterMs: 6000 })
      expect(loaded.attempts.length).toBeGreaterThan(1)
    })

    it('stops when aborted', async () => {
      let closed = false
      handler = (_, response) => {
        response.on('close', () => {
          closed = true
        })
        response.flushHeaders()
      }
      expect((await load('xhr', { abortAfterMs: 100 })).outcome).toBe('aborted')
      await expect.poll(() => closed).toBe(true)
    })
  })
})
