import type { AccessEntry } from '@nearcast/edge-fallback/server'
import type { LineCount } from './counter.ts'
import type { ViewerReport } from './pages/viewer.ts'

/** All that one run saw. Times are of the wall clock, ms. */
export interface Observation {
  readonly scenario: string
  readonly adapter: string
  readonly sites: readonly SiteObservation[]
  /** From here on every join is over, with ten seconds to settle. */
  readonly steadyFrom: number
}

export interface SiteObservation {
  readonly viewers: readonly ViewerReport[]
  /** What the edge sent to the site's address. */
  readonly log: readonly AccessEntry[]
  /** What crossed the site's line in the whole run, and since `steadyFrom`. */
  readonly line: LineCount
  readonly steadyLine: LineCount
}
