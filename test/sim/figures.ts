import { createFingerprint } from './fingerprint.ts'
import type { Viewing } from './playback.ts'
import type { Outcome } from './world.ts'

/** What `npm run sim -- --json` prints, one a policy and scenario. Stable names: others read them. */
export interface Figures {
  readonly policy: string
  readonly scenario: string
  readonly viewers: number
  readonly sites: number
  /**
   * Media over the sites' lines ÷ one copy of what they watched, segments first wanted after the last join + 10 s.
   * Infinity, in JSON null, when bytes came and nobody got to see one segment.
   */
  readonly copiesSteady: number
  /** The same, whole run. */
  readonly copiesWithJoins: number
  readonly controlBytes: number
  /** Share of the bytes players got that peers gave. */
  readonly p2pShare: number
  readonly stalls: number
  readonly stallSeconds: number
  readonly startupP50Ms: number
  readonly startupP99Ms: number
  /** Live: what is on screen is this old. */
  readonly latencyP50Ms: number
  /** Media that came more than once, or for nothing. */
  readonly duplicateBytes: number
  readonly edgeBytes: number
  readonly traceHash: string
  readonly violations: number
  readonly detail: Detail
  readonly cost: Cost
}

/** What the run cost this machine; it differs from run to run and from machine to machine. */
interface Cost {
  /** Milliseconds that one viewer's core thinks in a second of watching. */
  readonly coreMsPerViewerSecond: number
  readonly wallSeconds: number
}

interface Detail {
  readonly seeds: number
  readonly playlistBytes: number
  readonly digestBytes: number
  readonly wireBytes: number
  readonly signallingBytes: number
  /** Control bytes that crossed the sites' lines. */
  readonly lineControlBytes: number
  readonly stallSecondsPerViewerMinute: number
  readonly neverStarted: number
  readonly gaveUp: number
  readonly messagesPerViewerSecond: number
  readonly uploadMeanBytes: number
  readonly uploadP99Bytes: number
  readonly worstCopiesSteady: number
  /** Mean rendition of the video that viewers got, kbit/s, and how often one of them changed it in a minute. */
  readonly meanKbps: number
  readonly switchesPerViewerMinute: number
  /** Fragments that players gave up for a lower rendition. */
  readonly abandoned: number
  /** Of the segments first wanted while a site was in two; 0 when none was. */
  readonly copiesWhileSplit: number
}

/** Downloads of the last seconds are not over: their segments are left out of the steady count. */
const unfinishedMs = 8_000
const settleMs = 10_000

/** One run's figures. */
export function figuresOf(outcome: Outcome): Figures {
  const { scenario, books, viewings } = outcome
  const totals = books.totals()
  const steady = copies(outcome, outcome.lastJoinMs + settleMs, scenario.durationMs - unfinishedMs)
  const whole = copies(outcome, 0, Number.POSITIVE_INFINITY)
  const useful = totals.usefulEdge + totals.usefulPeer
  const uploads = viewings.map((_, i) => books.uploads().get(i) ?? 0)
  const startups = viewings.map(v => startupOf(v, scenario.durationMs)).filter(ms => ms !== null)
  const control = Object.values(totals.control).reduce((sum, bytes) => sum + bytes, 0)
  const seconds = sum(viewings.map(v => v.playedMs + v.stallMs)) / 1000
  const stallSeconds = sum(viewings.map(v => v.stallMs)) / 1000
  return {
    policy: outcome.policy,
    scenario: scenario.name,
    viewers: scenario.viewers,
    sites: scenario.sites,
    copiesSteady: steady,
    copiesWithJoins: whole,
    controlBytes: control,
    p2pShare: useful > 0 ? totals.usefulPeer / useful : 0,
    stalls: sum(viewings.map(v => v.stalls)),
    stallSeconds,
    startupP50Ms: quantile(startups, 0.5),
    startupP99Ms: quantile(startups, 0.99),
    latencyP50Ms: quantile(
      viewings.flatMap(v => v.latencies),
      0.5,
    ),
    duplicateBytes: totals.edgeMedia + totals.peerMedia - useful,
    edgeBytes: totals.edgeMedia,
    traceHash: outcome.fingerprint,
    violations: outcome.violations.length,
    detail: {
      seeds: 1,
      playlistBytes: totals.control.playlists,
      digestBytes: totals.control.digests,
      wireBytes: totals.control.wire,
      signallingBytes: totals.control.signalling,
      lineControlBytes: totals.lineControl,
      stallSecondsPerViewerMinute: seconds > 0 ? (stallSeconds * 60) / seconds : 0,
      neverStarted: viewings.filter(v => v.startupMs === null && startupOf(v, scenario.durationMs) !== null)
        .length,
      gaveUp: viewings.filter(v => v.fatal).length,
      messagesPerViewerSecond: seconds > 0 ? totals.messages / seconds : 0,
      uploadMeanBytes: sum(uploads) / Math.max(1, uploads.length),
      uploadP99Bytes: quantile(uploads, 0.99),
      worstCopiesSteady: steady,
      meanKbps:
        sum(viewings.map(v => v.fragmentBps)) / Math.max(1, sum(viewings.map(v => v.fragments))) / 1000,
      switchesPerViewerMinute: seconds > 0 ? (sum(viewings.map(v => v.switches)) * 60) / seconds : 0,
      abandoned: sum(viewings.map(v => v.abandoned)),
      copiesWhileSplit: Math.max(
        0,
        ...scenario.partitions.map(({ fromMs, toMs }) => copies(outcome, fromMs, toMs)),
      ),
    },
    cost: {
      coreMsPerViewerSecond: seconds > 0 ? books.thoughtMs() / seconds : 0,
      wallSeconds: outcome.wallMs / 1000,
    },
  }
}

