import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type AttemptReport, createEdgeSource, type FetchSourceOptions } from '@nearcast/edge-fallback'
import type { EdgeRequest } from '@nearcast/peer-core'
import { afterEach, describe, expect, it } from 'vitest'

/** 200,003 bytes: no whole number of blocks, several chunks. */
const media = randomBytes(200_003)
const etag = '"v1"'

type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => void

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

async function serve(handler: Handler): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    handler(request, response, ranges.length - 1)
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/seg.ts`, ranges }
}

/** A well-behaved answer to whatever was asked. */
function answer(request: IncomingMessage, response: ServerResponse, body: Buffer = media, tag = etag): void {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (!match) {
    response.writeHead(200, { 'content-length': body.length, ...(tag && { etag: tag }) }).end(body)
    return
  }
  const from = Number(match[1])
  const to = match[2] ? Math.min(Number(match[2]) + 1, body.length) : body.length
  if (from >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}`, ...(tag && { etag: tag }) }).end()
    return
  }
  response
    .writeHead(206, {
      'content-length': to - from,
      'content-range': `bytes ${from}-${to - 1}/${body.length}`,
      ...(tag && { etag: tag }),
    })
    .end(body.subarray(from, to))
}

/** Announces everything, sends `bytes` of it, and breaks the connection. */
function breakAfter(
  response: ServerResponse,
  bytes: number,
  headers: Record<string, string | number> = {},
): void {
  response.writeHead(200, { 'content-length': media.length, ...headers })
  response.write(media.subarray(0, bytes), () => setTimeout(() => response.destroy(), 30))
}

interface Result {
  outcome: string
  detail: string
  bytes: Buffer
  info: { size: number; total: number; etag: string } | null
  attempts: AttemptReport[]
}

function load(
  request: Partial<EdgeRequest> & { url: string },
  options: FetchSourceOptions = {},
  during: {
    onData?: (offset: number, abort: () => void) => void
    onRefused?: (reason: string, retryAfterMs: number, abort: () => void) => void
  } = {},
): Promise<Result> {
  const attempts: AttemptReport[] = []
  const edge = createEdgeSource({
    backoffMs: 5,
    random: () => 0,
    onAttempt: report => attempts.push(report),
    ...options,
  })
  return new Promise((resolve, reject) => {
    const full = { from: 0, to: 0, whole: true, what: 'media', headers: {}, etag: '', ...request } as const
    const chunks: Uint8Array[] = []
    let info: Result['info'] = null
    let next = full.from
    let ended = false
    const end = (outcome: string, detail: string) => {
      if (ended) reject(new Error('ended twice'))
      ended = true
      // Late callbacks would come within this time.
      setTimeout(() => resolve({ outcome, detail, bytes: Buffer.concat(chunks), info, attempts }), 20)
    }
    const handle = edge.fetch(full, {
      onOpen(value) {
        if (info || ended) reject(new Error('opened twice, or after the end'))
        info = value
      },
      onData(offset, bytes) {
        if (!info || ended) reject(new Error('data before open or after the end'))
        if (offset !== next) reject(new Error(`data at ${offset}, ${next} expected`))
        chunks.push(bytes)
        next += bytes.length
        during.onData?.(offset, () => handle.abort())
      },
      onRefused: (reason, retryAfterMs) => during.onRefused?.(reason, retryAfterMs, () => handle.abort()),
      onDone: () => end('done', ''),
      onFail: (reason, detail) => end(reason, detail),
    })
  })
}

function expectAll(result: Result, from = 0, to = media.length): void {
  expect(result.outcome, result.detail).toBe('done')
  expect(result.bytes.equals(media.subarray(from, to))).toBe(true)
}

