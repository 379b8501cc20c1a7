import type { MapRef, MediaPlaylist } from '@nearcast/peer-core'
import type { ListedFragment, ListedPlaylist } from '../hls/playlist-window.ts'
import type { Placed } from './timeline.ts'

/** A playlist as the plugin's own directory takes it, so that every segment gets the name that browsers give it. */
export function listedPlaylist(
  playlist: MediaPlaylist,
  m3u8: string,
  url: string,
  placed: Placed,
): ListedPlaylist {
  const inits = new Map<MapRef, ListedFragment>()
  let next = 0
  const fragments = playlist.segments.map((segment, index): ListedFragment => {
    // An EXT-X-MAP holds for what follows it, until the next (RFC 8216 §4.3.2.5).
    while ((playlist.maps[next]?.line ?? Infinity) < segment.infLine) next++
    const map = playlist.maps[next - 1]
    const start = placed.startsMs[index]! / 1000
    const init = map && (inits.get(map) ?? initFragment(map, segment.discontinuity, url))
    if (map && init) inits.set(map, init)
    return {
      sn: segment.sequence,
      cc: segment.discontinuity,
      start,
      duration: segment.durationMs / 1000,
      gap: segment.gap,
      url: resolve(segment.uri, url),
      byteRange: segment.range ? [segment.range.from, segment.range.to] : [],
      initSegment: init ?? null,
    }
  })
  return { url, live: playlist.live, m3u8, fragments }
}

function initFragment({ uri, range }: MapRef, cc: number, base: string): ListedFragment {
  return {
    sn: 'initSegment',
    cc,
    start: 0,
    duration: 0,
    url: resolve(uri, base),
    byteRange: range ? [range.from, range.to] : [],
    initSegment: null,
  }
}

function resolve(reference: string, base: string): string | null {
  return URL.canParse(reference, base) ? new URL(reference, base).href : null
}
