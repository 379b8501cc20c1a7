import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEdge, createLiveChannel, type EdgeServer, listen } from '@nearcast/edge-fallback/server'
import { chromium, type Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, quietArgs } from './chromium.ts'
import type { ViewerReport } from './pages/viewer.ts'
import { openStage, reportWhen, type Stage, until, type Viewer } from './stage.ts'

/** Acceptance: what happens to real viewers when peers, tracker or edge fail. */

declare const viewer: typeof import('./pages/viewer.ts')

let stage: Stage
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => {
  stage.demo.edge.setFault(null)
  for (const one of open.splice(0).reverse()) await one.close()
})
afterAll(() => stage?.close())

async function add(from: Stage = stage): Promise<Viewer> {
  const made = await from.viewer()
  open.push(made)
  return made
}

const isMedia = (path: string) => /\.(ts|mp4|m4s|aac)(\?|$)/.test(path)

/** Changes what this page's peers get of it from now on: of its pieces, and of nothing else. */
async function tamper(one: Viewer, how: 'drop' | 'flip'): Promise<void> {
  await one.page.evaluate(kind => {
    const send = RTCDataChannel.prototype.send as (data: ArrayBuffer | ArrayBufferView) => void
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
      const bytes = viewer.bytesOf(data)
      if (!viewer.isPiece(bytes)) return send.call(this, bytes)
      Object.assign(globalThis, { tampered: tampered() + 1 })
      if (kind === 'drop') return
      const copy = bytes.slice()
      for (let at = 1000; at < copy.length; at += 16_384) copy[at]! ^= 1
      copy[copy.length - 1]! ^= 1
      return send.call(this, copy)
    } as typeof RTCDataChannel.prototype.send
    const tampered = () => (globalThis as { tampered?: number }).tampered ?? 0
  }, how)
}

const tampered = (one: Viewer) => one.page.evaluate(() => (globalThis as { tampered?: number }).tampered ?? 0)

/**
 * Of one of the next segments that it fetched this page gives one whole piece, and then says nothing more. Not of one
 * that somebody else, held up by a busy machine, takes from the edge as well: then it goes on as if nothing had been.
 * Resolves to the segment's number.
 */
async function stopMidway(one: Viewer, isTakenTwice: (path: string) => boolean): Promise<number> {
  const stopped: number[] = []
  await one.page.exposeFunction('midway', (seq: number) => stopped.push(seq))
  await one.page.evaluate(() => {
    const send = RTCDataChannel.prototype.send as (data: ArrayBuffer | ArrayBufferView) => void
    const given = new Set(viewer.givings(viewer.trace()).map(({ seq }) => seq))
    let held: (() => void)[] | null = null
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
      const bytes = viewer.bytesOf(data)
      if (held) {
        const copy = bytes.slice()
        held.push(() => send.call(this, copy))
        return
      }
      if (viewer.isPiece(bytes) && bytes.length > 65_536) {
        const { seq, bytes: sum } = viewer.givings(viewer.trace()).at(-1)!
        // Of three blocks at least one must be missing everywhere.
        if (!given.has(seq) && sum <= 2 * 65_536) {
          given.add(seq)
          held = []
          setTimeout(() => (globalThis as unknown as { midway(seq: number): void }).midway(seq))
        }
      }
      return send.call(this, bytes)
    } as typeof RTCDataChannel.prototype.send
    Object.assign(globalThis, {
      goOn() {
        for (const act of held ?? []) act()
        for (const { seq } of viewer.givings(viewer.trace())) given.add(seq)
        held = null
      },
    })
  })
  for (;;) {
    await until(
      async () => stopped.length > 0,
      30_000,
      () => 'it to give',
    )
    const seq = stopped.shift()!
    const { segments } = (await one.report()).snapshot!.swarm!
    const { key, size, edgeBytes } = segments.findLast(segment => segment.seq === seq)!
    if (edgeBytes === size && !isTakenTwice(pathOf(key))) return seq
    await one.page.evaluate(() => (globalThis as unknown as { goOn(): void }).goOn())
  }
}

const pathOf = (key: string) => /\/live\/\S+\.ts/.exec(key)![0]

/** This viewer's playlists come from a cache that lags behind: others know of a segment sooner. */
async function stale(one: Viewer, byMs: number): Promise<void> {
  const seen = new Map<string, { at: number; body: string }[]>()
  const answer = async (route: Route) => {
    const response = await route.fetch()
    const history = seen.get(route.request().url()) ?? []
    seen.set(route.request().url(), history)
    history.push({ at: performance.now(), body: await response.text() })
    const old = history.findLast(({ at }) => at <= performance.now() - byMs) ?? history[0]!
    await route.fulfill({ response, body: old.body })
  }
  // The page may be closed in the middle of it.
  await one.page.route('**/*.m3u8*', route => answer(route).catch(() => {}))
}

