import { type Books, createBooks } from './books.ts'
import { type Clock, createClock } from './clock.ts'
import { createEdge } from './edge.ts'
import type { Watcher } from './host.ts'
import type { Violation } from './invariants/violation.ts'
import { forgottenMs } from './invariants/wants.ts'
import { createMonitor, type Monitor } from './monitor.ts'
import { createNetwork } from './network.ts'
import type { Viewing } from './playback.ts'
import { createPlayer, type Player } from './player.ts'
import type { Agent, Policy } from './policy.ts'
import { planSeats, type Seat } from './population.ts'
import { createDice, type Dice } from './random.ts'
import { bitrateOf, type Scenario } from './scenario.ts'
import { type Access, createAccess, createAir, createSite, type Site } from './site.ts'
import type { Station } from './station.ts'
import type { Story } from './story.ts'
import { createStream, type Stream } from './stream.ts'
import { createTracker } from './tracker.ts'

/** Everything one run left behind. */
export interface Outcome {
  readonly scenario: Scenario
  readonly seed: number
  readonly policy: string
  readonly viewings: readonly Viewing[]
  readonly books: Books
  readonly stream: Stream
  readonly sites: readonly Site[]
  /** When the last of the planned viewers came; replacements under churn do not count. */
  readonly lastJoinMs: number
  readonly fingerprint: string
  readonly violations: readonly Violation[]
  /** Events of the world's clock. */
  readonly steps: number
  /** Real time that the run took, ms. */
  readonly wallMs: number
}

export interface RunOptions {
  readonly scenario: Scenario
  readonly seed: number
  /** Made for each run, with the monitor that watches its cores. */
  readonly policy: (watcher: Watcher, scenario: Scenario) => Policy
  readonly story?: Story
  /** World time goes by, for progress. */
  readonly onSecond?: (ms: number) => void
}

interface Visit {
  readonly seat: Seat
  readonly station: Station
  readonly agent: Agent
  readonly player: Player
  closeEdge(): void
}

/** A page that dies takes its tracker socket with it: the operating system says so. */
const trackerNoticesMs = 100

