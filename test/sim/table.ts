import type { Figures } from './figures.ts'

interface Column {
  readonly title: string
  readonly cell: (figures: Figures) => string
}

const columns: readonly Column[] = [
  { title: 'scenario', cell: f => f.scenario },
  { title: 'policy', cell: f => f.policy },
  { title: 'viewers', cell: f => (f.sites > 1 ? `${f.viewers} in ${f.sites}` : String(f.viewers)) },
  { title: 'copies', cell: f => f.copiesSteady.toFixed(2) },
  { title: 'worst', cell: f => f.detail.worstCopiesSteady.toFixed(2) },
  { title: 'with joins', cell: f => f.copiesWithJoins.toFixed(2) },
  { title: 'P2P', cell: f => `${(f.p2pShare * 100).toFixed(0)} %` },
  { title: 'stalls', cell: f => String(f.stalls) },
  { title: 's/viewer-min', cell: f => f.detail.stallSecondsPerViewerMinute.toFixed(2) },
  { title: 'start p50', cell: f => seconds(f.startupP50Ms) },
  { title: 'p99', cell: f => seconds(f.startupP99Ms) },
  { title: 'never', cell: f => String(f.detail.neverStarted) },
  { title: 'latency', cell: f => seconds(f.latencyP50Ms) },
  { title: 'edge', cell: f => megabytes(f.edgeBytes) },
  { title: 'twice', cell: f => megabytes(f.duplicateBytes) },
  { title: 'control', cell: f => megabytes(f.controlBytes) },
  { title: 'up p99', cell: f => megabytes(f.detail.uploadP99Bytes) },
  { title: 'msg/s', cell: f => f.detail.messagesPerViewerSecond.toFixed(0) },
  { title: 'core', cell: f => `${f.cost.coreMsPerViewerSecond.toFixed(2)} ms/s` },
  { title: 'took', cell: f => `${f.cost.wallSeconds.toFixed(1)} s` },
  { title: 'broken', cell: f => String(f.violations) },
]

/** Rows for people: medians over the seeds; stalls, never-started and broken rules are sums. */
export function table(rows: readonly Figures[]): string {
  const cells = [
    columns.map(column => column.title),
    ...rows.map(row => columns.map(column => column.cell(row))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map(line => line[i]!.length)))
  const lines = cells.map(line =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  )
  return [lines[0], widths.map(width => '─'.repeat(width)).join('  '), ...lines.slice(1)].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
