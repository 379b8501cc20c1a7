import { type ByteRange, parseAttributes, scanPlaylist } from '@nearcast/peer-core'

/** One segment of a recorded track, ready to be listed again and again. */
export interface RecordedSegment {
  readonly uri: string
  readonly range: ByteRange | null
  /** From the start of the recording to the start of the segment, ms. */
  readonly startMs: number
  readonly durationMs: number
  /** EXTINF as written, title included. */
  readonly inf: string
  /** Discontinuities of the recording up to and including the one before this segment. */
  readonly discontinuities: number
  /** EXT-X-KEY and EXT-X-MAP in force, whole lines; null without. */
  readonly key: string | null
  readonly map: string | null
}

export interface RecordedTrack {
  readonly segments: readonly RecordedSegment[]
  readonly totalMs: number
  readonly discontinuities: number
  readonly targetDurationS: number
  /** VERSION, INDEPENDENT-SEGMENTS and the like: what a live playlist of the same segments says as well. */
  readonly head: readonly string[]
  /** URIs of init segments and keys. */
  readonly extras: readonly string[]
}

const keptHead = /^#EXT-X-(VERSION|INDEPENDENT-SEGMENTS|DEFINE)\b/

/** null unless `text` is a media playlist with segments. */
export function readRecording(text: string): RecordedTrack | null {
  const playlist = scanPlaylist(text)
  const first = playlist?.segments[0]
  if (!playlist || !first) return null
  const segments: RecordedSegment[] = []
  const extras = new Set<string>()
  let key: string | null = null
  let map: string | null = null
  let line = 0
  for (const segment of playlist.segments) {
    for (; line < segment.uriLine; line++) {
      const tag = playlist.lines[line]!.trim()
      const value = tag.slice(tag.indexOf(':') + 1)
      if (tag.startsWith('#EXT-X-MAP:')) map = tag
      else if (tag.startsWith('#EXT-X-KEY:')) {
        key = parseAttributes(value).get('METHOD') === 'NONE' ? null : tag
      } else continue
      const uri = parseAttributes(value).get('URI')
      if (uri) extras.add(uri)
    }
    const { uri, range, startMs, durationMs, discontinuity, sequence } = segment
    segments.push({
      uri,
      range,
      startMs,
      durationMs,
      inf: playlist.lines[segment.infLine]!.trim(),
      discontinuities: discontinuity - first.discontinuity,
      key: key && withIv(key, sequence),
      map,
    })
  }
  const last = segments.at(-1)!
  return {
    segments,
    totalMs: last.startMs + last.durationMs,
    discontinuities: last.discontinuities,
    targetDurationS: Math.max(
      Math.ceil(playlist.targetDurationMs / 1000),
      ...segments.map(segment => Math.round(segment.durationMs / 1000)),
    ),
    head: playlist.lines.slice(0, first.infLine).filter(each => keptHead.test(each)),
    extras: [...extras],
  }
}

/**
 * Without an IV attribute, AES-128 takes the media sequence number (RFC 8216 §5.2). The live one is another, so the
 * recorded one is written out.
 */
function withIv(key: string, sequence: number): string {
  const attributes = parseAttributes(key.slice('#EXT-X-KEY:'.length))
  if (attributes.has('IV') || attributes.get('METHOD') !== 'AES-128') return key
  return `${key},IV=0x${sequence.toString(16).padStart(32, '0')}`
}
