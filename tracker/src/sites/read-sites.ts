import type { WirePolicy } from '@nearcast/peer-core/signalling'
import { CsvError, parse } from 'csv-parse/sync'
import { parseCidr } from '../address/cidr.ts'
import { type SiteRule, SiteTable } from './site-table.ts'

/** Something wrong with one line of the file, in words for whoever wrote it. */
export interface SiteProblem {
  /** From 1; 0 when it concerns the whole file. */
  readonly line: number
  readonly message: string
}

export type ReadSites =
  | { readonly ok: true; readonly table: SiteTable; readonly warnings: readonly SiteProblem[] }
  | { readonly ok: false; readonly problems: readonly SiteProblem[] }

const columns = ['site', 'cidr', 'mode', 'wan', 'uploadKbps', 'lineKbps', 'maxPeers', 'integrity'] as const
type Column = (typeof columns)[number]

/**
 * Reads `site,cidr,mode,wan,uploadKbps,lineKbps,maxPeers,integrity`. The header names the columns; all but `site` and `cidr` may be
 * missing or empty. Lines that begin with # are comments. One bad row spoils the file: nothing is half-applied.
 */
export function readSites(csv: string): ReadSites {
  const rows = readRows(csv)
  if ('problem' in rows) return { ok: false, problems: [rows.problem] }
  const [header, ...body] = rows.rows
  if (header === undefined) return { ok: true, table: new SiteTable(), warnings: [] }

  const problems: SiteProblem[] = headerProblems(header)
  if (problems.length > 0) return { ok: false, problems }
  const rules: SiteRule[] = []
  for (const row of body) {
    const rule = readRule(header.cells, row, message => problems.push({ line: row.line, message }))
    if (rule !== null) rules.push(rule)
  }
  if (problems.length > 0) return { ok: false, problems }
  const table = new SiteTable(rules)
  const warnings = table.unreachable().map(({ rule, by }) => ({
    line: rule.line,
    message: `${rule.cidr.text} (${rule.site}) never applies: line ${by.line}, ${by.cidr.text} (${by.site}), covers it and comes first`,
  }))
  return { ok: true, table, warnings }
}

interface Row {
  readonly line: number
  readonly cells: readonly string[]
}

function readRows(csv: string): { readonly rows: readonly Row[] } | { readonly problem: SiteProblem } {
  try {
    const records = parse(csv, {
      bom: true,
      comment: '#',
      comment_no_infix: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
    }) as unknown as readonly {
      readonly info: { readonly lines: number }
      readonly record: readonly string[]
    }[]
    return { rows: records.map(({ info, record }) => ({ line: info.lines, cells: record })) }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error['lines'] === 'number' ? error['lines'] : 0
    return { problem: { line, message: `not CSV: ${error.message}` } }
  }
}

function headerProblems({ line, cells }: Row): SiteProblem[] {
  const unknown = cells.filter(cell => !(columns as readonly string[]).includes(cell))
  const missing = (['site', 'cidr'] as const).filter(name => !cells.includes(name))
  const twice = cells.filter((cell, i) => cells.indexOf(cell) !== i)
  if (unknown.length === 0 && missing.length === 0 && twice.length === 0) return []
  const wrong = [
    ...missing.map(name => `column "${name}" is missing`),
    ...unknown.map(name => `column "${name}" is unknown`),
    ...twice.map(name => `column "${name}" appears twice`),
  ]
  return [{ line, message: `${wrong.join(', ')}; the header is ${columns.join(',')}` }]
}

function readRule(header: readonly string[], row: Row, report: (message: string) => void): SiteRule | null {
  if (row.cells.length > header.length) {
    report(`${row.cells.length} fields, but the header names ${header.length}`)
    return null
  }
  const cell = (name: Column) => row.cells[header.indexOf(name)] ?? ''
  const site = cell('site')
  if (site === '' || site.length > 128) report('a site needs a name of 1 to 128 characters')
  const parsed = parseCidr(cell('cidr'))
  if (!parsed.ok) report(parsed.reason)
  const mode = oneOf(cell('mode'), ['share', 'leech', 'off'] as const, 'mode', report)
  const wan = oneOf(cell('wan'), ['allow', 'deny'] as const, 'wan', report)
  const integrity = oneOf(
    cell('integrity'),
    ['required', 'prefer', 'audit', 'off'] as const,
    'integrity',
    report,
  )
  const uploadKbps = whole(cell('uploadKbps'), 'uploadKbps', 'kbit/s (0: no limit known)', report)
  const lineKbps = whole(cell('lineKbps'), 'lineKbps', 'kbit/s (0: no limit known)', report)
  const maxPeers = whole(cell('maxPeers'), 'maxPeers', 'links (0: no cap)', report)
  if (!parsed.ok) return null
  const policy: WirePolicy = {
    ...(mode !== null && { mode }),
    ...(wan !== null && { wan }),
    ...(uploadKbps !== null && { uploadKbps }),
    ...(lineKbps !== null && { lineKbps }),
    ...(maxPeers !== null && { maxPeers }),
    ...(integrity !== null && { integrity }),
  }
  return { line: row.line, site, cidr: parsed.cidr, policy }
}

function oneOf<T extends string>(
  cell: string,
  choices: readonly T[],
  name: string,
  report: (message: string) => void,
): T | null {
  if (cell === '') return null
  const choice = choices.find(item => item === cell)
  if (choice === undefined) report(`${name} "${cell}" is none of ${choices.join(', ')}`)
  return choice ?? null
}

function whole(cell: string, name: string, unit: string, report: (message: string) => void): number | null {
  if (cell === '') return null
  const most = name === 'maxPeers' ? 10_000 : 999_999_999
  const value = /^\d{1,9}$/.test(cell) && Number(cell) <= most ? Number(cell) : null
  if (value === null) report(`${name} "${cell}" is no whole number of ${unit}`)
  return value
}
