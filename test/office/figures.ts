import type { AccessEntry } from '@nearcast/edge-fallback/server'
import { peerPayload, totalBytes } from './counter.ts'
import type { Observation, SiteObservation } from './observation.ts'
import type { ViewerReport } from './pages/viewer.ts'

/** What a run comes to; one element of the JSON on the last line. */
export interface Figures {
  readonly scenario: string
  readonly adapter: string
  /** All that took part: in churn the dead and their replacements. */
  readonly viewers: number
  readonly sites: number
  /** Media over the lines ÷ one copy a site, of segments first wanted after the last join + 10 s; null: there were none. */
  readonly copiesSteady: number | null
  /** The same for the whole run. */
  readonly copiesWithJoins: number | null
  /** `copiesSteady` of the worst site. */
  readonly copiesWorstSite: number | null
  /** What the joins cost: media beyond one copy in the whole run, in segments a join. */
  readonly extraSegmentsPerJoin: number | null
  /** Over the lines: playlists, digests (bodies) and signalling (every byte of the tracker's connections and STUN). */
  readonly controlBytes: number
  /** Media from peers ÷ all media that came, by the subject's own count. */
  readonly p2pShare: number
  readonly stalls: number
  readonly stallSecondsPerViewerMinute: number
  readonly startP50Ms: number | null
  readonly startMaxMs: number | null
  /** Viewers that never saw a moving picture. */
  readonly neverStarted: number
  readonly latencyP50Ms: number | null
  readonly heightMean: number | null
  readonly kbpsMean: number | null
  readonly seekP50Ms: number | null
  /** Of seeks to what another viewer of the site had loaded already: median and worst. */
  readonly seekHeldP50Ms: number | null
  readonly seekHeldMaxMs: number | null
  /** Media bodies from the edge that crossed a line. */
  readonly edgeBytes: number
  /** Payload that peers outside a site sent into it. */
  readonly outsideBytes: number
  /** Every byte over the lines, both ways, as the routers count. */
  readonly lineBytes: number
  readonly linksMean: number
  /** The worst that a page's timer was late, ms. */
  readonly lateMs: number
  /** Timers were later than 300 ms: the machine was too slow to be believed. */
  readonly void: boolean
  /** What `diagnose()` said, with how often; only of subjects that have one. */
  readonly verdicts: Readonly<Record<string, number>>
}

const voidMs = 300

export function figuresOf({ scenario, adapter, sites, steadyFrom }: Observation): Figures {
  const viewers = sites.flatMap(site => site.viewers)
  const whole = sites.map(site => copiesOf(site, 0))
  const steady = sites.map(site => copiesOf(site, steadyFrom))
  const worst = steady.map(ratio).filter(copies => copies !== null)
  const edgeBytes = sum(sites, mediaBytes)
  const started = viewers.filter(({ startMs }) => startMs > 0)
  const lateMs = Math.max(0, ...viewers.map(viewer => viewer.lateMs))
  const seeks = sites.flatMap(seeksOf)
  const held = seeks.filter(({ isHeld }) => isHeld).map(({ ms }) => ms)
  return {
    scenario,
    adapter,
    viewers: viewers.length,
    sites: sites.length,
    copiesSteady: ratio(total(steady)),
    copiesWithJoins: ratio(total(whole)),
    copiesWorstSite: worst.length > 0 ? Math.max(...worst) : null,
    extraSegmentsPerJoin: extraSegments(sites, total(whole)),
    controlBytes: sum(sites, controlBytes),
    p2pShare: p2pShare(viewers),
    stalls: sum(viewers, ({ stalls }) => stalls.length),
    stallSecondsPerViewerMinute: round(stalledMs(viewers) / 1000 / (playedMs(viewers) / 60_000 || 1), 2),
    startP50Ms: median(started.map(({ startMs }) => startMs)),
    startMaxMs: started.length > 0 ? Math.max(...started.map(({ startMs }) => startMs)) : null,
    neverStarted: viewers.length - started.length,
    latencyP50Ms: median(viewers.map(({ latenciesMs }) => median(latenciesMs)).filter(ms => ms !== null)),
    heightMean: mean(viewers.flatMap(({ heights }) => heights)),
    kbpsMean: mean(viewers.flatMap(({ kbps }) => kbps)),
    seekP50Ms: median(seeks.map(({ ms }) => ms)),
    seekHeldP50Ms: median(held),
    seekHeldMaxMs: held.length > 0 ? Math.max(...held) : null,
    edgeBytes,
    outsideBytes: sum(sites, ({ line }) => peerPayload(line.down.peers)),
    lineBytes: sum(sites, ({ line }) => totalBytes(line)),
    linksMean: mean(viewers.map(({ links }) => links)) ?? 0,
    lateMs,
    void: lateMs > voidMs,
    verdicts: count(viewers.flatMap(verdictOf)),
  }
}

interface Copies {
  readonly came: number
  readonly one: number
}

const mediaPath = /\.ts$/

