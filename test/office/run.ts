import { type LineCount, minus } from './counter.ts'
import { createInternet, openInternet } from './internet.ts'
import type { LabMedia } from './media.ts'
import type { Observation, SiteObservation } from './observation.ts'
import { type Office, openOffice } from './office.ts'
import type { SubjectName } from './pages/viewer.ts'
import type { Scenario } from './scenario.ts'
import { openSeats, type Seat } from './seat.ts'
import { siteFile, stunUrls } from './surroundings.ts'
import { everySecond, type Props, timelineOf } from './timeline.ts'

/** Joins are over then, as far as figures go. */
const settleMs = 10_000

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
      offices.push(office)
      if (scenario.lineRatio > 0) office.router.setLine(scenario.lineRatio * media.kbps)
    }
    const order = seatOrder(scenario)
    const replaced = scenario.events.some(({ type }) => type === 'churn') ? everySecond(order) : []
    say('opening browsers')
    seats.push(...(await openSeats(offices, [...order, ...replaced], scenario, adapter)))
    const joined: Seat[] = []
    const enter = (seat: Seat) => {
      joined.push(seat)
      return seat.play()
    }
    const props = { internet, offices, joined, spares: seats.slice(order.length), enter, say }
    return {
      scenario: scenario.name,
      adapter,
      ...(await play(scenario, props, seats.slice(0, order.length))),
    }
  } finally {
    for (const seat of seats) await seat.close().catch(() => {})
    for (const office of offices) office.close()
    base.namespace.remove()
  }
}

/** Sites of the viewers in the order of their joins: round and round. */
function seatOrder({ sites }: Scenario): number[] {
  const rounds = Math.max(...sites)
  return Array.from({ length: rounds }, (_, round) =>
    [...sites.keys()].filter(site => sites[site]! > round),
  ).flat()
}

async function play(
  scenario: Scenario,
  props: Props,
  first: readonly Seat[],
): Promise<Pick<Observation, 'sites' | 'steadyFrom'>> {
  const { internet, offices, joined, enter, say } = props
  const counts = () => offices.map(({ router }) => router.count())
  // How far behind live a viewer plays hangs on when in a segment it came: equally for every adapter.
  const begin = nextPhase(internet.segmentEndedAt)
  await until(begin)
  const before = counts()
  for (const [index, seat] of first.entries()) {
    await until(begin + index * scenario.joinEveryMs)
    say(`viewer ${index + 1} of ${first.length} joins`)
    await enter(seat)
  }
  const allIn = Date.now()
  const end = allIn + scenario.seconds * 1000
  const acts = timelineOf(scenario, props)
  const lastJoinMs = Math.max(0, ...acts.filter(({ isJoin }) => isJoin).map(({ atMs }) => atMs))
  const steadyFrom = allIn + lastJoinMs + settleMs
  let steadyCounts: LineCount[] = []
  acts.push({
    atMs: steadyFrom - allIn,
    isJoin: false,
    act: async () => {
      steadyCounts = counts()
    },
  })
  say(`watching until ${scenario.seconds} s after the last join`)
  for (const { atMs, act } of acts.sort((a, b) => a.atMs - b.atMs)) {
    if (allIn + atMs >= end) break
    await until(allIn + atMs)
    await act()
  }
  await until(end)
  const after = counts()
  const reports = await Promise.all(
    joined.map(async seat => ({ site: seat.site, report: await seat.report() })),
  )
  const log = await internet.log()
  const sites = offices.map(
    ({ router }, index): SiteObservation => ({
      viewers: reports.filter(({ site }) => site === index).map(({ report }) => report),
      log: log.filter(({ client, at }) => client === router.publicAddress && at >= begin),
      line: minus(after[index]!, before[index]!),
      steadyLine: minus(after[index]!, steadyCounts[index] ?? after[index]!),
    }),
  )
  return { sites, steadyFrom }
}

const segmentMs = 2_000
const phaseMs = 300

function nextPhase(segmentEndedAt: number): number {
  const first = segmentEndedAt + phaseMs
  return first + Math.ceil((Date.now() - first) / segmentMs) * segmentMs
}

function until(wallMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, wallMs - Date.now())))
}
