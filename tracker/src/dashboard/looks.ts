import type { ReportSnapshot, Reports } from '../reports/reports.ts'

/** What a page is told, again and again. */
export interface DashboardEvent extends ReportSnapshot {
  /** ms since 1970. */
  readonly at: number
  /** Peers of all swarms, also those that do not report. */
  readonly peers: number
}

export interface LooksOptions {
  /** Null: nobody reports, since no token is configured. */
  readonly reports: Reports | null
  /** ms of the reports' clock. */
  readonly now: () => number
  /** ms since 1970. */
  readonly wallClock: () => number
  /** Peers of all swarms, also those that do not report. */
  readonly peers: () => number
  /** How often a page hears new figures, ms. @default 2000 */
  readonly everyMs?: number
}

export interface Look {
  /** A `DashboardEvent` as JSON. */
  readonly data: string
  /** What it took, ms. */
  readonly costMs: number
}

/** More than pages can be open. */
const mostKept = 64

/** Looks at the figures, each shared by all pages that want the same. */
export class Looks {
  readonly #options: LooksOptions
  readonly #kept = new Map<string, Look & { readonly at: number }>()

  constructor(options: LooksOptions) {
    this.#options = options
  }

  at(windowMs: number, row: string | undefined): Look {
    const { reports, now, wallClock, peers, everyMs = 2_000 } = this.#options
    const at = now()
    const key = `${windowMs} ${row ?? ''}`
    const known = this.#kept.get(key)
    // Pages do not ask in step: one asks a little before the other's look is due.
    if (known && at - known.at < everyMs / 2) return known
    if (reports === null) throw new Error('nobody reports')
    const event: DashboardEvent = {
      at: wallClock(),
      peers: peers(),
      ...reports.snapshot(at, { windowMs, ...(row !== undefined && { row }) }),
    }
    const data = JSON.stringify(event)
    const look = { data, costMs: now() - at, at }
    if (this.#kept.size >= mostKept) this.#kept.clear()
    this.#kept.set(key, look)
    return look
  }
}