/** Media that came over the site's line for segments first wanted since then, and one copy of what was watched of them. */
function copiesOf(site: SiteObservation, since: number): Copies {
  const { viewers, log, line, steadyLine } = site
  const firstAsked = new Map<string, number>()
  const size = new Map<string, number>()
  for (const { path, askedAt, bytes } of viewers.flatMap(({ watched }) => watched)) {
    firstAsked.set(path, Math.min(askedAt, firstAsked.get(path) ?? Number.POSITIVE_INFINITY))
    if (bytes > 0) size.set(path, bytes)
  }
  // Of the steady part, what nobody has whole by the end is still on its way. The whole run counts everything.
  const counts = (path: string) =>
    mediaPath.test(path) && (since === 0 || (size.has(path) && firstAsked.get(path)! >= since))
  const crossed = crossing(site)
  const fromEdge = sum(
    log.filter(({ path, status }) => isBody(status) && counts(path)),
    crossed,
  )
  const fromPeers = peerPayload((since === 0 ? line : steadyLine).down.peers)
  const one = sum(
    [...size].filter(([path]) => counts(path)),
    ([, bytes]) => bytes,
  )
  return { came: fromEdge + fromPeers, one }
}

/**
 * How much of an answer crossed the line. What a client left early waits in buffers of the edge, although the log has
 * it: together such answers count what the router saw beyond the complete ones.
 */
function crossing({ log, line }: SiteObservation): (entry: AccessEntry) => number {
  const left = sum(
    log.filter(({ end }) => end !== 'complete'),
    ({ bytes }) => bytes,
  )
  const complete = sum(log, ({ bytes }) => bytes) - left
  const share = left > 0 ? Math.min(1, Math.max(0, line.down.edge.bytes - complete) / left) : 1
  return ({ end, bytes }) => (end === 'complete' ? bytes : bytes * share)
}

const isBody = (status: number) => status === 200 || status === 206

function total(all: readonly Copies[]): Copies {
  return { came: sum(all, ({ came }) => came), one: sum(all, ({ one }) => one) }
}

function ratio({ came, one }: Copies): number | null {
  return one > 0 ? round(came / one, 3) : null
}

function extraSegments(sites: readonly SiteObservation[], { came, one }: Copies): number | null {
  const sizes = sites.flatMap(({ viewers }) =>
    viewers.flatMap(({ watched }) => watched.map(({ bytes }) => bytes).filter(bytes => bytes > 0)),
  )
  const joins = sum(sites, ({ viewers }) => viewers.length)
  const segment = mean(sizes)
  return segment === null || joins === 0 ? null : round((came - one) / segment / joins, 2)
}

function mediaBytes(site: SiteObservation): number {
  return Math.round(
    sum(
      site.log.filter(({ path, status }) => isBody(status) && mediaPath.test(path)),
      crossing(site),
    ),
  )
}

function controlBytes({ log, line: { down, up } }: SiteObservation): number {
  const bodies = sum(
    log.filter(({ path }) => !mediaPath.test(path)),
    ({ bytes }) => bytes,
  )
  return bodies + down.tracker.bytes + up.tracker.bytes + down.stun.bytes + up.stun.bytes
}

function p2pShare(viewers: readonly ViewerReport[]): number {
  const peers = sum(viewers, ({ bytes }) => bytes?.peers ?? 0)
  const edge = sum(viewers, ({ bytes }) => bytes?.edge ?? 0)
  return peers === 0 ? 0 : round(peers / (peers + edge), 3)
}

function stalledMs(viewers: readonly ViewerReport[]): number {
  return sum(viewers, ({ stalls }) => sum(stalls, ({ ms }) => ms))
}

/** Since the first moving picture. */
function playedMs(viewers: readonly ViewerReport[]): number {
  return sum(viewers, ({ startMs, startedAt, now }) => (startMs > 0 ? now - startedAt - startMs : 0))
}

/** A seek that never ended lasts until now. Held: another viewer had the segment whole before. */
function seeksOf({ viewers }: SiteObservation): { ms: number; isHeld: boolean }[] {
  return viewers.flatMap(viewer =>
    viewer.seeks.map(({ at, to, ms }) => {
      const file = segmentAt(to)
      const isHeld = viewers.some(
        other =>
          other !== viewer &&
          other.watched.some(({ path, bytes, gotAt }) => bytes > 0 && gotAt < at && path.endsWith(file)),
      )
      return { ms: Math.round(ms ?? viewer.now - at), isHeld }
    }),
  )
}

/** Recordings have segments of two seconds, named by their number. */
function segmentAt(seconds: number): string {
  return `/${String(Math.floor(seconds / 2)).padStart(3, '0')}.ts`
}

function verdictOf({ detail }: ViewerReport): string[] {
  const { verdict } = (detail ?? {}) as { verdict?: unknown }
  return typeof verdict === 'string' ? [verdict] : []
}

function count(names: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {}
  for (const name of names) counted[name] = (counted[name] ?? 0) + 1
  return counted
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function mean(values: readonly number[]): number | null {
  return values.length > 0 ? round(sum(values, value => value) / values.length, 1) : null
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
