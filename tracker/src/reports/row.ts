import type { Peering, ReportSum, ViewerReport, WatchedSegment } from '@nearcast/peer-core/signalling'
import { type Figures, quantile, type Series } from './figures.ts'
import { credited, Slots, type Sums, slotCount, slotMs, slotPlaces, type Tallied } from './slots.ts'
import { WatchedSegments } from './watched-segments.ts'

/** What a member is like now, beside its sums. */
export interface Standing {
  readonly node: boolean
  readonly peering: Peering
  readonly latencyMs: number | null
  readonly kbps: number | null
  readonly links: number
}

/** Startup times remembered: of more starts an hour only the latest count. */
const mostStarts = 256
/** Silence longer than this is not presence. */
const longestPresenceMs = 120_000

/** One place and content: an hour of sums, and who is there. */
export class Row {
  readonly #slots = new Slots()
  readonly #watched = new WatchedSegments()
  readonly #present = new Map<object, Standing>()
  readonly #starts: { readonly slot: number; readonly ms: number }[] = []
  readonly #came: { readonly slot: number; readonly peering: Peering; count: number }[] = []
  /** When the last report came, as a slot. */
  lastSlot = 0

  /** `member`: whose. A word for peering that is new for them counts once. */
  stand(member: object, standing: Standing, now: number): void {
    const slot = slotOf(now)
    this.lastSlot = slot
    const before = this.#present.get(member)
    this.#present.set(member, standing)
    if (before?.peering === standing.peering) return
    const last = this.#came.findLast(each => each.slot === slot && each.peering === standing.peering)
    if (last !== undefined) last.count++
    else this.#came.push({ slot, peering: standing.peering, count: 1 })
    while (this.#came[0] !== undefined && this.#came[0].slot <= slot - slotCount) this.#came.shift()
  }

  leave(member: object): void {
    this.#present.delete(member)
  }

  credit(
    grown: Readonly<Record<ReportSum, number>>,
    { node, fresh }: Pick<ViewerReport, 'node' | 'fresh'>,
    now: number,
  ): void {
    const slot = slotOf(now)
    for (const name of credited) this.#slots.add(slot, name, grown[name])
    if (!node) {
      this.#addPresence(grown.ageMs, now)
      for (const segment of fresh) this.#slots.add(slot, 'news', this.#firstSeen(segment, slot))
    }
  }

  started(ms: number, now: number): void {
    this.#starts.push({ slot: slotOf(now), ms })
    if (this.#starts.length > mostStarts) this.#starts.shift()
  }

  reject(now: number): void {
    this.#slots.add(slotOf(now), 'rejected', 1)
  }

  get isEmpty(): boolean {
    return this.#present.size === 0
  }

  parts(first: number, last: number): RowParts {
    return {
      sums: this.#slots.sum(first, last),
      oneCopyBytes: this.#watched.bytesSince(first),
      present: [...this.#present.values()],
      starts: this.#starts.filter(({ slot }) => slot >= first).map(({ ms }) => ms),
      came: this.#came.filter(({ slot }) => slot >= first),
    }
  }

  /** Adds its own to what other rows have. */
  addSeries(to: SeriesSums, first: number, last: number): void {
    this.#slots.each(first, last, (sums, start, i) => {
      const here = (name: Tallied) => sums[start + slotPlaces[name]]!
      to.line[i]! += perSecond(here('edge') + here('outside'))
      to.watched[i]! += perSecond(here('watched'))
      to.oneCopy[i]! += perSecond(here('news'))
      to.group[i]! += perSecond(here('group'))
      to.viewers[i]! += here('presenceMs') / slotMs
    })
  }

  #firstSeen(segment: WatchedSegment, slot: number): number {
    return this.#watched.add(segment, slot, slot - slotCount + 1)
  }

  /** Time since the report before belongs to the slots it passed in, not to the one it is told in. */
  #addPresence(ms: number, now: number): void {
    let left = Math.min(ms, longestPresenceMs)
    for (let end = now; left > 0; ) {
      const slot = slotOf(end)
      const here = Math.min(left, end - slot * slotMs || slotMs)
      this.#slots.add(end === slot * slotMs ? slot - 1 : slot, 'presenceMs', here)
      left -= here
      end -= here
    }
  }
}

/** A series that is being added up. */
export type SeriesSums = { readonly [Name in keyof Series]: number[] }

export interface RowParts {
  readonly sums: Sums
  readonly oneCopyBytes: number
  readonly present: readonly Standing[]
  readonly starts: readonly number[]
  readonly came: readonly { readonly peering: Peering; readonly count: number }[]
}

/** What several rows, or one, come to. Places are added, never merged: each has a copy of its own. */
export function figuresOf(parts: readonly RowParts[], hasPlaces: boolean): Figures {
  const total = (name: Tallied) => parts.reduce((sum, { sums }) => sum + sums[name], 0)
  const edge = total('edge')
  const group = total('group')
  const outside = total('outside')
  const oneCopy = parts.reduce((sum, { oneCopyBytes }) => sum + oneCopyBytes, 0)
  const present = parts.flatMap(part => part.present)
  const viewers = present.filter(({ node }) => !node)
  const starts = parts.flatMap(part => part.starts)
  const known = (values: readonly (number | null)[]) => values.filter(value => value !== null)
  const peering: Partial<Record<Peering, number>> = {}
  for (const { peering: word } of viewers) peering[word] = (peering[word] ?? 0) + 1
  const came: Partial<Record<Peering, number>> = {}
  for (const part of parts) {
    for (const { peering: word, count } of part.came) came[word] = (came[word] ?? 0) + count
  }
  const all = edge + group + outside
  return {
    viewers: viewers.length,
    nodes: present.length - viewers.length,
    edgeBytes: edge,
    groupBytes: group,
    outsideBytes: outside,
    uploadedBytes: total('uploaded'),
    watchedBytes: total('watched'),
    oneCopyBytes: oneCopy,
    copies: hasPlaces && oneCopy > 0 ? (edge + outside) / oneCopy : null,
    p2pShare: all > 0 ? (group + outside) / all : null,
    segments: total('segments'),
    stalls: total('stalls'),
    stallMs: total('stallMs'),
    presenceMs: total('presenceMs'),
    startP50Ms: quantile(starts, 0.5),
    startP95Ms: quantile(starts, 0.95),
    starts: starts.length,
    latencyMs: quantile(known(viewers.map(({ latencyMs }) => latencyMs)), 0.5),
    kbps: quantile(known(viewers.map(({ kbps }) => kbps)), 0.5),
    links: quantile(
      viewers.map(({ links }) => links),
      0.5,
    ),
    peering,
    came,
    polluters: total('polluters'),
    rejected: total('rejected'),
  }
}

function perSecond(sum: number): number {
  return (sum * 1_000) / slotMs
}

export function slotOf(now: number): number {
  return Math.floor(now / slotMs)
}