describe('a well-behaved edge', () => {
  it('gives the whole resource without a Range header, with size and strong validator', async () => {
    const { url, ranges } = await serve((request, response) => answer(request, response))
    const result = await load({ url })
    expectAll(result)
    expect(result.info).toEqual({ size: media.length, total: media.length, etag })
    expect(ranges).toEqual([undefined])
    expect(result.attempts).toMatchObject([
      { status: 200, bytes: media.length, wastedBytes: 0, outcome: 'done' },
    ])
  })

  it('gives a range of the resource at absolute offsets', async () => {
    const { url, ranges } = await serve((request, response) => answer(request, response))
    const result = await load({ url, from: 1000, to: 50_000, whole: false })
    expectAll(result, 1000, 50_000)
    expect(result.info).toEqual({ size: 49_000, total: media.length, etag })
    expect(ranges).toEqual(['bytes=1000-49999'])
  })

  it('gives the tail of a whole resource', async () => {
    const { url, ranges } = await serve((request, response) => answer(request, response))
    expectAll(await load({ url, from: 150_000, etag }), 150_000)
    expect(ranges).toEqual(['bytes=150000-'])
  })

  it('hides a weak validator, which proves nothing about bytes', async () => {
    const { url } = await serve((request, response) => answer(request, response, media, 'W/"v1"'))
    expect((await load({ url })).info?.etag).toBe('')
  })

  it('may send chunks without a length', async () => {
    const { url } = await serve((_, response) => {
      response.write(media.subarray(0, 70_000))
      setTimeout(() => response.end(media.subarray(70_000)), 20)
    })
    const result = await load({ url })
    expectAll(result)
    expect(result.info).toMatchObject({ size: 0, total: 0 })
  })

  it('may compress, and then lengths are not compared', async () => {
    const zeros = Buffer.alloc(100_000)
    const { url } = await serve((_, response) => {
      const body = gzipSync(zeros)
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length, etag }).end(body)
    })
    const result = await load({ url })
    expect(result.outcome).toBe('done')
    expect(result.bytes.equals(zeros)).toBe(true)
    expect(result.info).toEqual({ size: 0, total: 0, etag: '' })
  })

  it('may be empty', async () => {
    const { url } = await serve((_, response) => response.writeHead(200, { 'content-length': 0 }).end())
    const result = await load({ url })
    expect([result.outcome, result.bytes.length]).toEqual(['done', 0])
    expect(result.info).toMatchObject({ size: 0 })
  })

  it('gets the headers of the load and of fetchSetup', async () => {
    const seen: (string | undefined)[] = []
    const { url } = await serve((request, response) => {
      seen.push(
        request.headers['x-load'] as string,
        request.headers['x-setup'] as string,
        request.headers.range,
      )
      answer(request, response)
    })
    const options: FetchSourceOptions = {
      fetchSetup: async (context, init) => {
        const headers = new Headers(init.headers)
        headers.set('x-setup', `${context.rangeStart}-${context.rangeEnd}`)
        return new Request(context.url, { ...init, headers })
      },
    }
    expectAll(
      await load({ url, from: 10, to: 20, whole: false, headers: { 'X-Load': 'a' } }, options),
      10,
      20,
    )
    expect(seen).toEqual(['a', '10-20', 'bytes=10-19'])
  })

  it('ignores Range: bytes before and after are skipped, and counted as wasted', async () => {
    const { url } = await serve((_, response) =>
      response.writeHead(200, { 'content-length': media.length, etag }).end(media),
    )
    const result = await load({ url, from: 100_000, to: 120_000, whole: false })
    expectAll(result, 100_000, 120_000)
    const [attempt] = result.attempts
    expect(attempt!.bytes - attempt!.wastedBytes).toBe(20_000)
    expect(attempt!.wastedBytes).toBeGreaterThanOrEqual(100_000)
  })
})

