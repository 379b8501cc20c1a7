import type { SegmentKey, TrackPath } from '../core/events.ts'
import { stripTokens } from './token-params.ts'

/**
 * Replaces a URL that carries tokens in its path by what all viewers have in common, usually the same URL with
 * that part cut out. Called for playlists and segments alike; must be pure.
 */
export type IdentityHook = (url: string, what: 'playlist' | 'segment') => string

export interface IdentityRules {
  /** Query parameters to drop beside the known ones. */
  readonly tokenParams?: readonly string[]
  readonly segmentKey?: IdentityHook
}

export interface SegmentPlace {
  readonly track: TrackPath
  /** Absolute URL as the playlist resolves it. */
  readonly url: string
  /** Bytes `[from, to)` of the resource, or null for the whole of it. */
  readonly range: { readonly from: number; readonly to: number } | null
  /** Media sequence number, or `init` for an initialisation segment. */
  readonly seq: number | 'init'
  /** Discontinuity sequence number. */
  readonly discontinuity: number
}

/** Names a track for all viewers: path and query of its playlist, without host, fragment and tokens. */
export function trackPath(playlistUrl: string, rules: IdentityRules = {}): TrackPath {
  return identity(playlistUrl, 'playlist', rules)
}

/**
 * One string a segment, equal for all viewers and for nothing else. Host and tokens are left out, so several CDNs
 * and signed URLs share one swarm. An init segment is named by path and range alone: renditions may share it, and
 * it has no sequence number.
 */
export function segmentKey(place: SegmentPlace, rules: IdentityRules = {}): SegmentKey {
  const path = identity(place.url, 'segment', rules)
  const range = place.range ? `${place.range.from}-${place.range.to}` : '-'
  return place.seq === 'init'
    ? `init ${path} ${range}`
    : `media ${place.track} ${path} ${range} ${place.seq} ${place.discontinuity}`
}

/** Never contains a space, so fields joined by spaces cannot run into each other. */
function identity(url: string, what: 'playlist' | 'segment', rules: IdentityRules): string {
  const hooked = rules.segmentKey ? rules.segmentKey(url, what) : url
  const parsed = parse(hooked)
  if (!parsed) return hooked.replaceAll('%', '%25').replaceAll(' ', '%20')
  return `${parsed.pathname}${stripTokens(parsed.search, rules.tokenParams)}`.replaceAll(' ', '%20')
}

function parse(url: string): URL | null {
  try {
    return new URL(url)
  } catch {
    return null
  }
}
