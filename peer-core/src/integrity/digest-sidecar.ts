import {
  addInit,
  type DigestTable,
  parseDigest,
  resolve,
  type SegmentDigest,
  unambiguous,
} from './digest-table.ts'
import type { ByteRange } from './playlist-scan.ts'

/**
 * Digests beside a playlist: the playlist's URL with `.nearcast` after its path, query kept. For VoD, where a tag a
 * segment would make the playlist long, and for playlists that may not be changed. Plain ASCII, every line filled
 * with spaces to one width, so a page is taken by Range without an index:
 *
 *     nearcast-digests 1 width=288 count=1800 hashes=/nearcast/hashes/{root}
 *     <path> <range> <sequence> <size> <root> <time> <signature>
 *
 * Line 0 is the header; entry i starts at byte (i + 1) × width. *path*: the segment's URI without query and fragment,
 * spaces encoded, resolved against the playlist. *range*: `from-to` (`to` exclusive) or `-`. *sequence*: media sequence
 * number, −1 for init segments, which come first. *size* and *root*: as in the tags; `-` in both when the publisher
 * has none. *time*: start in ms from the first segment. *signature*: room for Ed25519 in base64url, `-` without.
 */
export interface SidecarHeader {
  /** Bytes of a line, its line feed included. */
  readonly width: number
  readonly count: number
  /** URI template with `{root}`, resolved against the playlist; '' when there are no lists. */
  readonly hashes: string
}

export interface SidecarEntry {
  readonly path: string
  readonly range: ByteRange | null
  readonly sequence: number
  /** 0 with root '' when the publisher has no digest of it. */
  readonly size: number
  readonly root: string
  readonly timeMs: number
  /** Base64url, or ''. */
  readonly signature: string
}

/** Bytes that hold any header: take these first. */
export const sidecarHeadBytes = 4096

const magic = 'nearcast-digests'

export function sidecarUrl(playlistUrl: string): string {
  const url = new URL(playlistUrl)
  url.pathname += '.nearcast'
  url.hash = ''
  return url.href
}

/** From the first bytes of a sidecar; null when it is none, or of another version. */
export function parseSidecarHeader(text: string): SidecarHeader | null {
  const [name, version, ...rest] = (text.split('\n', 1)[0] ?? '').trim().split(/ +/)
  if (name !== magic || version !== '1') return null
  const fields = new Map(rest.map(field => [field.split('=', 1)[0]!, field.slice(field.indexOf('=') + 1)]))
  const width = Number(fields.get('width'))
  const count = Number(fields.get('count'))
  if (!Number.isSafeInteger(width) || width < 64 || width > sidecarHeadBytes) return null
  if (!Number.isSafeInteger(count) || count < 0 || count > 10_000_000) return null
  return { width, count, hashes: fields.get('hashes') ?? '' }
}

/** Bytes of entries `first` … `first + count − 1`, cut to what exists; null when that is nothing. */
export function sidecarRange(header: SidecarHeader, first: number, count: number): ByteRange | null {
  const to = Math.min(first + count, header.count)
  return first >= 0 && first < to ? { from: (first + 1) * header.width, to: (to + 1) * header.width } : null
}

/** The entries of a page; header, cut and malformed lines are left out. */
export function parseSidecarEntries(page: string): SidecarEntry[] {
  const entries: SidecarEntry[] = []
  for (const line of page.split('\n')) {
    const [path, range, sequence, size, root, time, signature] = line.trim().split(/ +/)
    if (path === magic || signature === undefined) continue
    if (!/^(-1|\d{1,15})$/.test(sequence!) || !/^\d{1,15}$/.test(time!)) continue
    if (root !== '-' && !(/^[0-9a-f]{64}$/.test(root!) && /^[1-9]\d{0,14}$/.test(size!))) continue
    const bounds = /^(\d{1,15})-(\d{1,15})$/.exec(range!)
    if (!bounds && range !== '-') continue
    entries.push({
      path: path!,
      range: bounds && { from: Number(bounds[1]), to: Number(bounds[2]) },
      sequence: Number(sequence),
      size: root === '-' ? 0 : Number(size),
      root: root === '-' ? '' : root!,
      timeMs: Number(time),
      signature: signature === '-' ? '' : signature,
    })
  }
  return entries
}

/** The digests of a page, as `parseDigestTags` gives those of a playlist. */
export function parseSidecarPage(page: string, header: SidecarHeader, playlistUrl: string): DigestTable {
  const segments = new Map<number, SegmentDigest>()
  const inits = new Map<string, SegmentDigest | null>()
  for (const { path, range, sequence, size, root } of parseSidecarEntries(page)) {
    const digest = parseDigest(String(size), root, header.hashes, playlistUrl)
    const url = resolve(path, playlistUrl)
    if (!digest || !url) continue
    if (sequence < 0) addInit(inits, url, range, digest)
    else segments.set(sequence, digest)
  }
  return { segments, inits: unambiguous(inits) }
}

/** Line width that holds all `entries`; sizes may be unknown yet. */
export function sidecarWidth(
  entries: readonly Pick<SidecarEntry, 'path' | 'range'>[],
  hashes: string,
): number {
  // sequence, size and time of 15 digits, root of 64, signature of 86, six separators and the line feed
  const fixed = 15 + 15 + 64 + 15 + 86 + 7
  const longest = entries.reduce(
    (most, entry) => Math.max(most, entry.path.length + rangeText(entry).length),
    0,
  )
  const head = `${magic} 1 width=00000 count=00000000 hashes=${hashes}\n`.length
  return Math.ceil(Math.max(fixed + longest, head) / 16) * 16
}

export function formatSidecarHeader(header: SidecarHeader): string {
  return fill(`${magic} 1 width=${header.width} count=${header.count} hashes=${header.hashes}`, header.width)
}

export function formatSidecarEntry(entry: SidecarEntry, width: number): string {
  const digest = entry.root === '' ? '- -' : `${entry.size} ${entry.root}`
  const line = `${entry.path} ${rangeText(entry)} ${entry.sequence} ${digest} ${entry.timeMs} ${entry.signature || '-'}`
  return fill(line, width)
}

/** A segment's URI as a sidecar has it. */
export function sidecarPath(uri: string): string {
  return uri.replace(/[?#].*$/s, '').replace(/[^\x21-\x7e]/gu, encodeURIComponent)
}

function rangeText({ range }: Pick<SidecarEntry, 'range'>): string {
  return range ? `${range.from}-${range.to}` : '-'
}

function fill(line: string, width: number): string {
  if (line.length >= width)
    throw new RangeError(`sidecar line of ${line.length} bytes in a width of ${width}`)
  return `${line.padEnd(width - 1)}\n`
}
