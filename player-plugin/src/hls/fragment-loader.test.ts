import { type Delivery, type RequestOptions, type Swarm, SwarmError } from '@nearcast/peer-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fragmentLoaderClass, type LoaderHost, type Route } from './fragment-loader.ts'
import type {
  FragmentLike,
  LoaderCallbacksLike,
  LoaderContextLike,
  LoaderLike,
  LoaderStatsLike,
} from './hls-like.ts'
import { createLoadStats } from './load-stats.ts'

/** One request that a loader made of the swarm, answered by the test. */
interface Asked {
  readonly key: string
  readonly options: RequestOptions
  deliver(bytes: Uint8Array<ArrayBuffer>, over?: Partial<Delivery>): Promise<void>
  fail(reason: string): Promise<void>
}

/** The player's own loader, driven by the test. */
class PlainLoader implements LoaderLike {
  static made: PlainLoader[] = []
  context: unknown = null
  stats = createLoadStats(() => 0).value
  callbacks!: LoaderCallbacksLike
  aborted = 0
  destroyed = 0
  constructor() {
    PlainLoader.made.push(this)
  }
  load(context: LoaderContextLike, _: unknown, callbacks: LoaderCallbacksLike) {
    this.context = context
    this.callbacks = callbacks
    this.stats.loading.start = 77
  }
  abort() {
    this.aborted++
    this.stats.aborted = true
    this.callbacks.onAbort?.(this.stats, this.context as LoaderContextLike, null)
  }
  destroy() {
    this.destroyed++
  }
  getCacheAge() {
    return 3
  }
}

const policy = (first = 10_000, all = 120_000) => ({
  loadPolicy: { maxTimeToFirstByteMs: first, maxLoadTimeMs: all },
  timeout: 0,
})

function setUp(over: Partial<Route> | Error = {}) {
  const asked: Asked[] = []
  const heard: string[] = []
  const plain: string[] = []
  const results: { data?: ArrayBuffer; code?: number; stats?: LoaderStatsLike }[] = []
  const delivered: boolean[] = []
  const swarm = {
    request(_: string, key: string, options: RequestOptions) {
      return new Promise<Delivery>((resolve, reject) => {
        const settle = () => new Promise<void>(done => queueMicrotask(() => queueMicrotask(done)))
        options.signal.addEventListener('abort', () => reject(new SwarmError('aborted', 'aborted')))
        asked.push({
          key,
          options,
          deliver(bytes, more = {}) {
            resolve({
              bytes,
              origin: 'edge',
              edgeBytes: bytes.length,
              groupBytes: 0,
              outsideBytes: 0,
              edgeBps: 0,
              verified: false,
              ...more,
            })
            return settle()
          },
          fail(reason) {
            reject(reason === 'bug' ? new TypeError('a bug') : new SwarmError(reason, reason))
            return settle()
          },
        })
      })
    },
  } as unknown as Swarm
  const host: LoaderHost = {
    plainLoader: () => PlainLoader as never,
    route: () => {
      if (over instanceof Error) throw over
      return {
        type: 'swarm',
        swarm,
        track: '/v.m3u8',
        source: { key: 'k', root: '', seq: 1 } as never,
        deadlineMs: 4000,
        urgency: 'play',
        estimate: () => ({ bitsPerSecond: 1_000_000, ttfbMs: 50, measured: true }),
        onDelivered: (_: Delivery, measured: boolean) => delivered.push(measured),
        ...over,
      } as Route
    },
    onPlain: (reason, _, stats, done) => plain.push(`${reason} ${stats.loaded} ${done}`),
    onWarning: reason => heard.push(`warning ${reason}`),
  }
  const Loader = fragmentLoaderClass(host)
  const loader = new Loader({} as never)
  const frag = { sn: 1, type: 'main', stats: loader.stats } as unknown as FragmentLike
  const context: LoaderContextLike = {
    url: 'https://a.example/1.ts?CMCD=x',
    responseType: 'arraybuffer',
    headers: { 'X-Player': 'yes' },
    rangeStart: 0,
    rangeEnd: 0,
    frag,
    part: null,
  }
  const callbacks: LoaderCallbacksLike = {
    onSuccess: ({ data, code }, stats) => {
      heard.push('success')
      results.push({ data, code, stats })
    },
    onError: ({ code, text }, _, __, stats) => {
      heard.push(`error ${code} ${text}`)
      results.push({ code, stats })
    },
    onTimeout: () => heard.push('timeout'),
    onAbort: () => heard.push('abort'),
  }
  return { loader, context, callbacks, asked, heard, plain, results, delivered }
}

