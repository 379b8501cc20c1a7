import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { byGroup, type Group, type Profile, type Spent, spentIn } from './attribution.ts'
import type { ChannelReport, PageSetup, ViewerReport } from './page.ts'
import { openSite, type Site, segmentSeconds } from './site.ts'
import { sourceFinder } from './source-map.ts'
import { type ThreadTimes, threadTimes } from './thread.ts'

declare const benchViewers: typeof import('./page.ts')

export interface MeasureOptions {
  readonly bitrateMbps: number
  readonly peers: number
  readonly seconds: number
  readonly onProgress: (text: string) => void
}

export interface Measurement {
  /** Of the profile. */
  readonly seconds: number
  readonly peers: number
  readonly groups: Record<Group, { readonly us: number; readonly nativeUs: number }>
  /** Most expensive first. */
  readonly functions: readonly Spent[]
  /** Bytes a second. */
  readonly fromPeersBps: number
  readonly fromEdgeBps: number
  /** Of both: what came more than once or too late. */
  readonly duplicateBps: number
  readonly uploadedBps: number
  readonly controlBps: number
  readonly deliveredBps: number
  /** Of the data channels, a second: small ones of the wire travel together. */
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Of the profiled page's process, ms a second; null where the kernel does not say. */
  readonly threads: ThreadTimes | null
  readonly links: number
  /** Stalls of the profiled viewer and of all others, in that time. */
  readonly stalls: number
  readonly otherStalls: number
  readonly profile: Profile
}

const samplingUs = 200
/** Enough for what others may still ask for, and little enough for many viewers in one page. */
const storeBytes = 64 << 20
/** One segment. */
const spreadMs = segmentSeconds * 1000
const patienceMs = 60_000
/** From the last link to the first sample: the functions are compiled, round trips known, the buffer is full. */
const settleMs = 10_000

/** One viewer alone in a browser, the others together in another one, all of one live stream; the one is profiled. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const site = await openSite(options.bitrateMbps)
  try {
    options.onProgress(`${options.peers} viewers join …`)
    const others = await site.open()
    await join(others.page, site, options.peers)
    await whenPlaying(others.page, options.peers - 1)
    const one = await site.open()
    const profiler = await openProfiler(one.page)
    // From before the script is there: only what is compiled under the profiler tells inlined functions apart.
    await profiler.start()
    await join(one.page, site, 1)
    await whenPlaying(one.page, options.peers)
    options.onProgress('all are linked and play; settling …')
    await pause(settleMs)
    await profiler.stop()
    options.onProgress(`profiling ${options.seconds} s …`)
    const before = await look(one, others.page)
    await profiler.start()
    await pause(options.seconds * 1000)
    const profile = await profiler.stop()
    const after = await look(one, others.page)
    return result(options.peers, profile, site, before, after)
  } finally {
    await site.close()
  }
}

async function join(page: Page, site: Site, viewers: number): Promise<void> {
  await page.addScriptTag({ url: site.scriptUrl })
  const setup: PageSetup = { playlist: site.playlist, tracker: site.tracker, viewers, spreadMs, storeBytes }
  await page.evaluate(given => benchViewers.start(given), setup)
}

async function whenPlaying(page: Page, links: number): Promise<void> {
  const end = performance.now() + patienceMs
  for (;;) {
    const reports = await page.evaluate(() => benchViewers.report())
    if (reports.every(report => report.links >= links && report.isPlaying && report.hasDigests)) return
    if (performance.now() > end) throw new Error(`not linked and playing in time: ${summary(reports)}`)
    await pause(250)
  }
}

function summary(reports: readonly ViewerReport[]): string {
  return reports
    .map(({ links, isPlaying, stalls, problems }) =>
      [`${links} links`, isPlaying ? 'plays' : 'does not play', `${stalls} stalls`, ...problems].join(', '),
    )
    .join('; ')
}

async function openProfiler(page: Page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Profiler.enable')
  await session.send('Profiler.setSamplingInterval', { interval: samplingUs })
  return {
    start: () => session.send('Profiler.start'),
    stop: async (): Promise<Profile> => (await session.send('Profiler.stop')).profile,
  }
}

interface Look {
  readonly at: number
  readonly viewer: ViewerReport
  readonly otherStalls: number
  readonly channels: ChannelReport
  readonly threads: ThreadTimes | null
}

async function look({ browser, page }: { browser: Browser; page: Page }, others: Page): Promise<Look> {
  const otherStalls = await others.evaluate(() =>
    benchViewers.report().reduce((sum, { stalls }) => sum + stalls, 0),
  )
  const [viewer] = await page.evaluate(() => benchViewers.report())
  const channels = await page.evaluate(() => benchViewers.channels())
  const threads = await threadTimes(browser)
  return { at: performance.now(), viewer: viewer!, otherStalls, channels, threads }
}

function result(peers: number, profile: Profile, site: Site, before: Look, after: Look): Measurement {
  const find = sourceFinder(site.script)
  const functions = spentIn(profile, (url, line, column) =>
    url === site.scriptUrl ? find(line, column) : null,
  )
  // The two looks stand a little outside the profile.
  const perSecond = (from: number, to: number) => ((to - from) * 1000) / (after.at - before.at)
  const bytes = (of: keyof ViewerReport['bytes']) =>
    perSecond(before.viewer.bytes[of], after.viewer.bytes[of])
  const messages = (of: keyof ChannelReport) => perSecond(before.channels[of], after.channels[of])
  return {
    seconds: (profile.endTime - profile.startTime) / 1e6,
    peers,
    groups: byGroup(functions),
    functions,
    fromPeersBps: bytes('group') + bytes('outside'),
    fromEdgeBps: bytes('edge'),
    duplicateBps: bytes('duplicate'),
    uploadedBps: bytes('uploaded'),
    controlBps: bytes('control'),
    deliveredBps: bytes('delivered'),
    messagesReceived: messages('messagesReceived'),
    messagesSent: messages('messagesSent'),
    threads: threadsBetween(before, after),
    links: after.viewer.links,
    stalls: after.viewer.stalls - before.viewer.stalls,
    otherStalls: after.otherStalls - before.otherStalls,
    profile,
  }
}

/** Scaled to a second. */
function threadsBetween(before: Look, after: Look): ThreadTimes | null {
  if (!before.threads || !after.threads) return null
  const scale = 1000 / (after.at - before.at)
  return {
    mainRanMs: (after.threads.mainRanMs - before.threads.mainRanMs) * scale,
    mainWaitedMs: (after.threads.mainWaitedMs - before.threads.mainWaitedMs) * scale,
    othersRanMs: (after.threads.othersRanMs - before.threads.othersRanMs) * scale,
  }
}