describe('an edge that breaks off', () => {
  it('is resumed by Range under the same strong validator', async () => {
    const { url, ranges } = await serve((request, response, n) =>
      n === 0 ? breakAfter(response, 80_000, { etag }) : answer(request, response),
    )
    const result = await load({ url })
    expectAll(result)
    expect(ranges).toEqual([undefined, 'bytes=80000-'])
    expect(result.attempts.map(attempt => attempt.wastedBytes)).toEqual([0, 0])
  })

  it('is resumed in the middle of a range', async () => {
    const { url, ranges } = await serve((request, response, n) => {
      if (n > 0) return answer(request, response)
      response.writeHead(206, {
        'content-length': 90_000,
        'content-range': `bytes 10000-99999/${media.length}`,
        etag,
      })
      response.write(media.subarray(10_000, 40_000), () => setTimeout(() => response.destroy(), 30))
    })
    expectAll(await load({ url, from: 10_000, to: 100_000, whole: false }), 10_000, 100_000)
    expect(ranges).toEqual(['bytes=10000-99999', 'bytes=40000-99999'])
  })

  it('is taken again from the start without a validator, and held against what came before', async () => {
    const { url, ranges } = await serve((request, response, n) =>
      n === 0 ? breakAfter(response, 80_000) : answer(request, response, media, ''),
    )
    const result = await load({ url })
    expectAll(result)
    expect(ranges).toEqual([undefined, undefined])
    expect(result.attempts[1]!.wastedBytes).toBe(80_000)
  })

  it('and comes back with other bytes under no validator is a mismatch', async () => {
    const other = Buffer.from(media)
    other[500]! ^= 1
    const { url } = await serve((request, response, n) =>
      n === 0 ? breakAfter(response, 80_000) : answer(request, response, other, ''),
    )
    expect((await load({ url })).outcome).toBe('mismatch')
  })

  it('and comes back with another validator is a mismatch, whatever it sends', async () => {
    const { url } = await serve((request, response, n) =>
      n === 0 ? breakAfter(response, 80_000, { etag }) : answer(request, response, media, '"v2"'),
    )
    const result = await load({ url })
    expect(result.outcome).toBe('mismatch')
    expect(result.bytes.length).toBe(80_000)
  })

  it('and ignores Range afterwards: the bytes already there are skipped', async () => {
    const { url, ranges } = await serve((_, response, n) =>
      n === 0
        ? breakAfter(response, 80_000, { etag })
        : response.writeHead(200, { 'content-length': media.length, etag }).end(media),
    )
    const result = await load({ url })
    expectAll(result)
    expect(ranges[1]).toBe('bytes=80000-')
    expect(result.attempts[1]!.wastedBytes).toBe(80_000)
  })

  it('every time, but gets on each time, is finished', async () => {
    const { url, ranges } = await serve((request, response) => {
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? 'bytes=0-')![1])
      const chunk = media.subarray(from, from + 30_000)
      const head = { etag, 'content-length': media.length - from }
      if (from === 0) response.writeHead(200, head)
      else
        response.writeHead(206, {
          ...head,
          'content-range': `bytes ${from}-${media.length - 1}/${media.length}`,
        })
      if (from + chunk.length === media.length) response.end(chunk)
      else response.write(chunk, () => setTimeout(() => response.destroy(), 20))
    })
    expectAll(await load({ url }, { retries: 1 }))
    expect(ranges.length).toBe(7)
  })

  it('without getting on is given up after the retries', async () => {
    const { url, ranges } = await serve(request => request.socket.destroy())
    expect((await load({ url }, { retries: 2 })).outcome).toBe('network')
    expect(ranges.length).toBe(3)
  })

  it('exactly at the end of a body of unknown length is complete when 416 says so', async () => {
    const { url, ranges } = await serve((request, response, n) => {
      if (n > 0) return answer(request, response)
      response.writeHead(200, { etag, 'transfer-encoding': 'chunked' })
      response.write(media, () => setTimeout(() => response.destroy(), 30))
    })
    expectAll(await load({ url }))
    expect(ranges[1]).toBe(`bytes=${media.length}-`)
  })
})