const linked = (one: Viewer, peers: number) =>
  until(
    async () => ((await one.report()).snapshot?.swarm?.peers.length ?? 0) >= peers,
    15_000,
    () => `${peers} links`,
  )

/** Whole playback: `seconds` more from here on, without a stall. */
async function playsOn(one: Viewer, seconds: number): Promise<ViewerReport> {
  const { currentTime } = await one.report()
  const report = await reportWhen(one, now => now.currentTime > currentTime + seconds)
  expect(report.stalls).toEqual([])
  return report
}

const hasLoaded = (one: Viewer, segments: number) =>
  reportWhen(one, ({ loaded }) => loaded.length >= segments)

const groupBytes = ({ snapshot }: ViewerReport) => snapshot!.swarm!.bytes.group

it('is told of a player that stands still for good', async () => {
  const one = await add()
  await one.start({ url: stage.url('ts'), nearcast: null, hls: { maxBufferLength: 2, maxBufferSize: 0 } })
  await reportWhen(one, ({ currentTime }) => currentTime > 1)
  stage.demo.edge.setFault(({ path }) => (isMedia(path) ? { type: 'hang', afterBytes: 0 } : null))
  const { stalls } = await reportWhen(one, report => report.stalls.length > 0)
  const [{ ms = 0 } = {}] = (await reportWhen(one, report => (report.stalls[0]?.ms ?? 0) > 1000)).stalls
  expect(stalls).toHaveLength(1)
  expect(ms).toBeGreaterThan(1000)
})

/** An endless channel of one rendition in segments of four seconds, some 200 KB each, from an edge of its own. */
async function longSegments(): Promise<{ url: string; log: EdgeServer['log'] }> {
  const dir = await mkdtemp(join(tmpdir(), 'nearcast-long-'))
  open.push({ close: () => rm(dir, { recursive: true }) })
  const sample = (index: number) =>
    readFile(
      join(import.meta.dirname, `../../examples/demo/media/ts/high/${String(index).padStart(3, '0')}.ts`),
    )
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:4']
  for (let index = 0; index < 10; index++) {
    // Transport streams of one recording may be joined as they are.
    await writeFile(
      join(dir, `${index}.ts`),
      Buffer.concat([await sample(2 * index), await sample(2 * index + 1)]),
    )
    lines.push('#EXTINF:4,', `${index}.ts`)
  }
  await writeFile(join(dir, 'index.m3u8'), [...lines, '#EXT-X-ENDLIST', ''].join('\n'))
  const channel = await createLiveChannel({ playlist: join(dir, 'index.m3u8') })
  const edge = createEdge({ mounts: { '/live': channel } })
  const http = await listen(edge.app, { port: 0 })
  open.push({ close: () => edge.close() }, http)
  return { url: `${http.url}/live/index.m3u8`, log: edge.log }
}

