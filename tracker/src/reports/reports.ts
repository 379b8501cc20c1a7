import type { ViewerReport } from '@nearcast/peer-core/signalling'
import { Account, type AccountLimits, defaultAccountLimits } from './account.ts'
import type { Figures, FiguresRow, Series } from './figures.ts'
import { figuresOf, Row, type RowParts, slotOf } from './row.ts'
import { slotCount, slotMs } from './slots.ts'

/** Where a member is and what it watches, as names that may be shown. */
export interface Whereabouts {
  readonly place: { readonly kind: 'site' | 'network'; readonly name: string }
  readonly content: string
}

/** A member as the registry knows it; the object itself is the key. */
export interface Member {
  /** When it joined; ms of the same clock as everything here. */
  readonly joinedAt: number
  /** Links open. */
  readonly links: number
}

/** What viewers report, added up by place and content. No network, no clock: times are arguments. */
export interface Reports {
  /** How often a viewer should report now, ms. */
  everyMs(): number
  take(member: Member, whereabouts: Whereabouts, report: ViewerReport, now: number): void
  /** Counts a report that could not be read. */
  refuse(): void
  leave(member: Member): void
  snapshot(now: number, options?: SnapshotOptions): ReportSnapshot
  /** Totals since start, for metrics. */
  readonly counts: Readonly<ReportCounts>
}

export interface SnapshotOptions {
  /** How far back, ms; an hour at most. @default 300000 */
  readonly windowMs?: number
  /** Row whose series is wanted. @default all of them */
  readonly row?: string
}

export interface ReportSnapshot {
  readonly windowMs: number
  readonly slotMs: number
  /** How long ago the series ends, ms. */
  readonly seriesAgeMs: number
  readonly total: Figures
  /** Sites first, then by viewers. */
  readonly rows: readonly FiguresRow[]
  /** Of the row asked for, or of all; ends with the last slot that all should have reported. */
  readonly series: Series
  /** Members that report. */
  readonly members: number
}

export interface ReportCounts {
  taken: number
  /** Not to be believed. */
  rejected: number
  /** Not to be read. */
  refused: number
}

export interface ReportLimits extends AccountLimits {
  /** Places times contents. A busy one costs 230 KB. Beyond, all is thrown together in one row. @default 300 */
  readonly rows: number
  /** Reports a second of all viewers: with more viewers each reports less often. @default 500 */
  readonly perSecond: number
}

const defaultLimits: ReportLimits = { ...defaultAccountLimits, rows: 300, perSecond: 500 }

/** The slot that is open and the one before it still lack what viewers will report of them. */
const youngest = 2

const mostOftenMs = 10_000
const leastOftenMs = 60_000

interface Entry {
  readonly account: Account
  row: Row
  /** What the row is named by, compared by identity first: it hardly ever changes. */
  whereabouts: Whereabouts
  hasStarted: boolean
}

interface Named extends Whereabouts {
  readonly row: Row
}