describe('an edge that says one thing and sends another', () => {
  it('with a body that ends early: a mismatch, never done', async () => {
    // Chunked framing ends properly, so only Content-Range tells.
    const { url } = await serve((_, response) =>
      response
        .writeHead(206, { 'content-range': `bytes 0-99999/${media.length}`, etag: 'W/"x"' })
        .end(media.subarray(0, 60_000)),
    )
    const result = await load({ url, from: 0, to: 100_000, whole: false })
    expect(result.outcome).toBe('mismatch')
  })

  it('with a body that is shorter than its Content-Length: never done', async () => {
    const { url } = await serve((_, response) => breakAfter(response, 100_000))
    expect((await load({ url }, { retries: 1 })).outcome).not.toBe('done')
  })

  it('with a body longer than its Content-Range: a mismatch', async () => {
    const { url } = await serve((_, response) =>
      response
        .writeHead(206, { 'content-range': `bytes 0-99999/${media.length}` })
        .end(media.subarray(0, 100_001)),
    )
    expect((await load({ url, from: 0, to: 100_000, whole: false })).outcome).toBe('mismatch')
  })

  it.each([
    ['another start', 'bytes 1-99999/200003'],
    ['another end', 'bytes 0-99998/200003'],
    ['an end beyond the resource', 'bytes 0-99999/50000'],
    ['another unit', 'items 0-99999/200003'],
    ['nonsense', 'bytes 9-1'],
  ])('with %s in Content-Range: a mismatch before any byte', async (_, range) => {
    const { url } = await serve((_request, response) =>
      response.writeHead(206, { 'content-range': range }).end(media.subarray(0, 100_000)),
    )
    const result = await load({ url, from: 0, to: 100_000, whole: false })
    expect([result.outcome, result.info]).toEqual(['mismatch', null])
  })

  it('with 206 to a request without a Range: a mismatch', async () => {
    const { url } = await serve((_, response) =>
      response.writeHead(206, { 'content-range': `bytes 0-9/${media.length}` }).end(media.subarray(0, 10)),
    )
    expect((await load({ url })).outcome).toBe('mismatch')
  })

  it('with Content-Length and Content-Range at odds: a mismatch', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-99999/${media.length}`, 'content-length': 60_000 })
      response.end(media.subarray(0, 60_000))
    })
    expect((await load({ url, from: 0, to: 100_000, whole: false })).outcome).toBe('mismatch')
  })

  it('with a resource too short for what is wanted: a mismatch', async () => {
    const { url } = await serve((request, response) => answer(request, response, media.subarray(0, 5000)))
    expect((await load({ url, from: 6000, to: 9000, whole: false })).outcome).toBe('mismatch')
    expect((await load({ url, from: 0, to: 9000, whole: true })).outcome).toBe('mismatch')
  })

  it('with another validator than the one that joined bytes must carry: a mismatch before any byte', async () => {
    const { url } = await serve((request, response) => answer(request, response))
    for (const wanted of ['"v0"', '"v11"']) {
      const result = await load({ url, from: 100, etag: wanted })
      expect([result.outcome, result.info]).toEqual(['mismatch', null])
    }
  })

  it('with no content at all: a mismatch', async () => {
    const { url } = await serve((_, response) => response.writeHead(204).end())
    expect((await load({ url })).outcome).toBe('mismatch')
  })
})

describe('an edge in trouble', () => {
  it('is asked again after 503, and not before Retry-After', async () => {
    const waits: number[] = []
    const { url } = await serve((request, response, n) =>
      n < 2 ? response.writeHead(503, { 'retry-after': '3' }).end() : answer(request, response),
    )
    const timers = {
      now: () => performance.now(),
      after: (ms: number, fire: () => void) => {
        if (ms < 4000) waits.push(ms)
        const timer = setTimeout(fire, ms < 4000 ? 0 : ms)
        return () => clearTimeout(timer)
      },
    }
    expectAll(await load({ url }, { timers, stallTimeoutMs: 5000 }))
    expect(waits).toEqual([3000, 3000])
  })

  it('tells of each refusal before it waits, and may be told to leave it at that', async () => {
    const { url } = await serve((request, response, n) =>
      n < 2 ? response.writeHead(503, { 'retry-after': '1' }).end() : answer(request, response),
    )
    const told: [string, number][] = []
    const onRefused = (reason: string, retryAfterMs: number) => void told.push([reason, retryAfterMs])
    expectAll(await load({ url }, { backoffMaxMs: 5 }, { onRefused }))
    expect(told).toEqual([
      ['busy', 1_000],
      ['busy', 1_000],
    ])
  })

  it('is left alone by whoever aborts when it refuses', async () => {
    const { url, ranges } = await serve((_, response) => response.writeHead(503).end())
    const result = await load({ url }, {}, { onRefused: (_, __, abort) => abort() })
    expect([result.outcome, ranges.length]).toEqual(['aborted', 1])
  })

  it('says nothing of refusals once bytes have come', async () => {
    const { url } = await serve((request, response, n) =>
      n === 0 ? breakAfter(response, 50_000, { etag }) : answer(request, response),
    )
    let told = 0
    expectAll(await load({ url }, {}, { onRefused: () => void told++ }))
    expect(told).toBe(0)
  })

  it('that stays busy is given up as busy', async () => {
    const { url, ranges } = await serve((_, response) => response.writeHead(429).end())
    const result = await load({ url }, { retries: 2 })
    expect([result.outcome, ranges.length]).toEqual(['busy', 3])
  })

  it('that refuses is not asked again', async () => {
    const { url, ranges } = await serve((_, response) => response.writeHead(404).end('no'))
    expect([(await load({ url })).outcome, ranges.length]).toEqual(['status', 1])
  })

  it('that refuses an old token is asked once more with a newer one', async () => {
    let token = 0
    const { url } = await serve((request, response) =>
      request.url!.endsWith('t=2') ? answer(request, response) : response.writeHead(403).end(),
    )
    expectAll(await load({ url }, { rewriteUrl: plain => `${plain}?t=${token++}`, retries: 5 }))
    token = 100
    expect((await load({ url }, { rewriteUrl: plain => `${plain}?t=${token++}` })).attempts.length).toBe(2)
  })

  it('that never answers is a timeout', async () => {
    const { url, ranges } = await serve(() => {})
    const result = await load({ url }, { firstByteTimeoutMs: 200, retries: 1 })
    expect([result.outcome, ranges.length]).toEqual(['timeout', 2])
  })

  it('that answers and then sends nothing is a timeout', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.flushHeaders()
    })
    expect((await load({ url }, { firstByteTimeoutMs: 200, retries: 0 })).outcome).toBe('timeout')
  })

  it('that falls silent in the middle is resumed', async () => {
    const { url, ranges } = await serve((request, response, n) => {
      if (n > 0) return answer(request, response)
      response.writeHead(200, { 'content-length': media.length, etag })
      response.write(media.subarray(0, 50_000))
    })
    expectAll(await load({ url }, { stallTimeoutMs: 500 }))
    expect(ranges).toEqual([undefined, 'bytes=50000-'])
  })

  it('that trickles is not silent', async () => {
    const { url } = await serve(async (_, response) => {
      response.writeHead(200, { 'content-length': 8 })
      for (let i = 0; i < 8; i++) {
        response.write(media.subarray(i, i + 1))
        await new Promise(resolve => setTimeout(resolve, 250))
      }
      response.end()
    })
    expectAll(await load({ url }, { stallTimeoutMs: 1000, firstByteTimeoutMs: 1000, retries: 0 }), 0, 8)
  })

  it('that sent everything but never ends the message is done', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-49999/${media.length}` })
      response.write(media.subarray(0, 50_000))
    })
    const result = await load({ url, from: 0, to: 50_000, whole: false }, { stallTimeoutMs: 300, retries: 0 })
    expectAll(result, 0, 50_000)
  })

  it('that is not there at all is a network failure', async () => {
    const { url } = await serve(() => {})
    const [server] = servers.splice(0)
    await new Promise(resolve => server!.close(resolve))
    expect((await load({ url }, { retries: 1 })).outcome).toBe('network')
  })

  it('with no URL to speak of is a network failure, not an exception', async () => {
    expect((await load({ url: 'http://[bad' }, { retries: 0 })).outcome).toBe('network')
  })
})

