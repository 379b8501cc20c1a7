import { type ReportSum, reportSums, type ViewerReport } from '@nearcast/peer-core/signalling'

export interface AccountLimits {
  /**
   * Bytes a second that one viewer may claim to have received, given or watched, long run. 25 MB/s is 200 Mbit/s: more
   * than any rendition, and what a liar can add at most. @default 25000000
   */
  readonly viewerBps: number
  /** Bytes beyond it at once: a recording's buffer filled from the neighbours. @default 67108864 */
  readonly burstBytes: number
}

export const defaultAccountLimits: AccountLimits = { viewerBps: 25_000_000, burstBytes: 64 << 20 }

export type Claim =
  /** What grew since the report before. */
  | { readonly type: 'credited'; readonly grown: Readonly<Record<ReportSum, number>> }
  /** The first of somebody who was counting before we knew them: only a mark to count from. */
  | { readonly type: 'baseline' }
  | { readonly type: 'rejected' }

/** A page connects to its tracker while it sets up; what it counted so long before it joined was counted here. */
const headStartMs = 10_000
/** Segments a second: eight tracks of two seconds each, and a buffer filled at once. */
const segmentsPerSecond = 20
const segmentBurst = 400
/** Reports come a little early and late. */
const clockSlackMs = 2_000

/**
 * One membership's running account. A viewer reports sums since it began; only what grows under our eyes counts, and no
 * faster than a line could carry it. So a report that comes twice counts once, and one that is lost costs nothing.
 */
export class Account {
  readonly #limits: AccountLimits
  readonly #joinedAt: number
  #marks: Readonly<Record<ReportSum, number>> | null = null
  #at: number
  /** What may still be claimed: bytes received, given and watched, each. */
  readonly #allowance: { received: number; uploaded: number; watched: number; segments: number }

  constructor(joinedAt: number, limits: AccountLimits) {
    this.#limits = limits
    this.#joinedAt = joinedAt
    this.#at = joinedAt
    const { burstBytes } = limits
    this.#allowance = {
      received: burstBytes,
      uploaded: burstBytes,
      watched: burstBytes,
      segments: segmentBurst,
    }
  }

  take(report: ViewerReport, now: number): Claim {
    const elapsedMs = Math.max(0, now - this.#at)
    this.#at = now
    this.#refill(elapsedMs)
    const marks = this.#marks ?? this.#firstMarks(report, now)
    this.#marks = pickSums(report)
    if (marks === null) return { type: 'baseline' }
    const grown = {} as Record<ReportSum, number>
    for (const name of reportSums) grown[name] = report[name] - marks[name]
    return this.#isPlausible(grown, report, elapsedMs) ? { type: 'credited', grown } : { type: 'rejected' }
  }

  #firstMarks(report: ViewerReport, now: number): Readonly<Record<ReportSum, number>> | null {
    return report.ageMs <= now - this.#joinedAt + headStartMs ? zeros : null
  }

  #isPlausible(grown: Record<ReportSum, number>, { fresh }: ViewerReport, elapsedMs: number): boolean {
    if (reportSums.some(name => grown[name] < 0)) return false
    const allowance = this.#allowance
    allowance.received -= grown.edge + grown.group + grown.outside
    allowance.uploaded -= grown.uploaded
    allowance.watched -= grown.watched
    allowance.segments -= grown.segments
    const fits = Object.values(allowance).every(left => left >= 0)
    for (const name of Object.keys(allowance) as (keyof typeof allowance)[])
      allowance[name] = Math.max(0, allowance[name])
    let freshBytes = 0
    for (const { bytes } of fresh) freshBytes += bytes
    return (
      fits &&
      freshBytes <= grown.watched &&
      fresh.length <= grown.segments &&
      grown.stallMs <= elapsedMs + clockSlackMs + headStartMs &&
      grown.stalls <= 4 * (1 + (elapsedMs + headStartMs) / 1_000) &&
      grown.polluters <= 100
    )
  }

  #refill(elapsedMs: number): void {
    const { viewerBps, burstBytes } = this.#limits
    const allowance = this.#allowance
    const bytes = (viewerBps * elapsedMs) / 1_000
    for (const name of ['received', 'uploaded', 'watched'] as const)
      allowance[name] = Math.min(allowance[name] + bytes, burstBytes + bytes)
    const segments = (segmentsPerSecond * elapsedMs) / 1_000
    allowance.segments = Math.min(allowance.segments + segments, segmentBurst + segments)
  }
}

const zeros = Object.fromEntries(reportSums.map(name => [name, 0])) as Record<ReportSum, number>

function pickSums(report: ViewerReport): Record<ReportSum, number> {
  return Object.fromEntries(reportSums.map(name => [name, report[name]])) as Record<ReportSum, number>
}
