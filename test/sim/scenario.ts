import type { Outage } from './edge.ts'
import type { Discipline } from './line.ts'
import type { StreamPlan } from './stream.ts'

/** When viewers come. `storm`: all within a second. `staggered`: evenly over `joinOverMs`. `steady`: by chance, all along. */
export type Joins = 'storm' | 'staggered' | 'steady'

interface Faults {
  /** Shares of the viewers. */
  readonly slow: number
  readonly silent: number
  readonly lying: number
}

/** A time in which a site's network falls into two halves: nothing passes between them, and nobody is told. */
export interface Partition {
  readonly fromMs: number
  readonly toMs: number
}

export interface Action {
  readonly atMs: number
  readonly viewer: number
  readonly does:
    | { readonly type: 'seek'; readonly toMs: number }
    | { readonly type: 'pause' }
    | { readonly type: 'resume' }
}

/** One experiment, whole. Rates in bits a second, durations in ms of the world. */
export interface Scenario {
  readonly name: string
  readonly about: string
  readonly viewers: number
  readonly sites: number
  readonly durationMs: number
  readonly stream: StreamPlan
  /** A site's line as a multiple of the stream's bitrate; Infinity: no limit. */
  readonly lineRatio: number
  /** When the line becomes another one. */
  readonly lineChanges: readonly { readonly atMs: number; readonly ratio: number }[]
  readonly discipline: Discipline
  /** Whether the operator stated the line's capacity in the site's policy. */
  readonly lineStated: boolean
  readonly joins: Joins
  readonly joinOverMs: number
  /** Median session, after which a viewer dies without a word and another takes its place; Infinity: all stay. */
  readonly churnMs: number
  /** Share of the leaving that say goodbye. */
  readonly politeShare: number
  /** The viewer that just then takes most from the edge dies, once in this time, and is replaced; Infinity: none. */
  readonly fetcherDiesMs: number
  readonly partitions: readonly Partition[]
  readonly accessBps: number
  /** One way from a site to the edge, ms, uniform. */
  readonly edgeDelayMs: readonly [number, number]
  /** Viewers sit at access points: each an airtime that its viewers share, up and down; null: on cables. */
  readonly wifi: { readonly viewers: number; readonly airBps: number } | null
  /** Upload capacity of each viewer's access, log-uniform; both equal to `accessBps` in an office. */
  readonly uplinkBps: readonly [number, number]
  /** Share of viewers that take and never give. */
  readonly leech: number
  readonly faults: Faults
  readonly outages: readonly Outage[]
  readonly trackerDownMs: number
  /** Links that leave the group, a viewer; 0: the site's policy denies them. */
  readonly outsideLinks: number
  readonly actions: readonly Action[]
  /** Budget of each viewer's store, bytes. */
  readonly storeBytes: number
}

const liveStream: StreamPlan = {
  kind: 'live',
  segmentMs: 2_000,
  videoBps: 1_500_000,
  ladderBps: [],
  audioBps: 0,
  variation: 0.3,
  init: true,
  digests: true,
  windowSegments: 8,
  vodSegments: 0,
}

/** Six viewers of a live stream in one office with a line that nobody fills. */
export const officeScenario: Scenario = {
  name: 'live-office',
  about: 'six viewers of a live stream in one office',
  viewers: 6,
  sites: 1,
  durationMs: 90_000,
  stream: liveStream,
  lineRatio: 40,
  lineChanges: [],
  discipline: 'fair',
  lineStated: false,
  joins: 'staggered',
  joinOverMs: 20_000,
  churnMs: Number.POSITIVE_INFINITY,
  politeShare: 0.3,
  fetcherDiesMs: Number.POSITIVE_INFINITY,
  partitions: [],
  accessBps: 100_000_000,
  edgeDelayMs: [8, 20],
  wifi: null,
  uplinkBps: [100_000_000, 100_000_000],
  leech: 0,
  faults: { slow: 0, silent: 0, lying: 0 },
  outages: [],
  trackerDownMs: Number.POSITIVE_INFINITY,
  outsideLinks: 0,
  actions: [],
  storeBytes: 268_435_456,
}

/** Bits a second of all the tracks that one viewer plays. */
export function bitrateOf(stream: StreamPlan): number {
  return stream.videoBps + stream.audioBps
}
