import { reportSums, type ViewerReport } from '@nearcast/peer-core/signalling'

/** For tests: a report in which nothing happened, but for what is given. */
export function reportOf(given: Partial<ViewerReport> = {}): ViewerReport {
  return {
    ...(Object.fromEntries(reportSums.map(name => [name, 0])) as Record<(typeof reportSums)[number], number>),
    node: false,
    startMs: null,
    latencyMs: null,
    kbps: null,
    peering: 'ok',
    fresh: [],
    ...given,
  }
}
