import {
  type DigestTable,
  digestOfInit,
  type IdentityRules,
  type SegmentDigest,
  type SegmentKey,
  type SegmentSource,
  segmentKey,
  type TrackPath,
  trackPath,
} from '@nearcast/peer-core'

/** What is read of a playlist's segment: an hls.js fragment has it, and so has a playlist read without a player. */
export interface ListedFragment {
  readonly sn: number | 'initSegment'
  readonly cc: number
  /** Seconds on this viewer's timeline. */
  readonly start: number
  readonly duration: number
  readonly gap?: boolean | undefined
  /** Absolute, as the playlist resolves it. */
  readonly url: string | null
  readonly byteRange: readonly number[]
  readonly initSegment: ListedFragment | null
}

export interface ListedPlaylist {
  readonly url: string
  readonly live: boolean
  readonly m3u8: string
  /** Null where a delta playlist left segments out that were never known. */
  readonly fragments: readonly (ListedFragment | null)[]
}

export interface PlaylistWindow {
  readonly track: TrackPath
  readonly live: boolean
  /** Init segments first, then media in order. */
  readonly sources: readonly SegmentSource[]
}

type Range = { readonly from: number; readonly to: number } | null

/**
 * The segments that a playlist lists now, as the swarm names them. Gaps and segments without a real URL are left out.
 *
 * @param before the same playlist's sources at the last update: a key is made once (a window of four hours would
 *   otherwise parse thousands of URLs every two seconds)
 */
export function playlistWindow(
  details: ListedPlaylist,
  digests: DigestTable,
  rules: IdentityRules,
  before: readonly SegmentSource[] = [],
): PlaylistWindow {
  const track = trackPath(details.url, rules)
  const earlier = new Map(before.map(source => [source.seq, source]))
  const inits = new Map<SegmentKey, SegmentSource>()
  const media: SegmentSource[] = []
  for (const fragment of details.fragments) {
    if (!fragment || fragment.gap || typeof fragment.sn !== 'number') continue
    const init = fragment.initSegment
    const initSource =
      init && segmentSource(init, rangeOf(init), track, digestFor(init, digests), rules, fragment)
    if (initSource && !inits.has(initSource.key)) inits.set(initSource.key, initSource)
    const digest = digests.segments.get(fragment.sn)
    const source = segmentSource(
      fragment,
      rangeOf(fragment),
      track,
      digest,
      rules,
      fragment,
      earlier.get(fragment.sn),
    )
    if (source) media.push(source)
  }
  return { track, live: details.live, sources: [...inits.values(), ...media] }
}

/**
 * @param range as the loader was told: an encrypted init segment's is wider than the playlist's (RFC 8216bis §6.3.6)
 * @param beside the media segment whose moment an init segment belongs to
 */
export function segmentSource(
  fragment: ListedFragment,
  range: Range,
  track: TrackPath,
  digest: SegmentDigest | undefined,
  rules: IdentityRules,
  beside: ListedFragment = fragment,
  earlier?: SegmentSource,
): SegmentSource | null {
  const url = fragment.url ?? ''
  const same = earlier?.url === url && earlier.range?.from === range?.from && earlier.range?.to === range?.to
  if (!/^https?:/.test(url)) return null
  const init = fragment.sn === 'initSegment'
  const seq = fragment.sn === 'initSegment' ? -1 : fragment.sn
  return {
    key: same
      ? earlier.key
      : segmentKey({ track, url, range, seq: init ? 'init' : seq, discontinuity: fragment.cc }, rules),
    seq,
    slot: typeof beside.sn === 'number' ? beside.sn : 0,
    startMs: beside.start * 1000,
    durationMs: init ? 0 : fragment.duration * 1000,
    size: digest?.size ?? (range ? range.to - range.from : 0),
    root: digest?.root ?? '',
    url,
    range,
    hashesUrl: digest?.hashesUrl ?? '',
  }
}

export function rangeOf({ byteRange: [from, to] }: ListedFragment): Range {
  return from !== undefined && to !== undefined && to > from ? { from, to } : null
}

function digestFor(init: ListedFragment, digests: DigestTable): SegmentDigest | undefined {
  return init.url ? digestOfInit(digests, init.url, rangeOf(init)) : undefined
}
