import type { Figures } from './figures.ts'

const columns: readonly (readonly [title: string, cell: (figures: Figures) => string])[] = [
  ['scenario', ({ scenario }) => scenario],
  ['adapter', ({ adapter }) => adapter],
  ['copies', ({ copiesSteady }) => number(copiesSteady, 2)],
  ['with joins', ({ copiesWithJoins }) => number(copiesWithJoins, 2)],
  ['extra/join', ({ extraSegmentsPerJoin }) => number(extraSegmentsPerJoin, 2)],
  ['p2p', ({ p2pShare }) => `${Math.round(p2pShare * 100)} %`],
  ['stalls', ({ stalls }) => String(stalls)],
  ['stall s/min', figures => number(figures.stallSecondsPerViewerMinute, 1)],
  ['start p50', ({ startP50Ms }) => seconds(startP50Ms)],
  [
    'start max',
    ({ startMaxMs, neverStarted }) => (neverStarted > 0 ? `${neverStarted} never` : seconds(startMaxMs)),
  ],
  ['latency', ({ latencyP50Ms }) => seconds(latencyP50Ms)],
  ['kbit/s', ({ kbpsMean }) => number(kbpsMean, 0)],
  ['seek held', ({ seekHeldP50Ms }) => seconds(seekHeldP50Ms)],
  ['control', ({ controlBytes }) => `${Math.round(controlBytes / 1000)} KB`],
  ['line', ({ lineBytes }) => `${(lineBytes / 1e6).toFixed(1)} MB`],
  ['', figures => (figures.void ? `VOID: a timer was ${figures.lateMs} ms late` : '')],
]

/** A table for people. */
export function tableOf(rows: readonly Figures[]): string {
  const cells = [columns.map(([title]) => title), ...rows.map(row => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, column) => Math.max(...cells.map(row => row[column]!.length)))
  return cells
    .map(row =>
      row
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function number(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits)
}

function seconds(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`
}
