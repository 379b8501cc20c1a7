import { peerings } from '@nearcast/peer-core/signalling'
import { stringify } from 'csv-stringify/sync'
import type { Figures } from '../reports/figures.ts'
import type { ReportSnapshot } from '../reports/reports.ts'

/** One line a place and content, and the total first. Names that a spreadsheet would take for formulas are quoted for it. */
export function writeFiguresCsv({ rows, total, windowMs }: ReportSnapshot, at: Date): string {
  const lines = [
    { place: 'all', kind: 'total', content: '', figures: total },
    ...rows.map(row => ({ place: row.place.name, kind: row.place.kind, content: row.content, figures: row })),
  ]
  return stringify(
    lines.map(({ place, kind, content, figures }) => ({
      time: at.toISOString(),
      windowSeconds: windowMs / 1_000,
      kind,
      place,
      content,
      ...columns(figures),
    })),
    { header: true, escape_formulas: true, record_delimiter: 'windows' },
  )
}

function columns(figures: Figures): Record<string, number | string> {
  const { peering, came } = figures
  return {
    viewers: figures.viewers,
    nodes: figures.nodes,
    copies: cell(figures.copies, 3),
    p2pShare: cell(figures.p2pShare, 4),
    edgeBytes: figures.edgeBytes,
    outsideBytes: figures.outsideBytes,
    groupBytes: figures.groupBytes,
    uploadedBytes: figures.uploadedBytes,
    watchedBytes: figures.watchedBytes,
    oneCopyBytes: cell(figures.oneCopyBytes),
    segments: figures.segments,
    stalls: figures.stalls,
    stallMs: figures.stallMs,
    viewingMs: cell(figures.presenceMs),
    starts: figures.starts,
    startP50Ms: cell(figures.startP50Ms),
    startP95Ms: cell(figures.startP95Ms),
    latencyMs: cell(figures.latencyMs),
    renditionKbps: cell(figures.kbps),
    links: cell(figures.links),
    polluters: figures.polluters,
    rejectedReports: figures.rejected,
    ...Object.fromEntries(peerings.map(word => [`${word} now`, peering[word] ?? 0])),
    ...Object.fromEntries(peerings.map(word => [`${word} came`, came[word] ?? 0])),
  }
}

/** Empty where nothing is known. */
function cell(value: number | null, digits = 0): number | string {
  return value === null ? '' : Number(value.toFixed(digits))
}
