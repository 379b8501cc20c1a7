import type { Track } from './segments.ts'

/** One line block of a media playlist. */
export interface Entry {
  readonly uri: string
  readonly seconds: number
  /** Place in the resource, when several segments share one. */
  readonly range?: { readonly from: number; readonly bytes: number }
  readonly discontinuity?: boolean
}

export interface MediaPlaylist {
  readonly entries: readonly Entry[]
  readonly init?: { readonly uri: string; readonly range?: { readonly from: number; readonly bytes: number } }
  /** URI of an AES-128 key; the IV is the media sequence number (RFC 8216 §5.2). */
  readonly key?: string
}

/** RFC 8216 §4.3.3: a VoD media playlist. */
export function mediaPlaylist({ entries, init, key }: MediaPlaylist): string {
  const byteRange = (range: { from: number; bytes: number }) => `${range.bytes}@${range.from}`
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${init ? 7 : entries.some(entry => entry.range) ? 4 : 3}`,
    `#EXT-X-TARGETDURATION:${Math.max(...entries.map(entry => Math.round(entry.seconds)))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ]
  if (key) lines.push(`#EXT-X-KEY:METHOD=AES-128,URI="${key}"`)
  if (init)
    lines.push(`#EXT-X-MAP:URI="${init.uri}"${init.range ? `,BYTERANGE="${byteRange(init.range)}"` : ''}`)
  for (const entry of entries) {
    if (entry.discontinuity) lines.push('#EXT-X-DISCONTINUITY')
    lines.push(`#EXTINF:${entry.seconds.toFixed(6)},`)
    if (entry.range) lines.push(`#EXT-X-BYTERANGE:${byteRange(entry.range)}`)
    lines.push(entry.uri)
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`
}

export interface Variant {
  readonly uri: string
  readonly tracks: readonly Track[]
  readonly width: number
  readonly height: number
  /** Whether the sound is a rendition of its own. */
  readonly demuxed: boolean
}

/** RFC 8216 §4.3.4: the master playlist. Bandwidths are the real peaks and means of the segments. */
export function masterPlaylist(variants: readonly Variant[], audio: string | null): string {
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${audio ? 7 : 4}`, '#EXT-X-INDEPENDENT-SEGMENTS']
  if (audio) {
    lines.push(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="1",URI="${audio}"`,
    )
  }
  for (const { uri, tracks, width, height, demuxed } of variants) {
    const peak = tracks.reduce(
      (sum, track) => sum + Math.max(...track.segments.map(s => (s.bytes * 8) / s.seconds)),
      0,
    )
    const mean = tracks.reduce((sum, track) => sum + meanBps(track), 0)
    lines.push(
      `#EXT-X-STREAM-INF:BANDWIDTH=${Math.ceil(peak)},AVERAGE-BANDWIDTH=${Math.ceil(mean)},` +
        `CODECS="avc1.4D4015,mp4a.40.2",RESOLUTION=${width}x${height},FRAME-RATE=25.000${demuxed ? ',AUDIO="sound"' : ''}`,
      uri,
    )
  }
  return `${lines.join('\n')}\n`
}

function meanBps(track: Track): number {
  const bytes = track.segments.reduce((sum, segment) => sum + segment.bytes, 0)
  return (bytes * 8) / track.segments.reduce((sum, segment) => sum + segment.seconds, 0)
}
