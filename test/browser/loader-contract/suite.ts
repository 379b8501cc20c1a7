import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  createEdge,
  type EdgeServer,
  type Listening,
  listen,
  queryFolder,
} from '@nearcast/edge-fallback/server'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../bundle.ts'
import { launchChromium } from '../chromium.ts'

type Subject = typeof import('../pages/loader.ts')
declare const subject: Subject

const here = dirname(fileURLToPath(import.meta.url))
const media = join(here, '../../../examples/demo/media')
const require = createRequire(import.meta.url)
const hlsFile = (name: string) => join(dirname(require.resolve(`${name}/package.json`)), 'dist/hls.js')

/** A live playlist whose last four segments are listed in parts too, of one segment each. */
const lowLatencyPlaylist = [
  '#EXTM3U',
  '#EXT-X-VERSION:9',
  '#EXT-X-TARGETDURATION:2',
  '#EXT-X-PART-INF:PART-TARGET=2.0',
  '#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=6.0',
  '#EXT-X-MEDIA-SEQUENCE:0',
  ...Array.from({ length: 8 }, (_, i) => {
    const uri = `/ts/high/00${i}.ts`
    const part = i >= 4 ? `#EXT-X-PART:DURATION=2.0,INDEPENDENT=YES,URI="${uri}"\n` : ''
    return `${part}#EXTINF:2.0,\n${uri}`
  }),
].join('\n')

