import type { Row } from './measure.ts'
import type { SwarmPiece } from './whole-swarm.ts'

/** The figures for people. */
export function rowTable(rows: readonly Row[]): string {
  return aligned([
    ['connections', 'server', 'CPU s / 1000', '÷ ws', 'KiB a peer', 'offer p50 ms', 'p99 ms', 'same address'],
    ...rows.map(row => [
      String(row.connections),
      row.server,
      row.cpuPer1000.toFixed(3),
      row.ratioToWs?.toFixed(2) ?? '–',
      row.kibPerPeer.toFixed(1),
      row.offerP50Ms.toFixed(1),
      row.offerP99Ms.toFixed(1),
      `${(100 * row.sameAddressShare).toFixed(1)} %`,
    ]),
  ])
}

export function pieceTable(pieces: readonly SwarmPiece[]): string {
  if (pieces.length === 0) return ''
  return aligned([
    ['swarm of', 'server', 'largest piece'],
    ...pieces.map(({ server, peers, largestPiece }) => [
      String(peers),
      server,
      `${(100 * largestPiece).toFixed(1)} %`,
    ]),
  ])
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0)))
  return lines
    .map(line =>
      line
        .map((cell, i) => (i === 1 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
