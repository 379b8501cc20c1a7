import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, quietArgs } from './chromium.ts'
import { openStage, pause, type Stage, until, type Viewer } from './stage.ts'

/** Acceptance: what happens to real viewers when peers, tracker or edge fail. */

declare const viewer: typeof import('./pages/viewer.ts')

let stage: Stage
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => {
  stage.demo.edge.setFault(null)
  for (const { close } of open.splice(0)) await close()
})
afterAll(() => stage?.close())

async function add(from: Stage = stage): Promise<Viewer> {
  const made = await from.viewer()
  open.push(made)
  return made
}

const isMedia = (path: string) => /\.(ts|mp4|m4s|aac)(\?|$)/.test(path)
const media = () => stage.demo.edge.log.entries.filter(({ path }) => isMedia(path))

/** No byte differs from the edge's. */
async function expectTruth(one: Viewer): Promise<number> {
  const { loaded } = await one.report()
  for (const { url, from, to, sha256 } of loaded) {
    const truth = await stage.truth(url, from, to).catch(() => null)
    if (truth !== null) expect(sha256, url).toBe(truth)
  }
  return loaded.length
}

/** Changes what this page's peers get of it from now on: whole pieces, which alone are this large. */
async function tamper(one: Viewer, how: 'drop' | 'flip'): Promise<void> {
  await one.page.evaluate(kind => {
    const send = RTCDataChannel.prototype.send as (data: ArrayBuffer | ArrayBufferView) => void
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
      const bytes = data as ArrayBuffer | ArrayBufferView
      if (bytes.byteLength < 4096) return send.call(this, bytes)
      if (kind === 'drop') return
      const copy = ArrayBuffer.isView(bytes)
        ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice()
        : new Uint8Array(bytes.slice(0))
      for (let at = 1000; at < copy.length; at += 16_384) copy[at]! ^= 1
      return send.call(this, copy)
    } as typeof RTCDataChannel.prototype.send
  }, how)
}

/** From the next new segment on this page gives `pieces` whole pieces, says so, and then nothing more. */
async function stopAfter(one: Viewer, pieces: number): Promise<void> {
  await one.page.evaluate(count => {
    const send = RTCDataChannel.prototype.send as (data: ArrayBuffer | ArrayBufferView) => void
    const idleMs = 600
    let last = performance.now()
    let left = Number.POSITIVE_INFINITY
    RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
      const bytes = data as ArrayBuffer | ArrayBufferView
      if (left <= 0) return
      if (bytes.byteLength >= 4096) {
        // Between two segments nothing is given for a while.
        if (
          left === Number.POSITIVE_INFINITY &&
          performance.now() - last > idleMs &&
          bytes.byteLength > 65_000
        )
          left = count
        last = performance.now()
        if (left !== Number.POSITIVE_INFINITY && --left === 0) setTimeout(() => console.log('midway'))
      }
      return send.call(this, bytes)
    } as typeof RTCDataChannel.prototype.send
  }, pieces)
}

async function newestArriving(one: Viewer) {
  const segments = (await one.report()).snapshot?.swarm?.segments ?? []
  return segments
    .filter(({ state, groupBytes }) => state === 'arriving' && groupBytes > 0)
    .sort((a, b) => b.seq - a.seq)[0]
}

/** This viewer's playlists come from a cache that lags behind: others know of a segment sooner. */
async function stale(one: Viewer, byMs: number): Promise<void> {
  const seen = new Map<string, { at: number; body: string }[]>()
  await one.page.route('**/*.m3u8*', async route => {
    const response = await route.fetch()
    const history = seen.get(route.request().url()) ?? []
    seen.set(route.request().url(), history)
    history.push({ at: performance.now(), body: await response.text() })
    const old = history.findLast(({ at }) => at <= performance.now() - byMs) ?? history[0]!
    await route.fulfill({ response, body: old.body })
  })
}

const linked = (one: Viewer, peers: number) =>
  until(
    async () => ((await one.report()).snapshot?.swarm?.peers.length ?? 0) >= peers,
    15_000,
    () => `${peers} links`,
  )

