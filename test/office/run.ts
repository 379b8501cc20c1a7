import { fileURLToPath } from 'node:url'
import { bundle } from '../browser/bundle.ts'
import {
  edgePort,
  lanServer,
  lanStunPort,
  plainHost,
  publicStun,
  routerAddress,
  secureHost,
  trackerPort,
} from './addresses.ts'
import { type Desk, openDesk } from './browser.ts'
import { type LineCount, minus } from './counter.ts'
import { createInternet, type Internet, openInternet } from './internet.ts'
import type { LabMedia } from './media.ts'
import type { Observation, SiteObservation } from './observation.ts'
import { type Office, openOffice } from './office.ts'
import type { SubjectName, ViewerReport } from './pages/viewer.ts'
import type { LabEvent, Scenario } from './scenario.ts'

declare const viewer: typeof import('./pages/viewer.ts')

/** One viewer at its desk. */
interface Seat {
  readonly site: number
  readonly desk: Desk
  /** Set when it was killed. */
  last: ViewerReport | null
}

/** Joins are over then, as far as figures go. */
const settleMs = 10_000
/** Browsers opened at once; more only get in each other's way. */
const openingAtOnce = 3

/** Builds the network, lets the scenario happen to one adapter, and takes everything down again. */
export async function runScenario(
  scenario: Scenario,
  adapter: SubjectName,
  media: LabMedia,
  say: (progress: string) => void,
): Promise<Observation> {
  const base = createInternet()
  const offices: Office[] = []
  const seats: Seat[] = []
  try {
    const internet = await openInternet(base, {
      mediaDir: media.dir,
      sites: siteFile(scenario, media.kbps),
      stun: stunUrls(scenario),
      edgeDelayMs: scenario.edgeDelayMs,
    })
    for (const index of scenario.sites.keys()) {
      const office = await openOffice(internet, index, {
        multicastBlocked: scenario.multicast === 'blocked',
        lanStun: scenario.stun === 'lan',
      })
      if (scenario.lineRatio > 0) office.router.setLine(scenario.lineRatio * media.kbps)
      offices.push(office)
    }
    const joining = seatOrder(scenario)
    const spares = scenario.events.some(({ type }) => type === 'churn')
      ? joining.filter((_, index) => index % 2 === 1)
      : []
    say('opening browsers')
    seats.push(...(await openSeats(offices, [...joining, ...spares], scenario)))
    return await play(scenario, adapter, { internet, offices, seats, first: joining.length, say })
  } finally {
    for (const { desk } of seats) await desk.close().catch(() => {})
    for (const office of offices) office.close()
    base.namespace.remove()
  }
}

/** The tracker's site file; '' where the operator named nothing. */
function siteFile({ sites, wan, lineRatio, lineStated }: Scenario, kbps: number): string {
  if (wan === 'allow' && !lineStated) return ''
  const line = lineStated ? String(Math.round(lineRatio * kbps)) : ''
  const rows = sites.map((_, index) => `site-${index},${routerAddress(index)}/32,share,${wan},,${line}`)
  return ['site,cidr,mode,wan,uploadKbps,lineKbps', ...rows].join('\n')
}

function stunUrls({ sites, stun }: Scenario): string[] {
  if (stun === 'internet') return [publicStun]
  return sites.map((_, index) => `stun:${lanServer(index)}:${lanStunPort}`)
}

/** Sites of the viewers in the order of their joins: round and round. */
function seatOrder({ sites }: Scenario): number[] {
  const rounds = Math.max(...sites)
  return Array.from({ length: rounds }, (_, round) =>
    [...sites.keys()].filter(site => sites[site]! > round),
  ).flat()
}

async function openSeats(
  offices: readonly Office[],
  order: readonly number[],
  scenario: Scenario,
): Promise<Seat[]> {
  const entry = fileURLToPath(new URL('pages/viewer.ts', import.meta.url))
  // p2p-media-loader's own bundle of its core: its dependencies are written for Node.
  const conditions = ['p2pml:core-as-bundle']
  const script = await bundle(entry, { globalName: 'viewer', minify: true, conditions })
  const options = { features: scenario.features, secure: scenario.origin === 'secure', script }
  const seats: Seat[] = []
  const queue = order.map(site => ({ site, namespace: offices[site]!.addDesk() }))
  const opened = new Map<object, Desk>()
  const waiting = [...queue]
  const open = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      opened.set(next, await openDesk(next.namespace, options))
  }
  const all = await Promise.allSettled(Array.from({ length: openingAtOnce }, open))
  for (const each of queue) {
    const desk = opened.get(each)
    if (desk) seats.push({ site: each.site, desk, last: null })
  }
  const failed = all.find(result => result.status === 'rejected')
  if (failed) {
    for (const { desk } of seats) await desk.close()
    throw failed.reason
  }
  return seats
}

interface Stage {
  readonly internet: Internet
  readonly offices: readonly Office[]
  readonly seats: readonly Seat[]
  /** Seats that are taken from the start; the others are for replacements. */
  readonly first: number
  readonly say: (progress: string) => void
}

