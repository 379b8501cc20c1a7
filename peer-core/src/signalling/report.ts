import { asFields, asWhole } from './fields.ts'
import { signallingLimits } from './limits.ts'

/**
 * What a viewer tells the tracker's operator about itself: sums since its swarm began, and how things stand now. No
 * address, no URL, no name of a segment.
 */
export interface ViewerReport extends Readonly<Record<ReportSum, number>> {
  /** A headless peer that nobody watches. */
  readonly node: boolean
  /** From loading the manifest to the first moving picture; null while there is none. */
  readonly startMs: number | null
  /** How far behind the live edge the picture is; null for recordings. */
  readonly latencyMs: number | null
  /** Rendition that plays, kbit/s; null unknown. */
  readonly kbps: number | null
  readonly peering: Peering
  /** Segments handed to the player since the last report: what one copy for the site is made of. */
  readonly fresh: readonly WatchedSegment[]
}

/** The same from the side that writes it: a word for peering that the tracker does not know does no harm. */
export type OwnReport = Omit<ViewerReport, 'peering'> & { readonly peering: string }

export interface WatchedSegment {
  /** 32-bit hash of the segment's key, equal for all viewers of it. */
  readonly hash: number
  readonly bytes: number
}

/** Whole numbers that only grow. */
export const reportSums = [
  /** How long the others have been counted, ms. */
  'ageMs',
  /** Media bytes over the site's line: from the edge, through the swarm or the player's own loader. */
  'edge',
  /** Media bytes from peers of the group, and from outside it. */
  'group',
  'outside',
  /** Media bytes given to others. */
  'uploaded',
  /** Segments handed to the player, and their bytes. */
  'segments',
  'watched',
  /** Times playback stood still after it had begun, and for how long in all. */
  'stalls',
  'stallMs',
  /** Peers that gave blocks which were not what the publisher made. */
  'polluters',
] as const

export type ReportSum = (typeof reportSums)[number]

/** How a viewer stands with peers: the verdicts of `diagnose()` that somebody with a tracker may get. */
export const peerings = [
  'ok',
  'connecting',
  'alone',
  'policy-off',
  'no-digests',
  'local-network-denied',
  'local-network-prompt',
  'mdns-blocked',
  'udp-blocked',
  'ice-failed',
  'no-answer',
] as const

export type Peering = (typeof peerings)[number]

/** A petabyte, and more milliseconds than anybody lives: beyond it no sum of one viewer is true. */
const mostSum = 1e15
/** One segment. Larger ones bypass peers, and are still watched. */
const mostSegmentBytes = 1 << 30

/** Reads a report; null when it is none. A sum that is odd makes all of it odd: half a truth would count wrong. */
export function asReport(value: unknown): ViewerReport | null {
  const fields = asFields(value)
  if (fields === null) return null
  const sums = {} as Record<ReportSum, number>
  for (const name of reportSums) {
    const sum = asWhole(fields[name], 0, mostSum)
    if (sum === null) return null
    sums[name] = sum
  }
  return {
    ...sums,
    node: fields['node'] === true,
    startMs: asWhole(fields['startMs'], 0, 600_000),
    latencyMs: asWhole(fields['latencyMs'], 0, 86_400_000),
    kbps: asWhole(fields['kbps'], 0, 1_000_000),
    peering: isPeering(fields['peering']) ? fields['peering'] : 'connecting',
    fresh: asFresh(fields['fresh']),
  }
}

/** Nulls and empty lists are left out; `fresh` travels as hash, bytes, hash, bytes … */
export function wireReport({ fresh, node, startMs, latencyMs, kbps, ...rest }: OwnReport): object {
  return {
    ...rest,
    ...(node && { node }),
    ...(startMs !== null && { startMs }),
    ...(latencyMs !== null && { latencyMs }),
    ...(kbps !== null && { kbps }),
    ...(fresh.length > 0 && { fresh: fresh.flatMap(({ hash, bytes }) => [hash, bytes]) }),
  }
}

function asFresh(value: unknown): readonly WatchedSegment[] {
  if (!Array.isArray(value)) return []
  const fresh: WatchedSegment[] = []
  for (let i = 0; i + 1 < value.length && fresh.length < signallingLimits.freshSegments; i += 2) {
    const hash = asWhole(value[i], 0, 0xffff_ffff)
    const bytes = asWhole(value[i + 1], 1, mostSegmentBytes)
    if (hash !== null && bytes !== null) fresh.push({ hash, bytes })
  }
  return fresh
}

function isPeering(value: unknown): value is Peering {
  return typeof value === 'string' && (peerings as readonly string[]).includes(value)
}
