import { parseAttributes } from './attribute-list.ts'

/** Bytes `[from, to)` of a resource. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** One media segment as a playlist lists it. */
export interface SegmentRef {
  readonly sequence: number
  /** Discontinuity sequence number (RFC 8216 §6.2.1). */
  readonly discontinuity: number
  /** As written, not resolved. */
  readonly uri: string
  readonly range: ByteRange | null
  /** From the first segment listed, ms. */
  readonly startMs: number
  readonly durationMs: number
  /** Listed, but absent: nothing may be fetched (EXT-X-GAP). */
  readonly gap: boolean
  /** Index into `lines` of its EXTINF and of its URI. */
  readonly infLine: number
  readonly uriLine: number
}

/** One EXT-X-MAP: an init segment. */
export interface MapRef {
  readonly uri: string
  readonly range: ByteRange | null
  readonly line: number
}

export interface MediaPlaylist {
  readonly lines: readonly string[]
  readonly segments: readonly SegmentRef[]
  readonly maps: readonly MapRef[]
  readonly targetDurationMs: number
  /** No EXT-X-ENDLIST: more segments may come. */
  readonly live: boolean
}

/**
 * What our digests need of a media playlist, with the line each thing stands on; null for anything else, such as a
 * multivariant playlist. Tags are read as RFC 8216 §4.3 has them; a player's finer points are left to players.
 */
export function scanPlaylist(text: string): MediaPlaylist | null {
  const lines = text.split(/\r\n|\n|\r/)
  if (!/^\uFEFF?#EXTM3U/.test(lines[0] ?? '')) return null
  const segments: SegmentRef[] = []
  const maps: MapRef[] = []
  let sequence = 0
  let discontinuity = 0
  let startMs = 0
  let targetDurationMs = 0
  let ended = false
  let inf: { durationMs: number; line: number } | null = null
  let byteRange: { length: number; offset: number | null } | null = null
  let gap = false
  let last: { uri: string; to: number } | null = null

  for (const [line, raw] of lines.entries()) {
    const content = raw.trim()
    if (content === '') continue
    if (!content.startsWith('#')) {
      if (!inf) continue
      const from: number = byteRange?.offset ?? (last?.uri === content ? last.to : 0)
      const range: ByteRange | null = byteRange ? { from, to: from + byteRange.length } : null
      segments.push({
        sequence,
        discontinuity,
        uri: content,
        range,
        startMs,
        durationMs: inf.durationMs,
        gap,
        infLine: inf.line,
        uriLine: line,
      })
      last = range && { uri: content, to: range.to }
      startMs += inf.durationMs
      sequence++
      inf = null
      byteRange = null
      gap = false
      continue
    }
    const colon = content.indexOf(':')
    const tag = colon < 0 ? content : content.slice(0, colon)
    const value = colon < 0 ? '' : content.slice(colon + 1)
    switch (tag) {
      case '#EXT-X-STREAM-INF':
      case '#EXT-X-MEDIA':
        return null
      case '#EXTINF':
        inf = { durationMs: (Number.parseFloat(value) || 0) * 1000, line }
        break
      case '#EXT-X-MEDIA-SEQUENCE':
        sequence = number(value)
        break
      case '#EXT-X-SKIP':
        // A delta update (HLS 2nd edition §4.4.5.2) leaves out this many older segments.
        sequence += number(parseAttributes(value).get('SKIPPED-SEGMENTS') ?? '')
        break
      case '#EXT-X-DISCONTINUITY-SEQUENCE':
        discontinuity = number(value)
        break
      case '#EXT-X-DISCONTINUITY':
        discontinuity++
        break
      case '#EXT-X-TARGETDURATION':
        targetDurationMs = number(value) * 1000
        break
      case '#EXT-X-BYTERANGE':
        byteRange = parseByteRange(value)
        break
      case '#EXT-X-GAP':
        gap = true
        break
      case '#EXT-X-MAP': {
        const attributes = parseAttributes(value)
        const written = parseByteRange(attributes.get('BYTERANGE') ?? '')
        const from = written?.offset ?? 0
        maps.push({
          uri: attributes.get('URI') ?? '',
          range: written && { from, to: from + written.length },
          line,
        })
        break
      }
      case '#EXT-X-ENDLIST':
        ended = true
    }
  }
  return { lines, segments, maps, targetDurationMs, live: !ended }
}

/** `<length>[@<offset>]`. */
function parseByteRange(text: string): { length: number; offset: number | null } | null {
  const match = /^\s*(\d+)(?:@(\d+))?\s*$/.exec(text)
  if (!match) return null
  return { length: Number(match[1]), offset: match[2] === undefined ? null : Number(match[2]) }
}

function number(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isSafeInteger(value) && value >= 0 ? value : 0
}