async function play(scenario: Scenario, adapter: SubjectName, stage: Stage): Promise<Observation> {
  const { internet, offices, seats, say } = stage
  const counts = () => offices.map(({ router }) => router.count())
  const before = counts()
  // How far behind live a viewer plays hangs on when in a segment it came: equally for every adapter.
  const begin = nextPhase(internet.segmentEndedAt)
  await until(begin)
  const join = (seat: Seat) =>
    seat.desk.page.evaluate(([name, around]) => viewer.start(name, around), [
      adapter,
      surroundings(scenario),
    ] as const)

  const joined: Seat[] = []
  const enter = async (seat: Seat) => {
    joined.push(seat)
    await join(seat)
  }
  for (const [index, seat] of seats.slice(0, stage.first).entries()) {
    await until(begin + index * scenario.joinEveryMs)
    say(`viewer ${index + 1} of ${stage.first} joins`)
    await enter(seat)
  }
  const allIn = Date.now()
  const script = timeline(scenario, stage, joined, enter)
  const lastJoin = allIn + Math.max(0, ...script.filter(({ isJoin }) => isJoin).map(({ atMs }) => atMs))
  const steadyFrom = lastJoin + settleMs
  const end = allIn + scenario.seconds * 1000

  let steadyCounts: LineCount[] = []
  script.push({
    atMs: steadyFrom - allIn,
    isJoin: false,
    act: async () => {
      steadyCounts = counts()
    },
  })
  for (const { atMs, act } of script.sort((a, b) => a.atMs - b.atMs)) {
    if (allIn + atMs >= end) break
    await until(allIn + atMs)
    await act()
  }
  say(`watching until ${scenario.seconds} s after the last join`)
  await until(end)
  const after = counts()
  const reports = new Map<Seat, ViewerReport>()
  await Promise.all(joined.map(async seat => void reports.set(seat, seat.last ?? (await reportOf(seat)))))
  const log = await internet.log()
  const sites = offices.map(
    ({ router }, site): SiteObservation => ({
      viewers: joined.filter(seat => seat.site === site).map(seat => reports.get(seat)!),
      log: log.filter(({ client, at }) => client === router.publicAddress && at >= begin),
      line: minus(after[site]!, before[site]!),
      steadyLine: minus(after[site]!, steadyCounts[site] ?? after[site]!),
    }),
  )
  return { scenario: scenario.name, adapter, sites, steadyFrom }
}

function surroundings(scenario: Scenario) {
  const { origin, media } = scenario
  const host = origin === 'secure' ? secureHost : plainHost
  const path = { live: 'live/single.m3u8', vod: 'single.m3u8', 'live-ladder': 'live-ladder/ladder.m3u8' }[
    media
  ]
  return {
    url: `http://${host}:${edgePort}/${path}`,
    tracker: `ws://${host}:${trackerPort}/`,
    stun: stunUrls(scenario),
    // hls.js takes 60 MB ahead of a recording, which is all of this one, before a second viewer has come. Left to its
    // other limit (30 s) it behaves as it does with long films.
    hls: media === 'vod' ? { maxBufferSize: 1 } : {},
  }
}

interface Act {
  /** Since the last of the first joins, ms. */
  readonly atMs: number
  readonly isJoin: boolean
  act(): Promise<void>
}

function timeline(
  { events, lineSteps }: Scenario,
  { internet, offices, seats, first, say }: Stage,
  joined: readonly Seat[],
  enter: (seat: Seat) => Promise<void>,
): Act[] {
  const acts: Act[] = []
  const at = (atMs: number, act: () => Promise<void> | void, isJoin = false) =>
    acts.push({ atMs, isJoin, act: async () => act() })
  for (const { atMs, kbps } of lineSteps) {
    at(atMs, () => {
      say(`the line now carries ${kbps} kbit/s`)
      for (const { router } of offices) router.setLine(kbps)
    })
  }
  for (const event of events) addEvent(event)
  return acts

  function addEvent(event: LabEvent): void {
    switch (event.type) {
      case 'outage':
        at(event.atMs, () => {
          say(`the edge answers ${event.status}`)
          internet.setOutage(event.status)
        })
        at(event.atMs + event.forMs, () => internet.setOutage(null))
        return
      case 'seek':
        at(event.atMs, async () => {
          say(`viewer ${event.viewer + 1} seeks to ${event.to} s`)
          await joined[event.viewer]!.desk.page.evaluate(to => viewer.seek(to), event.to)
        })
        return
      case 'churn': {
        at(event.atMs, async () => {
          say('half of the viewers die')
          const victims = joined.filter((_, index) => index % 2 === 1)
          await Promise.all(
            victims.map(async seat => {
              seat.last = await reportOf(seat)
            }),
          )
          for (const { desk } of victims) desk.namespace.kill()
        })
        for (const [index, seat] of seats.slice(first).entries())
          at(event.atMs + (index + 1) * event.everyMs, () => enter(seat), true)
      }
    }
  }
}

const reportOf = (seat: Seat): Promise<ViewerReport> => seat.desk.page.evaluate(() => viewer.report())

const segmentMs = 2_000
const phaseMs = 300

function nextPhase(segmentEndedAt: number): number {
  const first = segmentEndedAt + phaseMs
  return first + Math.ceil((Date.now() - first) / segmentMs) * segmentMs
}

function until(wallMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, wallMs - Date.now())))
}