export function runWorld(options: RunOptions): Outcome {
  const { scenario, seed } = options
  const startedAt = performance.now()
  const clock = createClock()
  const dice = createDice(seed)
  const books = createBooks()
  const stream = createStream(dice.fork('stream').seed(), scenario.stream)
  const bitrate = bitrateOf(scenario.stream)
  const sites = Array.from({ length: scenario.sites }, (_, i) => makeSite(i))
  const network = createNetwork(clock, dice.fork('network'), books, {
    setupMs: [100, 250],
    dialFailure: 0.1,
    outsideDelayMs: [8, 30],
    iceTimeoutMs: [15_000, 25_000],
    partitions: scenario.partitions,
  })
  const edge = createEdge(
    clock,
    books,
    { thinkMs: 5, setupRoundTrips: 2, outages: scenario.outages },
    segment => stream.isPublished(segment, clock.now()),
  )
  const story = options.story
  const monitor = createMonitor(clock, scenario.storeBytes, story === undefined ? [] : [story])
  const policy = options.policy(monitor, scenario)
  const tracker = createTracker(clock, dice.fork('tracker'), books, network, {
    matching: policy.matching ?? { type: 'nearest' },
    downFromMs: scenario.trackerDownMs,
    announceMs: [20, 80],
    intervalMs: 30_000,
    groupLinks: 30,
    outsideLinks: scenario.outsideLinks,
    lineKbps: scenario.lineStated ? (bitrate * scenario.lineRatio) / 1000 : 0,
  })
  story?.begin(clock, stream)

  const visits = new Map<Station, Visit>()
  const airs = new Map<string, Access>()
  const viewings: Viewing[] = []
  let arrivals = 0
  let isOver = false

  function makeSite(index: number): Site {
    const luck = dice.fork(`site ${index}`)
    return createSite(clock, `site-${index}`, {
      lineBps: bitrate * scenario.lineRatio,
      discipline: scenario.discipline,
      lanDelayMs: luck.between(0.15, 1),
      edgeDelayMs: luck.between(...scenario.edgeDelayMs),
    })
  }

  const accessOf = (index: number, seat: Seat, upBps: number): Access => {
    const { wifi } = scenario
    if (wifi === null) return createAccess(clock, `viewer ${index}`, scenario.accessBps, upBps)
    const name = `air ${seat.site}.${Math.floor(seat.index / scenario.sites / wifi.viewers)}`
    const air = airs.get(name) ?? createAir(clock, name, wifi.airBps)
    airs.set(name, air)
    return air
  }

  const enter = (seat: Seat, luck: Dice): void => {
    const index = arrivals++
    const upBps = seat.conduct === 'slow' ? bitrate / 5 : luck.logBetween(...scenario.uplinkBps)
    const station: Station = {
      index,
      id: luck.hex(40),
      site: sites[seat.site]!,
      access: accessOf(index, seat, upBps),
      conduct: seat.conduct,
      mode: seat.mode,
      clock,
      dice: luck,
      joinedAt: clock.now(),
      clockOffsetMs: Math.floor(luck.between(1_000, 1_000_000)),
      mediaOffsetMs: scenario.stream.kind === 'live' ? Math.floor(luck.between(100_000, 200_000)) : 0,
      alive: true,
    }
    const client = edge.open(station)
    const agent = policy.createAgent({
      station,
      edge: client,
      stream,
      books,
      ban: peer => tracker.ban(station, peer),
      measured: childLinks => tracker.measured(station, childLinks),
    })
    const plan = { goalMs: 30_000, liveSyncTargets: 3, ...policy.playerPlan?.(scenario.stream) }
    const player = createPlayer(station, stream, client, agent, books, plan, {
      onWanted: (segment, deadline, urgency) => story?.wanted(station, segment, deadline, urgency),
      onDelivered: (segment, how, deadline) => story?.delivered(station, segment, how, deadline),
      onFailed: (segment, reason) => story?.failed(station, segment, reason),
      onStall: state => story?.player(station, `stall ${state}`),
      onStarted: () => story?.player(station, 'starts to play'),
    })
    visits.set(station, { seat, station, agent, player, closeEdge: () => client.close() })
    story?.player(station, `joins ${station.site.name} (${station.conduct}, ${station.mode})`)
    if (policy.peers) tracker.join(station, agent)
    player.start()
    if (scenario.churnMs !== Number.POSITIVE_INFINITY) {
      const stayMs = luck.exponential(scenario.churnMs / Math.LN2)
      clock.after(stayMs, () => {
        if (isOver || !visits.has(station)) return
        leave(station, luck.chance(scenario.politeShare) ? 'politely' : 'suddenly')
        replace(station, seat)
      })
    }
  }

  const replace = (gone: Station, seat: Seat): void => {
    const { dice: luck } = gone
    clock.after(luck.between(1_000, 3_000), () => {
      if (!isOver) enter(seat, luck.fork(`after ${arrivals}`))
    })
  }

  const killFetcher = (): void => {
    if (isOver) return
    const station = edge.busiest()
    const visit = station === null ? undefined : visits.get(station)
    if (visit !== undefined) {
      leave(visit.station, 'suddenly')
      replace(visit.station, visit.seat)
    }
    // Nobody fetches at this instant: soon somebody will.
    clock.after(visit === undefined ? 50 : scenario.fetcherDiesMs, killFetcher)
  }

  const leave = (station: Station, how: 'politely' | 'suddenly'): void => {
    const visit = visits.get(station)
    if (visit === undefined) return
    story?.player(station, how === 'politely' ? 'leaves' : 'dies')
    visits.delete(station)
    viewings.push(visit.player.close())
    visit.agent.close()
    visit.closeEdge()
    if (how === 'politely') network.part(station)
    station.alive = false
    if (how === 'suddenly') network.kill(station)
    clock.after(trackerNoticesMs, () => tracker.leave(station))
  }

  const seats = planSeats(scenario, dice.fork('seats'))
  const first = new Map<number, Visit>()
  for (const seat of seats) {
    clock.at(seat.joinMs, () => {
      enter(seat, dice.fork(`seat ${seat.index}`))
      first.set(seat.index, [...visits.values()].at(-1)!)
    })
  }
  for (const { atMs, ratio } of scenario.lineChanges) {
    clock.at(atMs, () => {
      for (const { down, up } of sites) for (const line of [down, up]) line.setRate((bitrate * ratio) / 8)
    })
  }
  for (const action of scenario.actions) {
    clock.at(action.atMs, () => {
      const visit = first.get(action.viewer)
      if (visit === undefined || !visits.has(visit.station)) return
      story?.player(visit.station, action.does.type)
      if (action.does.type === 'seek') visit.player.seek(action.does.toMs)
      else visit.player[action.does.type]()
    })
  }
  if (scenario.fetcherDiesMs !== Number.POSITIVE_INFINITY) clock.at(scenario.fetcherDiesMs, killFetcher)
  for (let ms = 1_000; ms < scenario.durationMs; ms += 1_000) {
    clock.runUntil(ms)
    options.onSecond?.(ms)
  }
  clock.runUntil(scenario.durationMs)
  isOver = true
  books.close()
  const [fingerprint, steps] = [monitor.fingerprint(), clock.steps()]
  for (const visit of visits.values()) viewings.push(visit.player.close())
  drain(clock, monitor)
  monitor.end()

  return {
    scenario,
    seed,
    policy: policy.name,
    viewings,
    books,
    stream,
    sites,
    lastJoinMs: Math.max(...seats.map(seat => seat.joinMs)),
    fingerprint,
    violations: monitor.violations(),
    steps,
    wallMs: performance.now() - startedAt,
  }
}

/** Players ask for nothing more, peers and edge go on: whatever is still wanted must end, however short the run was. */
function drain(clock: Clock, monitor: Monitor): void {
  const end = clock.now() + forgottenMs + 2_000
  while (monitor.openWants() > 0 && clock.now() < end) clock.runUntil(clock.now() + 1_000)
}