/** Several seeds of one policy and scenario as one: medians, sums of what must not happen. */
export function combine(runs: readonly Figures[]): Figures {
  const first = runs[0]
  if (first === undefined) throw new Error('no runs to combine')
  const middle = (of: (run: Figures) => number): number => quantile(runs.map(of), 0.5)
  const details = Object.fromEntries(
    Object.keys(first.detail).map(name => [name, middle(run => run.detail[name as keyof Detail])]),
  ) as unknown as Detail
  return {
    ...first,
    copiesSteady: middle(run => run.copiesSteady),
    copiesWithJoins: middle(run => run.copiesWithJoins),
    controlBytes: middle(run => run.controlBytes),
    p2pShare: middle(run => run.p2pShare),
    stalls: sum(runs.map(run => run.stalls)),
    stallSeconds: sum(runs.map(run => run.stallSeconds)),
    startupP50Ms: middle(run => run.startupP50Ms),
    startupP99Ms: middle(run => run.startupP99Ms),
    latencyP50Ms: middle(run => run.latencyP50Ms),
    duplicateBytes: middle(run => run.duplicateBytes),
    edgeBytes: middle(run => run.edgeBytes),
    traceHash: runs.length === 1 ? first.traceHash : joinHashes(runs.map(run => run.traceHash)),
    violations: sum(runs.map(run => run.violations)),
    detail: {
      ...details,
      seeds: runs.length,
      neverStarted: sum(runs.map(run => run.detail.neverStarted)),
      gaveUp: sum(runs.map(run => run.detail.gaveUp)),
      worstCopiesSteady: Math.max(...runs.map(run => run.copiesSteady)),
    },
  }
}

/** Bytes over the lines ÷ sizes, of the segments that a site first wanted in this time and somebody there got. */
function copies(outcome: Outcome, fromMs: number, toMs: number): number {
  let carried = 0
  let watched = 0
  for (const accounts of outcome.books.accounts().values()) {
    for (const account of accounts.values()) {
      if (account.firstWantedAt < fromMs || account.firstWantedAt >= toMs) continue
      carried += account.edgeBytes + account.outsideBytes
      if (account.deliveries > 0) watched += account.segment.size
    }
  }
  if (watched > 0) return carried / watched
  return carried > 0 ? Number.POSITIVE_INFINITY : 0
}

/** What viewers got worse than from the plain player in the same world; noise below half a second a minute is none. */
export function setbacks(figures: Figures, plain: Figures | undefined): readonly string[] {
  if (plain === undefined) return []
  const found: string[] = []
  const [stalled, before] = [
    figures.detail.stallSecondsPerViewerMinute,
    plain.detail.stallSecondsPerViewerMinute,
  ]
  if (stalled > before + 0.5) {
    found.push(`stalls ${stalled.toFixed(1)} s a viewer-minute, not ${before.toFixed(1)}`)
  }
  if (figures.detail.neverStarted > plain.detail.neverStarted) {
    found.push(`${figures.detail.neverStarted} viewers never started, not ${plain.detail.neverStarted}`)
  }
  if (figures.startupP99Ms > plain.startupP99Ms * 1.2 + 300) {
    found.push(`slowest start ${Math.round(figures.startupP99Ms)} ms, not ${Math.round(plain.startupP99Ms)}`)
  }
  return found
}

/** The segments that cost a site most, for whoever looks for the reason. */
export function costliest(outcome: Outcome, count: number): readonly string[] {
  const all: { readonly copies: number; readonly text: string }[] = []
  for (const [site, accounts] of outcome.books.accounts()) {
    for (const account of accounts.values()) {
      const copies = (account.edgeBytes + account.outsideBytes) / account.segment.size
      const fetchers = [...account.fetchers].map(index => `v${index}`).join(' ')
      const first = (account.firstWantedAt / 1000).toFixed(1)
      const text = `${account.segment.key} ${site}: ${copies.toFixed(2)} copies, first wanted ${first} s, from the edge by ${fetchers}`
      all.push({ copies, text })
    }
  }
  return all
    .sort((a, b) => b.copies - a.copies)
    .slice(0, count)
    .map(({ text }) => text)
}

/** Null for a viewer whose visit was too short to tell. */
function startupOf(viewing: Viewing, endMs: number): number | null {
  if (viewing.startupMs !== null) return viewing.startupMs
  const stayed = (viewing.leftAt ?? endMs) - viewing.joinedAt
  return stayed > 10_000 ? stayed : null
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function joinHashes(hashes: readonly string[]): string {
  const fingerprint = createFingerprint()
  for (const hash of hashes) fingerprint.add(hash)
  return fingerprint.digest()
}