/** What hls.js expects of a loader, held against one version of it (a package of node_modules). */
export function loaderContract(name: string): void {
  let browser: Browser
  let edge: EdgeServer
  let http: Listening
  let script: string

  beforeAll(async () => {
    edge = createEdge({ dir: media, map: queryFolder('id'), digests: false })
    http = await listen(edge.app, { port: 0, host: '127.0.0.1' })
    script = await bundle(join(here, '../pages/loader.ts'), { globalName: 'subject' })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await http?.close()
    await edge?.close()
  })

  /** Media files that were asked for, init segments and keys included, playlists not. */
  const fetched = () => edge.log.entries.filter(({ path }) => !/\.m3u8|\.html/.test(path))

  const { version } = JSON.parse(readFileSync(join(dirname(hlsFile(name)), '../package.json'), 'utf8'))

  describe(`hls.js ${version}`, () => {
    let page: Page

    beforeAll(async () => {
      page = await browser.newPage()
      await page.route(`${http.url}/page.html`, route =>
        route.fulfill({ contentType: 'text/html', body: '<body>' }),
      )
      await page.goto(`${http.url}/page.html`)
      await page.addScriptTag({ path: hlsFile(name) })
      await page.addScriptTag({ content: script })
    })
    afterAll(() => page.close())
    beforeEach(() => {
      edge.setFault(null)
      edge.setLine(0)
      edge.log.clear()
    })
    afterEach(() =>
      page.evaluate(() => {
        subject.stop()
        subject.answerWith(() => ({}))
      }),
    )

    const start = (path: string, over: Omit<Parameters<Subject['start']>[0], 'url'> = {}) =>
      page.evaluate(setup => subject.start(setup), { ...over, url: `${http.url}/${path}` })
    const played = (seconds: number) => page.evaluate(s => subject.played(s), seconds)

    for (const [stream, types] of [
      ['ts/master.m3u8', ['main']],
      ['fmp4/master.m3u8', ['audio', 'main']],
      ['aes/master.m3u8', ['main']],
      ['byterange/master.m3u8', ['audio', 'main']],
      ['query/watch.m3u8?id=7', ['main']],
    ] as const) {
      it(`takes every fragment of ${stream} through the swarm, and nothing else`, async () => {
        await start(stream)
        await played(1.5)
        const seen = await page.evaluate(() => {
          const { deliveries, plain, warnings, errors } = subject.run()
          return { deliveries, plain, warnings, errors, asked: subject.run().swarm().asked }
        })
        expect(seen.errors.filter(({ fatal }) => fatal)).toEqual([])
        expect(seen.warnings).toEqual([])
        // hls.js measures the line with one fragment, which it loads and throws away.
        expect(seen.plain.filter(reason => reason !== 'bitrate-test')).toEqual([])
        expect([...new Set(seen.deliveries.map(({ type }) => type))].sort()).toEqual(types)
        const bytes = seen.asked.filter(({ state }) => state === 'delivered').map(one => one.bytes)
        expect(bytes.every(count => count > 0)).toBe(true)
        expect(new Set(seen.asked.map(({ key }) => key)).size).toBe(seen.asked.length)
        expect(seen.asked.some(({ key }) => /m3u8 \/?$|key\.bin/.test(key))).toBe(false)
        if (stream.startsWith('aes'))
          expect(edge.log.entries.some(({ path }) => path.endsWith('key.bin'))).toBe(true)
      })
    }

    it('takes init segments and byte ranges by their exact range', async () => {
      await start('byterange/master.m3u8')
      await played(0.5)
      const asked = await page.evaluate(() => subject.run().swarm().asked)
      expect(asked.filter(({ seq }) => seq === -1).map(({ key }) => key)).toContain(
        'init /byterange/low.mp4 0-830',
      )
      expect(asked.map(({ key }) => key)).toContain(
        'media /byterange/low.m3u8 /byterange/low.mp4 830-23636 0 0',
      )
      const ranges = fetched().map(({ range }) => range)
      expect(ranges).toContain('bytes=0-829')
      expect(ranges).toContain('bytes=830-23635')
    })

    it('tells two videos named by their query apart', async () => {
      const keys: string[][] = []
      for (const id of [7, 8]) {
        await start(`query/watch.m3u8?id=${id}`)
        await played(0.5)
        keys.push(
          await page.evaluate(() =>
            subject
              .run()
              .swarm()
              .asked.map(({ key }) => key),
          ),
        )
      }
      expect(keys[0]?.filter(key => keys[1]?.includes(key))).toEqual([])
    })

    it('names the whole playlist to the swarm before the first fragment is asked for', async () => {
      await start('fmp4/master.m3u8')
      await played(0.5)
      const windows = await page.evaluate(() => {
        const all = subject.run().swarm().windows
        return all.map(({ track, live, entries }) => ({ track, live, entries }))
      })
      const video = windows.find(({ track }) => /low|high/.test(track))
      expect(video?.live).toBe(false)
      expect(video?.entries.filter(({ seq }) => seq >= 0).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 20 }, (_, i) => i),
      )
      expect(video?.entries[0]).toMatchObject({ seq: -1, slot: 0, durationMs: 0 })
      expect(video?.entries.at(-1)).toMatchObject({
        slot: 19,
        durationMs: 2000,
        url: expect.stringMatching(/^http:/),
      })
      expect(Math.round((video?.entries.at(-1)?.startMs ?? 0) / 1000)).toBe(38)
      expect(windows.some(({ track }) => track.includes('audio'))).toBe(true)
    })

    it('gives the first fragments no time and later ones the time that the buffer leaves', async () => {
      await start('ts/master.m3u8', { hls: { maxBufferLength: 8, maxBufferSize: 0 } })
      await played(3)
      const asked = await page.evaluate(() => subject.run().swarm().asked)
      expect(asked[0]).toMatchObject({ urgency: 'start', deadlineMs: 0 })
      const later = asked.at(-1)
      expect(later?.urgency).toBe('play')
      // Eight seconds less what went by while it waited.
      expect(later?.deadlineMs).toBeGreaterThan(1500)
      expect(later?.deadlineMs).toBeLessThan(12_000)
    })

    it('is in a hurry after a seek', async () => {
      await start('ts/master.m3u8', { hls: { maxBufferLength: 4, maxBufferSize: 0 } })
      await played(0.5)
      const before = await page.evaluate(() => {
        const { asked } = subject.run().swarm()
        subject.run().video.currentTime = 30
        return asked.length
      })
      await played(30.2)
      const first = await page.evaluate(
        from =>
          subject
            .run()
            .swarm()
            .asked.slice(from)
            .find(one => one.seq >= 14),
        before,
      )
      expect(first).toMatchObject({ urgency: 'seek', deadlineMs: 0 })
    })

    it('reports the position: playhead, buffer, tracks with video first', async () => {
      await start('fmp4/master.m3u8')
      await played(2)
      const last = await page.evaluate(() => subject.run().swarm().positions.at(-1))
      expect(last?.tracks[0]).toMatch(/^\/fmp4\/(low|high)\//)
      expect(last?.tracks[1]).toMatch(/^\/fmp4\/audio\//)
      expect(last).toMatchObject({ paused: false, rate: 1 })
      expect(last?.mediaMs).toBeGreaterThan(1500)
      expect(last?.bufferMs).toBeGreaterThan(0)
      expect(last?.goalMs).toBeGreaterThanOrEqual(30_000)
    })

    it('fills in the stats that hls.js took before the load', async () => {
      await start('ts/master.m3u8')
      await played(0.5)
      const loaded = await page.evaluate(() => subject.run().loaded)
      expect(loaded.length).toBeGreaterThan(0)
      for (const { stats } of loaded) {
        const { loaded, total, aborted, loading } = stats as {
          loaded: number
          total: number
          aborted: boolean
          loading: Record<string, number>
        }
        expect(loaded).toBe(total)
        expect(loaded).toBeGreaterThan(1000)
        expect(aborted).toBe(false)
        expect(loading['start']).toBeLessThanOrEqual(loading['first'] ?? 0)
        expect(loading['first']).toBeLessThanOrEqual(loading['end'] ?? 0)
      }
    })

    it('gives away the buffer: hls.js detaches it', async () => {
      await start('ts/master.m3u8', { hls: { enableWorker: true } })
      await played(0.5)
      const sizes = await page.evaluate(() =>
        subject
          .run()
          .swarm()
          .handed.map(buffer => buffer.byteLength),
      )
      expect(sizes).toContain(0)
    })

    it('lets hls.js abort a wait, and goes on afterwards', async () => {
      await page.evaluate(() => subject.answerWith((_, count) => (count <= 1 ? { hang: true } : {})))
      await start('ts/master.m3u8', { hls: { startLevel: 0 } })
      await page.evaluate(() => subject.until(() => (subject.run().swarms[0]?.asked.length ?? 0) > 0))
      const state = await page.evaluate(async () => {
        const { hls } = subject.run()
        hls.stopLoad()
        await new Promise(resolve => setTimeout(resolve, 50))
        const { state } = subject.run().swarm().asked[0] ?? {}
        hls.startLoad()
        return state
      })
      expect(state).toBe('aborted')
      await played(0.5)
    })

    it('times out a wait for the first byte, and hls.js tries again', async () => {
      await page.evaluate(() => subject.answerWith((_, count) => (count <= 1 ? { hang: true } : {})))
      const timeoutRetry = { maxNumRetry: 3, retryDelayMs: 0, maxRetryDelayMs: 0 }
      await start('ts/master.m3u8', {
        hls: {
          startLevel: 0,
          fragLoadPolicy: {
            default: { maxTimeToFirstByteMs: 1500, maxLoadTimeMs: 10_000, timeoutRetry, errorRetry: null },
          },
        },
      })
      await played(0.5)
      const { errors } = await page.evaluate(() => ({ errors: subject.run().errors }))
      expect(errors.map(({ details }) => details)).toContain('fragLoadTimeOut')
      expect(errors.some(({ fatal }) => fatal)).toBe(false)
    })

    it('reports a busy edge as 503, which hls.js retries', async () => {
      await page.evaluate(() => subject.answerWith((_, count) => (count <= 2 ? { fail: 'edge-busy' } : {})))
      await start('ts/master.m3u8', { hls: { startLevel: 0 } })
      await played(0.5)
      const errors = await page.evaluate(() => subject.run().errors)
      expect(errors[0]).toMatchObject({ details: 'fragLoadError', fatal: false, code: 503 })
    })

    it("shows hls.js the edge's own refusal", async () => {
      edge.setFault(({ path }) => (path.endsWith('/000.ts') ? { type: 'status', status: 403 } : null))
      await start('aes/master.m3u8')
      await page.evaluate(() => subject.until(() => subject.run().errors.length > 0))
      const errors = await page.evaluate(() => subject.run().errors)
      expect(errors[0]).toMatchObject({ details: 'fragLoadError', code: 403 })
    })

    it('plays on by itself, and says so, when the swarm breaks', async () => {
      await page.evaluate(() => subject.answerWith(() => ({ fail: 'bug' })))
      await start('fmp4/master.m3u8')
      await played(1)
      const { warnings, plain, errors } = await page.evaluate(() => {
        const { warnings, plain, errors } = subject.run()
        return { warnings, plain, errors }
      })
      expect(warnings[0]).toBe('request-failed')
      expect(plain).toContain('fallback')
      expect(errors).toEqual([])
    })

    it('leaves the bitrate test to the edge', async () => {
      await start('ts/master.m3u8', { hls: { startLevel: -1, testBandwidth: true } })
      await played(0.5)
      expect(await page.evaluate(() => subject.run().plain)).toContain('bitrate-test')
      const { plain } = await page.evaluate(() => subject.run().nearcast.snapshot())
      expect(plain['bitrate-test']).toMatchObject({ fragments: 1, why: expect.stringContaining('measures') })
    })

    it('leaves LL-HLS parts to the edge, and says so', async () => {
      await page.route(`${http.url}/ll/index.m3u8*`, route =>
        route.fulfill({ contentType: 'application/vnd.apple.mpegurl', body: lowLatencyPlaylist }),
      )
      await start('ll/index.m3u8')
      await page.evaluate(() => subject.until(() => subject.run().plain.includes('part')))
      const { plain, notShared } = await page.evaluate(() => subject.run().nearcast.snapshot())
      expect(plain.part?.bytes).toBeGreaterThan(1000)
      expect(notShared).toEqual([expect.stringContaining('LL-HLS')])
    })

    it('works on a player that exists, and gives it back', async () => {
      // So short a buffer that it has to load by itself afterwards.
      const hls = { maxBufferLength: 3, maxBufferSize: 0 }
      await start('ts/master.m3u8', { by: 'attach', hls })
      await played(0.5)
      const seen = await page.evaluate(() => {
        const { hls, nearcast, deliveries } = subject.run()
        const ours = hls.config['fLoader'] !== undefined
        void nearcast.destroy()
        return {
          ours,
          after: hls.config['fLoader'] === undefined,
          deliveries: deliveries.length,
        }
      })
      expect(seen).toMatchObject({ ours: true, after: true })
      expect(seen.deliveries).toBeGreaterThan(0)
      await played(6)
    })

    it('switches progressive loading off on a player that exists, and gives that back too', async () => {
      const hls = { progressive: true, maxBufferLength: 3, maxBufferSize: 0 }
      await start('ts/master.m3u8', { by: 'attach', hls })
      await played(0.5)
      expect(await page.evaluate(() => subject.run().hls.config['progressive'])).toBe(false)
      const after = await page.evaluate(() => {
        void subject.run().nearcast.destroy()
        return subject.run().hls.config['progressive']
      })
      expect(after).toBe(true)
      await played(6)
      expect(await page.evaluate(() => subject.run().errors.filter(({ fatal }) => fatal))).toEqual([])
    })

    it('leaves whole segments to a player that would load them progressively', async () => {
      await start('ts/master.m3u8', { by: 'attach', nearcast: { mode: 'off' }, hls: { progressive: true } })
      await played(3)
      const { plain, errors } = await page.evaluate(() => {
        const { plain, errors } = subject.run()
        return { plain, errors }
      })
      expect(plain).toContain('mode-off')
      expect(errors).toEqual([])
    })

    it('forwards CMCD to the edge and keeps it out of keys', async () => {
      await start('ts/master.m3u8', { hls: { cmcd: { sessionId: 'abc', contentId: 'x' } } })
      await played(0.5)
      const asked = await page.evaluate(() => subject.run().swarm().asked)
      expect(asked.length).toBeGreaterThan(0)
      expect(asked.every(({ key }) => !/cmcd/i.test(key))).toBe(true)
      const paths = fetched().map(({ path }) => path)
      expect(paths.length).toBeGreaterThan(0)
      expect(paths.every(path => /CMCD=/.test(path))).toBe(true)
    })

    it('forwards CMCD headers as well', async () => {
      await start('ts/master.m3u8', { hls: { cmcd: { useHeaders: true, sessionId: 'abc', contentId: 'x' } } })
      await played(0.5)
      const headers = await page.evaluate(() =>
        subject
          .run()
          .swarm()
          .asked.map(one => Object.keys(one.headers)),
      )
      expect(headers.every(names => names.some(name => /^CMCD-/i.test(name)))).toBe(true)
    })

    it("lets the player's own loader do the edge part where only xhrSetup knows the way in", async () => {
      edge.setFault(({ path }) =>
        path.includes('pass=yes') || path.includes('page.html') ? null : { type: 'status', status: 401 },
      )
      await page.evaluate(url => {
        const xhrSetup = (xhr: XMLHttpRequest, asked: string) => xhr.open('GET', `${asked}?pass=yes`, true)
        subject.start({ url, hls: { xhrSetup } })
      }, `${http.url}/aes/master.m3u8`)
      await played(2)
      const { plain, deliveries } = await page.evaluate(() => {
        const { plain, deliveries } = subject.run()
        return { plain, deliveries }
      })
      expect(plain.filter(reason => reason !== 'bitrate-test')).toEqual([])
      expect(deliveries.length).toBeGreaterThan(0)
    })

    it('honours fetchSetup', async () => {
      await page.evaluate(url => {
        const fetchSetup = (context: { url: string }, init: RequestInit) =>
          new Request(`${context.url}?setup=fetch`, init)
        subject.start({ url, hls: { fetchSetup, xhrSetup: () => {} } })
      }, `${http.url}/ts/master.m3u8`)
      await played(0.5)
      expect(fetched().some(({ path }) => path.endsWith('?setup=fetch'))).toBe(true)
    })

    it("keeps an interstitial's player and a second player on the edge", async () => {
      await start('ts/master.m3u8')
      await played(0.5)
      const seen = await page.evaluate(async () => {
        const { hls, nearcast, warnings } = subject.run()
        const Player = hls.constructor as new (config: object) => typeof hls
        const asset = new Player({
          ...(hls as unknown as { userConfig: object }).userConfig,
          assetPlayerId: 'ad',
        })
        const quiet = warnings.length
        const second = new Player(nearcast.hlsConfig())
        const told = [...warnings]
        for (const other of [asset, second]) {
          const video = document.createElement('video')
          video.muted = true
          other.attachMedia(video)
          other.loadSource(new URL('/aes/master.m3u8', location.href).href)
          await video.play().catch(() => {})
          await subject.until(() => video.currentTime > 0.3)
          other.destroy()
        }
        return { quiet, told, plain: subject.run().plain }
      })
      expect(seen.quiet).toBe(0)
      expect(seen.told).toEqual(['second-player'])
      expect(seen.plain).toContain('no-player')
      const asked = await page.evaluate(() =>
        subject
          .run()
          .swarm()
          .asked.map(({ track }) => track),
      )
      expect(asked.some(track => track.includes('aes'))).toBe(false)
    })

    it('serves the next player of the page after the first was destroyed', async () => {
      await start('ts/master.m3u8')
      await played(0.5)
      const seen = await page.evaluate(async () => {
        const { hls, nearcast, swarms } = subject.run()
        hls.destroy()
        const Player = hls.constructor as new (config: object) => typeof hls
        const next = new Player(nearcast.hlsConfig())
        const before = subject.run().swarm().asked.length
        const video = document.createElement('video')
        video.muted = true
        next.attachMedia(video)
        next.loadSource(new URL('/ts/master.m3u8', location.href).href)
        await video.play().catch(() => {})
        await subject.until(() => video.currentTime > 0.3)
        next.destroy()
        return { swarms: swarms.length, more: subject.run().swarm().asked.length - before }
      })
      expect(seen.swarms).toBe(1)
      expect(seen.more).toBeGreaterThan(0)
    })

    it('is plain before consent and shares after it', async () => {
      await page.evaluate(url => {
        let agree = (_: boolean) => {}
        const consent = () =>
          new Promise<boolean>(resolve => {
            agree = resolve
          })
        subject.start({ url, nearcast: { consent }, hls: { maxBufferLength: 4, maxBufferSize: 0 } })
        Object.assign(globalThis, { agree: () => agree(true) })
      }, `${http.url}/ts/master.m3u8`)
      await played(0.5)
      expect(
        await page.evaluate(() => ({
          swarms: subject.run().swarms.length,
          plain: [...new Set(subject.run().plain)],
        })),
      ).toEqual({
        swarms: 0,
        plain: expect.arrayContaining(['no-consent']),
      })
      await page.evaluate(() => (globalThis as unknown as { agree(): void }).agree())
      await page.evaluate(() => subject.until(() => subject.run().deliveries.length > 0))
    })

    it('follows mode off and back at run time, without a stall', async () => {
      await start('ts/master.m3u8', { hls: { maxBufferLength: 3, maxBufferSize: 0, startLevel: 0 } })
      await played(0.5)
      const off = await page.evaluate(async () => {
        const { nearcast, swarms } = subject.run()
        nearcast.setMode('off')
        await new Promise(resolve => setTimeout(resolve, 20))
        return { state: nearcast.snapshot().state, closed: swarms[0]?.closed }
      })
      expect(off).toEqual({ state: { type: 'plain', reason: 'mode-off' }, closed: 1 })
      await page.evaluate(() => subject.until(() => subject.run().plain.includes('mode-off')))
      await page.evaluate(() => subject.run().nearcast.setMode('leech'))
      await page.evaluate(() => subject.until(() => (subject.run().swarms[1]?.asked.length ?? 0) > 0))
      const windows = await page.evaluate(() => subject.run().swarms[1]?.windows.length)
      expect(windows).toBeGreaterThan(0)
    })

    it("obeys the tracker's kill switch, and caps the level to a thin line", async () => {
      await start('ts/master.m3u8', { hls: { maxBufferLength: 3, maxBufferSize: 0 } })
      await played(0.5)
      const policy = {
        mode: 'share',
        wan: 'allow',
        integrity: 'prefer',
        lineKbps: 300,
        uploadKbps: 0,
        groupSize: 2,
      }
      const cap = await page.evaluate(pushed => {
        subject.run().swarm().push('policy', pushed)
        return subject.run().hls.autoLevelCapping
      }, policy)
      expect(cap).toBe(0)
      const lifted = await page.evaluate(
        pushed => {
          subject.run().swarm().push('policy', pushed)
          return subject.run().hls.autoLevelCapping
        },
        { ...policy, lineKbps: 0, mode: 'off' },
      )
      expect(lifted).toBe(-1)
      await page.evaluate(() => subject.until(() => subject.run().plain.includes('policy-off')))
    })

    it('destroys twice, and the player plays on', async () => {
      await start('ts/master.m3u8', { hls: { maxBufferLength: 3, maxBufferSize: 0 } })
      await played(0.5)
      const closed = await page.evaluate(async () => {
        const { nearcast, swarms } = subject.run()
        await Promise.all([nearcast.destroy(), nearcast.destroy()])
        await nearcast.destroy()
        return swarms[0]?.closed
      })
      expect(closed).toBe(1)
      await played(4.5)
    })

    it("keeps hls.js's estimate of a 3 Mbit/s line, with five of six segments from a neighbour", async () => {
      const hls = { startLevel: 1, maxBufferLength: 40 }
      await page.evaluate(
        urls => subject.preload(urls),
        Array.from({ length: 20 }, (_, i) => `${http.url}/ts/high/${String(i).padStart(3, '0')}.ts`),
      )
      edge.setLine(3000)
      const estimate = async (by: 'none' | 'config') => {
        await page.evaluate(() =>
          subject.answerWith((_, count) =>
            count % 6 === 1 ? {} : { memory: true, origin: 'held', delayMs: count % 2 ? 300 : 0 },
          ),
        )
        await start('ts/master.m3u8', { by, hls })
        await page.evaluate(() => subject.until(() => subject.run().loaded.length >= 13))
        return page.evaluate(() => ({
          held: subject.run().deliveries.filter(({ origin }) => origin === 'held').length,
          bps: subject.run().hls.bandwidthEstimate,
        }))
      }
      // In turn, so that what else the machine does meets both alike; the middle one of three, for it may meet one alone.
      const estimates: Record<'none' | 'config', number[]> = { none: [], config: [] }
      for (let round = 0; round < 3; round++) {
        estimates.none.push((await estimate('none')).bps)
        const { held, bps } = await estimate('config')
        expect(held).toBeGreaterThanOrEqual(10)
        estimates.config.push(bps)
      }
      const middle = (values: readonly number[]) => [...values].sort((a, b) => a - b)[1]!
      const [plain, shared] = [middle(estimates.none), middle(estimates.config)]
      expect(shared / plain).toBeGreaterThan(0.75)
      // Plain reads less than the line carries: it charges the worker's start to its first segment.
      expect(shared).toBeLessThan(1.25 * 3_000_000)
    })
  })
}