export function createReports(given: Partial<ReportLimits> = {}): Reports {
  const limits = { ...defaultLimits, ...given }
  const rows = new Map<string, Named>()
  const members = new Map<Member, Entry>()
  const counts: ReportCounts = { taken: 0, rejected: 0, refused: 0 }
  /** For whom there is no room. */
  const rest = new Row()

  return {
    counts,
    everyMs: () =>
      Math.min(leastOftenMs, Math.max(mostOftenMs, Math.round((members.size * 1_000) / limits.perSecond))),

    take(member, whereabouts, report, now) {
      const entry = entryOf(member, whereabouts, now)
      const { row } = entry
      const { node, peering, latencyMs, kbps, startMs } = report
      row.stand(member, { node, peering, latencyMs, kbps, links: member.links }, now)
      const claim = entry.account.take(report, now)
      switch (claim.type) {
        case 'rejected':
          counts.rejected++
          return row.reject(now)
        case 'baseline':
          counts.taken++
          entry.hasStarted = startMs !== null
          return
        case 'credited':
          counts.taken++
          row.credit(claim.grown, report, now)
          if (startMs !== null && !entry.hasStarted) {
            entry.hasStarted = true
            row.started(startMs, now)
          }
      }
    },

    refuse() {
      counts.refused++
    },

    leave(member) {
      members.get(member)?.row.leave(member)
      members.delete(member)
    },

    snapshot(now, { windowMs = 300_000, row: wanted } = {}) {
      const last = slotOf(now)
      const span = Math.min(slotCount, Math.max(1, Math.ceil(windowMs / slotMs)))
      const first = last - span + 1
      const parts = [...rows].map(([id, named]) => ({ id, named, parts: named.row.parts(first, last) }))
      const others = rest.parts(first, last)
      const listed = parts
        .filter(({ parts }) => isWorthShowing(parts))
        .map(({ id, named: { place, content }, parts }) => {
          return { id, place, content, ...figuresOf([parts], true) } satisfies FiguresRow
        })
        .sort(bySiteAndSize)
      const other = { kind: 'other', name: '' } as const
      const chosen = wanted === undefined ? undefined : rows.get(wanted)?.row
      const charted = chosen ? [chosen] : [...[...rows.values()].map(({ row }) => row), rest]
      return {
        windowMs: span * slotMs,
        slotMs,
        seriesAgeMs: now - (last - youngest + 1) * slotMs,
        total: totalOf(
          parts.map(({ parts }) => parts),
          others,
        ),
        rows: isWorthShowing(others)
          ? [...listed, { id: '', place: other, content: '', ...figuresOf([others], false) }]
          : listed,
        series: addSeries(charted, first - youngest, last - youngest),
        members: members.size,
      }
    },
  }

  function entryOf(member: Member, whereabouts: Whereabouts, now: number): Entry {
    const known = members.get(member)
    if (known === undefined) {
      const account = new Account(member.joinedAt, limits)
      const entry = { account, row: rowFor(whereabouts, now), whereabouts, hasStarted: false }
      members.set(member, entry)
      return entry
    }
    if (known.whereabouts !== whereabouts && idOf(known.whereabouts) !== idOf(whereabouts)) {
      known.row.leave(member)
      known.row = rowFor(whereabouts, now)
    }
    known.whereabouts = whereabouts
    return known
  }

  function rowFor(whereabouts: Whereabouts, now: number): Row {
    const id = idOf(whereabouts)
    const known = rows.get(id)
    if (known !== undefined) return known.row
    if (rows.size >= limits.rows && !makeRoom(now)) return rest
    const { place, content } = whereabouts
    const made = { place, content, row: new Row() }
    rows.set(id, made)
    return made.row
  }

  /** Forgets the row that is empty for longest, if any is. */
  function makeRoom(now: number): boolean {
    let oldest: string | null = null
    let oldestSlot = slotOf(now)
    for (const [id, { row }] of rows) {
      if (!row.isEmpty || row.lastSlot >= oldestSlot) continue
      oldest = id
      oldestSlot = row.lastSlot
    }
    if (oldest !== null) rows.delete(oldest)
    return oldest !== null
  }
}

/** The rest has no copies of its own, so it must not spoil those of the others. */
function totalOf(parts: readonly RowParts[], others: RowParts): Figures {
  const placed = figuresOf(parts, true)
  return { ...figuresOf([...parts, others], true), copies: placed.copies, oneCopyBytes: placed.oneCopyBytes }
}

function isWorthShowing({ present, sums }: RowParts): boolean {
  return present.length > 0 || sums.presenceMs > 0 || sums.edge > 0 || sums.rejected > 0
}

function bySiteAndSize(a: FiguresRow, b: FiguresRow): number {
  const site = Number(b.place.kind === 'site') - Number(a.place.kind === 'site')
  return site || b.viewers - a.viewers || a.place.name.localeCompare(b.place.name)
}

function addSeries(rows: readonly Row[], first: number, last: number): Series {
  const zeros = () => new Array<number>(last - first + 1).fill(0)
  const sums = { line: zeros(), watched: zeros(), oneCopy: zeros(), group: zeros(), viewers: zeros() }
  for (const row of rows) row.addSeries(sums, first, last)
  return sums
}

function idOf({ place, content }: Whereabouts): string {
  return `${place.kind} ${place.name} ${content}`
}