describe('several base URLs', () => {
  it('are tried in turn without waiting, and the one that worked is remembered', async () => {
    const bad = await serve((_, response) => response.writeHead(503).end())
    const good = await serve((request, response) => answer(request, response))
    const baseUrls = [bad.url.replace('seg.ts', ''), good.url.replace('seg.ts', '')]
    const attempts: string[] = []
    const edge = createEdgeSource({
      baseUrls,
      backoffMs: 60_000,
      onAttempt: report => attempts.push(report.url),
    })
    for (let i = 0; i < 2; i++) {
      await new Promise<void>((resolve, reject) =>
        edge.fetch(
          { url: bad.url, from: 0, to: 0, whole: true, what: 'media', headers: {}, etag: '' },
          { onOpen() {}, onData() {}, onDone: resolve, onFail: reason => reject(new Error(reason)) },
        ),
      )
    }
    expect(attempts).toEqual([bad.url, good.url, good.url])
  })

  it('go on from one to the other in the middle of a body under one validator', async () => {
    const first = await serve((_, response) => breakAfter(response, 60_000, { etag }))
    const second = await serve((request, response) => answer(request, response))
    const baseUrls = [first.url.replace('seg.ts', ''), second.url.replace('seg.ts', '')]
    expectAll(await load({ url: first.url }, { baseUrls, backoffMs: 60_000 }))
    expect(second.ranges).toEqual(['bytes=60000-'])
  })

  it('all refusing end in a refusal', async () => {
    const first = await serve((_, response) => response.writeHead(404).end())
    const second = await serve((_, response) => response.writeHead(404).end())
    const baseUrls = [first.url.replace('seg.ts', ''), second.url.replace('seg.ts', '')]
    const result = await load({ url: first.url }, { baseUrls })
    expect([result.outcome, result.attempts.length]).toEqual(['status', 2])
  })
})

