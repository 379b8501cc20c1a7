import type { Peering } from '@nearcast/peer-core/signalling'

/** What an operator sees of one place and content, or of all. Bytes and counts are of the window. */
export interface Figures {
  /** Viewers there now that report, and headless peers. */
  readonly viewers: number
  readonly nodes: number
  readonly edgeBytes: number
  readonly groupBytes: number
  readonly outsideBytes: number
  readonly uploadedBytes: number
  /** Media handed to players. */
  readonly watchedBytes: number
  /** The same with each segment once for the place. */
  readonly oneCopyBytes: number
  /** (edge + outside) ÷ one copy; null where nothing was watched, or where places are thrown together. */
  readonly copies: number | null
  /** Peers' part of all media that came, 0 to 1. */
  readonly p2pShare: number | null
  readonly segments: number
  readonly stalls: number
  readonly stallMs: number
  /** Time viewers were there, ms. */
  readonly presenceMs: number
  /** From manifest to picture, of viewers who started; ms. */
  readonly startP50Ms: number | null
  readonly startP95Ms: number | null
  readonly starts: number
  /** Medians over the viewers there now. */
  readonly latencyMs: number | null
  readonly kbps: number | null
  readonly links: number | null
  /** How the viewers there now stand with peers. */
  readonly peering: Readonly<Partial<Record<Peering, number>>>
  /** How often a viewer came to stand so. */
  readonly came: Readonly<Partial<Record<Peering, number>>>
  readonly polluters: number
  /** Reports that could not be true. */
  readonly rejected: number
}

export interface FiguresRow extends Figures {
  readonly id: string
  /** The operator's site; a network nobody named, as a label; or what found no room in the table. */
  readonly place: { readonly kind: 'site' | 'network' | 'other'; readonly name: string }
  readonly content: string
}

/** One number a slot of `slotMs`, oldest first; rates in bytes a second. */
export interface Series {
  readonly line: readonly number[]
  readonly watched: readonly number[]
  readonly oneCopy: readonly number[]
  readonly group: readonly number[]
  readonly viewers: readonly number[]
}

/** @returns null for no values. Of an even number the lower middle one. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}
