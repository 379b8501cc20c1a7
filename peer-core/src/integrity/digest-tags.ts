import { parseAttributes } from './attribute-list.ts'
import {
  addInit,
  type DigestTable,
  noDigests,
  parseDigest,
  resolve,
  type SegmentDigest,
  unambiguous,
} from './digest-table.ts'
import { scanPlaylist } from './playlist-scan.ts'

/**
 * Digests inside a media playlist, in tags that every player ignores (RFC 8216 §6.3.1), so that a segment and its
 * digest appear in one atomic step and cost no request:
 *
 *     #EXT-X-NEARCAST:VERSION=1,HASHES="/nearcast/hashes/{root}"      once; the template resolves against the playlist
 *     #EXT-X-NEARCAST-MAP:SIZE=1034,ROOT=<64 hex>                     on the line before or after its EXT-X-MAP
 *     #EXT-X-NEARCAST-SEGMENT:SIZE=385024,ROOT=<64 hex>               among the tags of its segment
 *
 * Sizes and roots of BYTERANGE segments are those of the range. Attributes not named here are ignored: a signature
 * will be one of them.
 */
export const headTag = '#EXT-X-NEARCAST:'
export const segmentTag = '#EXT-X-NEARCAST-SEGMENT:'
export const mapTag = '#EXT-X-NEARCAST-MAP:'

/** Reads the digests of a media playlist. Anything else, and a version other than 1, has none. Never throws. */
export function parseDigestTags(text: string, playlistUrl: string): DigestTable {
  if (!text.includes(headTag)) return noDigests
  const playlist = scanPlaylist(text)
  const head = playlist?.lines.find(line => line.startsWith(headTag))
  if (!playlist || !head) return noDigests
  const attributes = parseAttributes(head.slice(headTag.length))
  if (attributes.get('VERSION') !== '1') return noDigests
  const template = attributes.get('HASHES') ?? ''

  const read = (line: string | undefined, tag: string): SegmentDigest | null => {
    if (!line?.startsWith(tag)) return null
    const fields = parseAttributes(line.slice(tag.length))
    return parseDigest(fields.get('SIZE') ?? '', fields.get('ROOT') ?? '', template, playlistUrl)
  }

  const segments = new Map<number, SegmentDigest>()
  let from = 0
  for (const { sequence, uriLine } of playlist.segments) {
    for (let line = uriLine - 1; line >= from; line--) {
      const digest = read(playlist.lines[line], segmentTag)
      if (!digest) continue
      segments.set(sequence, digest)
      break
    }
    from = uriLine + 1
  }
  const inits = new Map<string, SegmentDigest | null>()
  for (const { uri, range, line } of playlist.maps) {
    const url = resolve(uri, playlistUrl)
    const digest = read(playlist.lines[line - 1], mapTag) ?? read(playlist.lines[line + 1], mapTag)
    if (url && digest) addInit(inits, url, range, digest)
  }
  return { segments, inits: unambiguous(inits) }
}
