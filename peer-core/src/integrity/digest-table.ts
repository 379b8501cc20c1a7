import type { ByteRange } from './playlist-scan.ts'

/** What the publisher says about one segment. */
export interface SegmentDigest {
  /** Bytes of the segment (of its range, when it has one). */
  readonly size: number
  /** Merkle root as 64 lower-case hex digits, see `merkle.ts`. */
  readonly root: string
  /** Absolute URL of the block-hash list, or '' when the publisher gives none. */
  readonly hashesUrl: string
}

/** Digests of one playlist, wherever they were read. */
export interface DigestTable {
  /** By media sequence number. */
  readonly segments: ReadonlyMap<number, SegmentDigest>
  /** By `initKey`. */
  readonly inits: ReadonlyMap<string, SegmentDigest>
}

export const noDigests: DigestTable = { segments: new Map(), inits: new Map() }

/** Names an init segment by its path and range; query and fragment may carry tokens and are left out. */
export function initKey(url: string, range: ByteRange | null): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}${range ? ` ${range.from}-${range.to}` : ''}`
}

/** The digest of an init segment; `url` absolute. */
export function digestOfInit(
  table: DigestTable,
  url: string,
  range: ByteRange | null,
): SegmentDigest | undefined {
  return table.inits.get(initKey(url, range))
}

/** Two init segments whose URLs differ in the query alone cannot be told apart by key: neither gets a digest. */
export function addInit(
  inits: Map<string, SegmentDigest | null>,
  url: string,
  range: ByteRange | null,
  digest: SegmentDigest,
): void {
  const key = initKey(url, range)
  const known = inits.get(key)
  inits.set(key, known === undefined || known?.root === digest.root ? digest : null)
}

export function unambiguous(inits: ReadonlyMap<string, SegmentDigest | null>): Map<string, SegmentDigest> {
  return new Map([...inits].filter((entry): entry is [string, SegmentDigest] => entry[1] !== null))
}

/** null unless both are well formed. */
export function parseDigest(
  size: string,
  root: string,
  template: string,
  playlistUrl: string,
): SegmentDigest | null {
  if (!/^[1-9]\d{0,14}$/.test(size) || !/^[0-9a-f]{64}$/i.test(root)) return null
  const lower = root.toLowerCase()
  return { size: Number(size), root: lower, hashesUrl: expandTemplate(template, lower, playlistUrl) }
}

function expandTemplate(template: string, root: string, playlistUrl: string): string {
  if (!template.includes('{root}')) return ''
  const url = resolve(template.replaceAll('{root}', root), playlistUrl)
  return url && /^https?:/.test(url) ? url : ''
}

/** null when either part is no URL. */
export function resolve(reference: string, base: string): string | null {
  return URL.canParse(reference, base) ? new URL(reference, base).href : null
}