describe('a peer that dies while others take its lease', () => {
  it('costs no stall, and its tail crosses the line once, by Range', async () => {
    // The victim is a browser of its own, to be killed without a word. It alone sees new playlists at once, so nearly
    // every turn is its, and its uplink is capped to little more than the stream.
    const { url, log } = await longSegments()
    const server = await chromium.launchServer({ executablePath: chromiumPath(), args: [...quietArgs] })
    const victimStage = stage.beside(await chromium.connect(server.wsEndpoint()))
    const victim = await add(victimStage)
    await victim.start({
      url,
      nearcast: { tracker: stage.demo.announce, uploadKbps: 480, trace: true },
    })
    await hasLoaded(victim, 3)
    const others = [await add(), await add()]
    for (const other of others) {
      await stale(other, 2200)
      await other.start({ url })
    }
    for (const other of others) await linked(other, 2)
    const given = () => victim.page.evaluate(() => viewer.givings(viewer.trace()).length)
    await until(
      async () => (await given()) >= 2,
      30_000,
      () => 'the victim to give',
    )
    // Killed in the midst of giving: of a new segment the others have one piece from it, and no more.
    const fetchesOf = (path: string) => log.entries.filter(entry => entry.path === path)
    const seq = await stopMidway(victim, path => fetchesOf(path).length > 1)
    const killed = Date.now()
    server.process().kill('SIGKILL')
    const storyOf = ({ snapshot }: ViewerReport) =>
      snapshot!.swarm!.segments.findLast(segment => segment.seq === seq)
    const reports = await Promise.all(
      others.map(other => reportWhen(other, report => storyOf(report)?.delivered === true)),
    )
    const { key, size } = storyOf(reports[0]!)!
    const fetched = fetchesOf(pathOf(key))
    // The victim's own, which nobody interrupted; then the tail.
    const [whole, ...tails] = fetched
    expect(whole, key).toMatchObject({ status: 200, bytes: size })
    const evidence = JSON.stringify({ fetched, killed, stories: reports.map(storyOf) })
    expect(tails.length, evidence).toBeGreaterThan(0)
    for (const { range } of tails) expect(range, evidence).toMatch(/^bytes=[1-9]\d*-/)
    const starts = tails.map(({ range }) => range)
    expect(new Set(starts).size, `no byte twice: ${starts}`).toBe(starts.length)
    expect(tails.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(size)
    for (const report of await Promise.all(others.map(other => playsOn(other, 8)))) {
      expect(storyOf(report)).toMatchObject({ delivered: true, verified: true })
      expect(await stage.expectTruth([report])).toBeGreaterThan(2)
    }
  })
})

describe('a tracker that dies', () => {
  it('takes no link with it, and a new viewer plays from the edge', async () => {
    const own = await openStage()
    open.push(own)
    const watching = [await add(own), await add(own)]
    for (const one of watching) await one.start({ url: own.url('live-ts') })
    for (const one of watching) await linked(one, 1)
    await own.demo.tracker.close()
    const given = async () =>
      (await Promise.all(watching.map(one => one.report()))).reduce(
        (sum, report) => sum + groupBytes(report),
        0,
      )
    const before = await given()
    const late = await add(own)
    await late.start({ url: own.url('live-ts') })
    const alone = await reportWhen(
      late,
      ({ currentTime, startMs, latencies }) => startMs > 0 && currentTime > 0 && latencies.length > 100,
    )
    expect(alone.stalls).toEqual([])
    expect(alone.snapshot?.swarm?.bytes.edge).toBeGreaterThan(0)
    await until(
      async () => (await given()) > before + 300_000,
      30_000,
      () => 'three more segments to be given',
    )
    for (const report of await Promise.all(watching.map(one => playsOn(one, 2)))) {
      expect(report.snapshot?.swarm?.peers).toHaveLength(1)
    }
    const verdict = async () => (await late.page.evaluate(() => viewer.diagnose()))?.verdict
    await expect.poll(verdict).toMatch(/tracker/)
  })
})

describe('an edge that answers 503 for four seconds', () => {
  it('is not missed by a viewer whose peers are ahead', async () => {
    const ahead = await add()
    await ahead.start({ url: stage.url('ts'), hls: { startLevel: 1 } })
    await hasLoaded(ahead, 12)
    const behind = await add()
    stage.demo.edge.setFault(({ path }) => (isMedia(path) ? { type: 'status', status: 503 } : null))
    const since = performance.now()
    await behind.start({ url: stage.url('ts'), peersFirst: 1, hls: { startLevel: 1 } })
    await reportWhen(behind, ({ currentTime }) => currentTime > 2 && performance.now() - since > 4000)
    stage.demo.edge.setFault(null)
    const report = await playsOn(behind, 4)
    expect(groupBytes(report)).toBeGreaterThan(500_000)
    expect(await stage.expectTruth([report])).toBeGreaterThan(5)
  })
})

describe('a peer that accepts and sends nothing', () => {
  it('is replaced before the deadline', async () => {
    const silent = await add()
    await silent.start({ url: stage.url('ts') })
    await hasLoaded(silent, 4)
    await tamper(silent, 'drop')
    const victim = await add()
    await victim.start({ url: stage.url('ts'), peersFirst: 1 })
    await reportWhen(victim, ({ startMs }) => startMs > 0)
    const report = await playsOn(victim, 4)
    // It was asked, and it was in vain.
    expect(await tampered(silent)).toBeGreaterThan(0)
    expect(groupBytes(report)).toBe(0)
    expect(await stage.expectTruth([report])).toBeGreaterThan(3)
  })
})

describe('a peer that flips bits', () => {
  it('is banned, and no wrong byte is played or passed on', async () => {
    const liar = await add()
    await liar.start({ url: stage.url('ts') })
    await hasLoaded(liar, 4)
    await tamper(liar, 'flip')
    const victim = await add()
    await victim.start({ url: stage.url('ts'), peersFirst: 1 })
    // The second had nobody else to ask; the third may never have asked the liar.
    await reportWhen(victim, ({ snapshot }) => snapshot!.swarm!.verification.banned === 1)
    await hasLoaded(victim, 4)
    const third = await add()
    await third.start({ url: stage.url('ts'), peersFirst: 1 })
    // It gains from the honest second.
    await reportWhen(third, report => groupBytes(report) > 0)
    for (const report of await Promise.all([victim, third].map(one => playsOn(one, 4)))) {
      expect(await stage.expectTruth([report])).toBeGreaterThan(3)
      // Only what a viewer took from the edge itself may be played before its proof is there.
      const { bytes, verification } = report.snapshot!.swarm!
      expect(verification.unverifiedBytes).toBeLessThanOrEqual(bytes.edge)
    }
    expect(await tampered(liar)).toBeGreaterThan(0)
  })
})