beforeEach(() => {
  PlainLoader.made = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => vi.useRealTimers())

describe('the fragment loader', () => {
  it('asks the swarm with deadline, headers of the player and a signal', () => {
    const { loader, context, callbacks, asked } = setUp()
    loader.load(context, policy(), callbacks)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({
      key: 'k',
      options: { deadlineMs: 4000, urgency: 'play', headers: { 'X-Player': 'yes' } },
    })
    expect(asked[0]?.options.signal.aborted).toBe(false)
  })

  it('changes the one stats object it had from construction', async () => {
    const { loader, context, callbacks, asked, results } = setUp()
    const { stats } = loader
    const { loading } = stats
    loader.load(context, policy(), callbacks)
    vi.advanceTimersByTime(700)
    expect(loading.start).toBe(performance.now())
    asked[0]?.options.onProgress?.(10, 0)
    expect(stats).toMatchObject({ loaded: 10, total: 0 })
    vi.advanceTimersByTime(100)
    await asked[0]?.deliver(new Uint8Array(1000))
    expect(results[0]?.stats).toBe(stats)
    expect(loader.stats).toBe(stats)
    expect(stats.loading).toBe(loading)
    expect(stats).toMatchObject({ loaded: 1000, total: 1000, aborted: false })
    expect(loading.start).toBeLessThanOrEqual(loading.first)
    expect(loading.end).toBe(performance.now())
  })

  it('hands over a buffer of the segment alone, never one that somebody else holds', async () => {
    const { loader, context, callbacks, asked, results } = setUp()
    loader.load(context, policy(), callbacks)
    const shared = new Uint8Array(100).fill(7)
    await asked[0]?.deliver(shared.subarray(10, 20))
    expect(results[0]?.data).not.toBe(shared.buffer)
    expect(new Uint8Array(results[0]?.data ?? new ArrayBuffer(0))).toEqual(new Uint8Array(10).fill(7))
    expect(results[0]?.code).toBe(200)
  })

  it('tells abort once, and nothing after it', async () => {
    const { loader, context, callbacks, asked, heard } = setUp()
    loader.load(context, policy(), callbacks)
    loader.abort()
    loader.abort()
    expect(heard).toEqual(['abort'])
    expect(loader.stats.aborted).toBe(true)
    expect(asked[0]?.options.signal.aborted).toBe(true)
    await asked[0]?.deliver(new Uint8Array(5))
    vi.advanceTimersByTime(200_000)
    expect(heard).toEqual(['abort'])
  })

  it('says nothing after destroy', async () => {
    for (const end of ['deliver', 'fail'] as const) {
      const { loader, context, callbacks, asked, heard } = setUp()
      loader.load(context, policy(), callbacks)
      loader.destroy()
      expect(loader.stats.aborted).toBe(true)
      await (end === 'deliver' ? asked[0]?.deliver(new Uint8Array(5)) : asked[0]?.fail('edge-busy'))
      loader.abort()
      vi.advanceTimersByTime(200_000)
      expect(heard).toEqual([])
    }
  })

  it('does not count a finished load as aborted when hls.js destroys the loader', async () => {
    const { loader, context, callbacks, asked } = setUp()
    loader.load(context, policy(), callbacks)
    await asked[0]?.deliver(new Uint8Array(5))
    loader.destroy()
    expect(loader.stats.aborted).toBe(false)
  })

  it('times out without a first byte, and without a last one', () => {
    const first = setUp()
    first.loader.load(first.context, policy(500, 2000), first.callbacks)
    vi.advanceTimersByTime(499)
    expect(first.heard).toEqual([])
    vi.advanceTimersByTime(1)
    expect(first.heard).toEqual(['timeout'])
    expect(first.asked[0]?.options.signal.aborted).toBe(true)

    const last = setUp()
    last.loader.load(last.context, policy(500, 2000), last.callbacks)
    vi.advanceTimersByTime(400)
    last.asked[0]?.options.onProgress?.(1, 9)
    vi.advanceTimersByTime(1599)
    expect(last.heard).toEqual([])
    vi.advanceTimersByTime(1)
    expect(last.heard).toEqual(['timeout'])
  })

  it('runs no watchdog for Infinity and 0', () => {
    const { loader, context, callbacks, heard } = setUp()
    loader.load(context, policy(0, Number.POSITIVE_INFINITY), callbacks)
    vi.advanceTimersByTime(10_000_000)
    expect(heard).toEqual([])
  })

  it('reports what may pass as 503, which hls.js retries', async () => {
    for (const reason of ['edge-busy', 'edge-timeout', 'edge-network', 'edge-mismatch']) {
      const { loader, context, callbacks, asked, heard } = setUp()
      loader.load(context, policy(), callbacks)
      await asked[0]?.fail(reason)
      expect(heard).toEqual([`error 503 ${reason}`])
    }
  })

  it('lets the player see for itself what the edge refuses', async () => {
    const { loader, context, callbacks, asked, heard, plain } = setUp()
    const { stats } = loader
    loader.load(context, policy(), callbacks)
    await asked[0]?.fail('edge-status')
    const [own] = PlainLoader.made
    expect(own?.context).toBe(context)
    own?.callbacks.onError({ code: 403, text: 'Forbidden' }, context, null, own.stats)
    expect(heard).toEqual(['error 403 Forbidden'])
    expect(plain).toEqual(['edge-status 0 false'])
    expect(stats.loading.start).toBe(77)
  })

  it('falls back to the player visibly when anything of ours fails', async () => {
    for (const reason of ['bug', 'internal', 'unknown-segment']) {
      const { loader, context, callbacks, asked, heard, plain, results } = setUp()
      const { stats } = loader
      loader.load(context, policy(), callbacks)
      await asked[0]?.fail(reason)
      const own = PlainLoader.made.at(-1)
      if (own) own.stats.loaded = 9
      own?.callbacks.onSuccess(
        { url: context.url, data: new ArrayBuffer(9), code: 200 },
        own.stats,
        context,
        null,
      )
      expect(heard).toEqual(['warning request-failed', 'success'])
      expect(plain).toEqual(['fallback 9 true'])
      expect(results[0]?.stats).toBe(stats)
    }
  })

  it('goes on quietly when the swarm is closed under a load', async () => {
    const { loader, context, callbacks, asked, heard } = setUp()
    loader.load(context, policy(), callbacks)
    await asked[0]?.fail('closed')
    expect(PlainLoader.made).toHaveLength(1)
    expect(heard).toEqual([])
  })

  it('falls back when even the lookup throws', () => {
    const { loader, context, callbacks, heard } = setUp(new Error('no'))
    loader.load(context, policy(), callbacks)
    expect(heard).toEqual(['warning route-failed'])
    expect(PlainLoader.made).toHaveLength(1)
  })

  it("leaves a load to the player's own loader, with its abort, its numbers and its cache age", () => {
    const { loader, context, callbacks, asked, heard } = setUp({ type: 'plain', reason: 'part' } as Route)
    const { stats } = loader
    stats.retry = 2
    loader.load(context, policy(), callbacks)
    const [own] = PlainLoader.made
    expect(asked).toEqual([])
    expect(own?.stats.retry).toBe(2)
    if (own) own.stats.loaded = 55
    expect(stats.loaded).toBe(55)
    expect(loader.getCacheAge?.()).toBe(3)
    loader.abort()
    expect(heard).toEqual(['abort'])
    expect(stats.aborted).toBe(true)
    loader.destroy()
    expect(own?.destroyed).toBe(1)
  })

  it('passes all bytes through onProgress where somebody listens', async () => {
    const { loader, context, callbacks, asked, heard } = setUp()
    const chunks: number[] = []
    loader.load(context, policy(), {
      ...callbacks,
      onProgress: (_, __, data) => void chunks.push(data.byteLength),
    })
    asked[0]?.options.onProgress?.(100, 1000)
    await asked[0]?.deliver(new Uint8Array(1000))
    expect(chunks).toEqual([1000])
    expect(heard).toEqual(['success'])
  })

  it("takes the body of the player's own loader whole, and passes it on before the end", () => {
    const { loader, context, callbacks, heard } = setUp({ type: 'plain', reason: 'part' } as Route)
    const chunks: number[] = []
    loader.load(context, policy(), {
      ...callbacks,
      onProgress: (_, __, data) => void chunks.push(data.byteLength),
    })
    const [own] = PlainLoader.made
    expect(own?.callbacks.onProgress).toBeUndefined()
    const response = { url: context.url, data: new ArrayBuffer(9), code: 200 }
    own?.callbacks.onSuccess(response, own.stats, context, null)
    expect(chunks).toEqual([9])
    expect(heard).toEqual(['success'])
  })

  it('can be used once', () => {
    const { loader, context, callbacks } = setUp()
    loader.load(context, policy(), callbacks)
    expect(() => loader.load(context, policy(), callbacks)).toThrow('only be used once')
  })

  it('reports a held segment at the estimate that hls.js has', async () => {
    const { loader, context, callbacks, asked, delivered } = setUp()
    loader.load(context, policy(), callbacks)
    vi.advanceTimersByTime(2000)
    await asked[0]?.deliver(new Uint8Array(125_000), { origin: 'held' })
    const { start, first, end } = loader.stats.loading
    expect((125_000 * 8000) / (end - first)).toBeCloseTo(1_000_000)
    expect(first - start).toBeCloseTo(50)
    expect(delivered).toEqual([false])
  })
})