describe('a peer that dies while others take its lease', () => {
  it('costs no stall, and its tail crosses the line once, by Range', async () => {
    // The victim is a browser of its own, to be killed without a word. It alone sees new playlists at once, so every
    // turn is its, and its uplink is capped so that two others need at least 1.5 s to take a segment from it.
    const server = await chromium.launchServer({ executablePath: chromiumPath(), args: [...quietArgs] })
    const victimStage = stage.beside(await chromium.connect(server.wsEndpoint()))
    const victim = await add(victimStage)
    await victim.start({
      url: stage.url('live-ts'),
      nearcast: { tracker: stage.demo.announce, uploadKbps: 600 },
      hls: { startLevel: 1 },
    })
    await pause(3000)
    const others = [await add(), await add()]
    for (const other of others) {
      await stale(other, 2200)
      await other.start({ url: stage.url('live-ts'), hls: { startLevel: 1 } })
    }
    for (const other of others) await linked(other, 2)
    await pause(5000)
    // Killed in the midst of giving: of a new segment the others have one piece from it, and no more.
    const midway = victim.page.waitForEvent('console', message => message.text() === 'midway')
    await stopAfter(victim, 1)
    await midway
    const logged = stage.demo.edge.log.entries.length
    server.process().kill('SIGKILL')
    let newest: Awaited<ReturnType<typeof newestArriving>>
    await until(
      async () => {
        const begun = await Promise.all(others.map(newestArriving))
        newest = begun.reduce((a, b) => ((b?.seq ?? -1) > (a?.seq ?? -1) ? b : a))
        return newest?.groupBytes === 65_536
      },
      3000,
      () => `one piece to have come: ${JSON.stringify(newest)}`,
    )
    const { key } = newest!
    await pause(12_000)
    const file = /[^/]+\.ts/.exec(key)![0]
    const after = stage.demo.edge.log.entries.slice(logged).filter(({ path }) => path.includes(`/${file}`))
    expect(after.length, JSON.stringify(after)).toBeGreaterThan(0)
    for (const { range } of after) expect(range).toMatch(/^bytes=[1-9]\d*-/)
    const starts = after.map(({ range }) => range)
    expect(new Set(starts).size, `no byte twice: ${starts}`).toBe(starts.length)
    const total = after.reduce((sum, { bytes }) => sum + bytes, 0)
    for (const other of others) {
      const report = await other.report()
      expect(report.stalls).toEqual([])
      const story = report.snapshot?.swarm?.segments.find(segment => segment.key === key)
      expect(story).toMatchObject({ delivered: true, verified: true })
      expect(total).toBeLessThan(story!.size)
      await expectTruth(other)
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
    await pause(1000)
    const before = (await watching[1]!.report()).snapshot!.swarm!.bytes
    const late = await add(own)
    await late.start({ url: own.url('live-ts') })
    await pause(9000)
    for (const one of watching) {
      const report = await one.report()
      expect(report.stalls).toEqual([])
      expect(report.snapshot?.swarm?.peers).toHaveLength(1)
    }
    const reports = await Promise.all(watching.map(one => one.report()))
    const given = reports.reduce((sum, { snapshot }) => sum + snapshot!.swarm!.bytes.group, 0)
    expect(given).toBeGreaterThan(before.group)
    const alone = await late.report()
    expect(alone.startMs).toBeGreaterThan(0)
    expect(alone.stalls).toEqual([])
    expect(alone.snapshot?.swarm?.bytes.edge).toBeGreaterThan(0)
    expect((await late.page.evaluate(() => viewer.diagnose()))?.verdict).toMatch(/tracker/)
  })
})

describe('an edge that answers 503 for four seconds', () => {
  it('is not missed by a viewer whose peers are ahead', async () => {
    const ahead = await add()
    await ahead.start({ url: stage.url('ts'), hls: { startLevel: 1 } })
    await pause(4000)
    const behind = await add()
    stage.demo.edge.setFault(({ path }) => (isMedia(path) ? { type: 'status', status: 503 } : null))
    await behind.start({ url: stage.url('ts'), peersFirst: 1, hls: { startLevel: 1 } })
    await pause(4000)
    stage.demo.edge.setFault(null)
    await pause(4000)
    const report = await behind.report()
    expect(report.currentTime).toBeGreaterThan(5)
    expect(report.stalls).toEqual([])
    expect(report.snapshot!.swarm!.bytes.group).toBeGreaterThan(500_000)
    await expectTruth(behind)
  })
})

describe('a peer that accepts and sends nothing', () => {
  it('is replaced before the deadline', async () => {
    const silent = await add()
    await silent.start({ url: stage.url('ts') })
    await pause(3000)
    await tamper(silent, 'drop')
    const victim = await add()
    await victim.start({ url: stage.url('ts'), peersFirst: 1 })
    await pause(9000)
    const report = await victim.report()
    expect(report.stalls).toEqual([])
    expect(report.startMs).toBeLessThan(5000)
    expect(report.currentTime).toBeGreaterThan(4)
    expect(report.snapshot!.swarm!.bytes.group).toBe(0)
    await expectTruth(victim)
  })
})

describe('a peer that flips bits', () => {
  it('is banned, and no wrong byte is played or passed on', async () => {
    const liar = await add()
    await liar.start({ url: stage.url('ts') })
    await pause(3000)
    await tamper(liar, 'flip')
    const victim = await add()
    await victim.start({ url: stage.url('ts'), peersFirst: 1 })
    await pause(2000)
    const third = await add()
    await third.start({ url: stage.url('ts'), peersFirst: 1 })
    await pause(7000)
    const reports = await Promise.all([victim, third].map(one => one.report()))
    for (const report of reports) expect(report.stalls).toEqual([])
    // The second had nobody else to ask; the third may never have asked the liar.
    expect(reports[0]!.snapshot!.swarm!.verification.banned).toBe(1)
    expect(await expectTruth(victim)).toBeGreaterThan(3)
    expect(await expectTruth(third)).toBeGreaterThan(3)
    // The third still gains from the honest second.
    expect(reports[1]!.snapshot!.swarm!.bytes.group).toBeGreaterThan(0)
    expect(media().length).toBeGreaterThan(0)
  })
})
