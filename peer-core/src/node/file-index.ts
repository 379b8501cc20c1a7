import { parseJson, readHeader, type SegmentHeader } from './segment-file.ts'

/** A file of the store, as its header has it. */
export interface IndexRow {
  readonly header: SegmentHeader
  /** Where the segment's bytes begin in the file. */
  readonly offset: number
}

const version = 1

export function writeIndex(rows: readonly IndexRow[]): string {
  return JSON.stringify({ version, rows: rows.map(({ header, offset }) => ({ header, offset })) })
}

/** The rows of an index; none when it is damaged, of another version or empty. Any text may be given. */
export function parseIndex(text: string): IndexRow[] {
  const value = parseJson(text) as { version?: unknown; rows?: unknown } | null
  if (value?.version !== version || !Array.isArray(value.rows)) return []
  const rows: IndexRow[] = []
  for (const row of value.rows as ({ header?: unknown; offset?: unknown } | null)[]) {
    const header = readHeader(row?.header)
    const offset = row?.offset
    if (header && Number.isSafeInteger(offset) && (offset as number) > 0)
      rows.push({ header, offset: offset as number })
  }
  return rows
}