describe('aborting', () => {
  it('ends in one failure, with no data after it, and closes the connection', async () => {
    let closed = false
    const { url } = await serve((_, response) => {
      response.on('close', () => {
        closed = true
      })
      response.writeHead(200, { 'content-length': media.length })
      response.write(media.subarray(0, 20_000))
      setTimeout(() => response.write(media.subarray(20_000, 40_000)), 15)
    })
    const result = await load({ url }, {}, { onData: (_, abort) => abort() })
    expect([result.outcome, result.bytes.length, result.attempts.length]).toEqual(['aborted', 20_000, 1])
    await expect.poll(() => closed).toBe(true)
  })

  it('before the answer, and while waiting to try again', async () => {
    const { url, ranges } = await serve((_, response) => response.writeHead(503).end())
    const edge = createEdgeSource({ backoffMs: 60_000, backoffMaxMs: 60_000 })
    for (const delayMs of [0, 100]) {
      const reason = await new Promise(resolve => {
        const handle = edge.fetch(
          { url, from: 0, to: 0, whole: true, what: 'media', headers: {}, etag: '' },
          { onOpen() {}, onData() {}, onDone: () => resolve('done'), onFail: resolve },
        )
        setTimeout(handle.abort, delayMs)
      })
      expect(reason).toBe('aborted')
    }
    expect(ranges.length).toBeLessThanOrEqual(2)
  })
})

it('never says done with wrong bytes, whatever an edge does at random', async () => {
  let seed = 7
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed / 2 ** 31
  }
  const { url } = await serve((request, response) => {
    const choice = Math.floor(random() * 8)
    const tag = random() < 0.5 ? etag : ''
    if (choice < 3) return answer(request, response, media, tag)
    if (choice === 3) return void request.socket.destroy()
    if (choice === 4) return void response.writeHead(503).end()
    if (choice === 5)
      return breakAfter(response, Math.floor(random() * media.length), tag ? { etag: tag } : {})
    if (choice === 6) return void response.writeHead(200).end(media)
    response.writeHead(206, { 'content-range': `bytes 5-9/${media.length}` }).end(media.subarray(5, 10))
  })
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  let done = 0
  for (let i = 0; i < 40; i++) {
    const from = Math.floor(random() * 100_000)
    const to = random() < 0.5 ? 0 : from + 1 + Math.floor(random() * 100_000)
    const result = await load({ url, from, to, whole: from === 0 && to === 0 }, { backoffMs: 1 })
    if (result.outcome !== 'done') continue
    done++
    expect(digest(result.bytes)).toBe(digest(media.subarray(from, to || media.length)))
  }
  expect(done).toBeGreaterThan(10)
})
