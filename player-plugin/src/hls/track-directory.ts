import {
  type DigestTable,
  type IdentityRules,
  noDigests,
  parseDigestTags,
  type SegmentDigest,
  type SegmentKey,
  type SegmentSource,
  segmentKey,
  type TrackPath,
  trackPath,
} from '@nearcast/peer-core'
import type { LoaderContextLike } from './hls-like.ts'
import {
  type ListedFragment,
  type ListedPlaylist,
  type PlaylistWindow,
  playlistWindow,
  rangeOf,
  segmentSource,
} from './playlist-window.ts'

interface Track {
  details: ListedPlaylist
  digests: DigestTable
  window: PlaylistWindow
  /** Keys of `window`, and what loaders asked for beside it. */
  readonly known: Map<SegmentKey, SegmentSource>
  /** Start of the first segment when the window was last given on, ms. */
  startMs: number
}

export type Located =
  | {
      readonly type: 'found'
      readonly track: TrackPath
      readonly source: SegmentSource
      readonly added: boolean
    }
  | { readonly type: 'unknown-playlist' }
  | { readonly type: 'unshareable' }

/** A shift of the timeline smaller than this is not worth telling the swarm again, ms. */
const driftMs = 250

/** The playlists that a player follows, each as the swarm names its segments. No I/O, no player. */
export class TrackDirectory {
  readonly #rules: IdentityRules
  readonly #tracks = new Map<TrackPath, Track>()

  constructor(rules: IdentityRules) {
    this.#rules = rules
  }

  /**
   * Takes a playlist as the player has it after an update. Digests seen before stay: a delta update
   * (RFC 8216bis §6.2.5.1) leaves out the tags of the segments it skips.
   */
  update(details: ListedPlaylist): PlaylistWindow {
    const path = trackPath(details.url, this.#rules)
    const before = this.#tracks.get(path)
    const digests = merge(before?.digests ?? noDigests, parseDigestTags(details.m3u8 ?? '', details.url))
    return this.#set(path, details, digests)
  }

  /** Adds digests that came from beside the playlist; null when the track is not followed any more. */
  addDigests(path: TrackPath, digests: DigestTable): PlaylistWindow | null {
    const track = this.#tracks.get(path)
    return track ? this.#set(path, track.details, merge(track.digests, digests)) : null
  }

  /** The window again when the player's timeline moved under it (first timestamps of a live stream), else null. */
  realign(details: ListedPlaylist): PlaylistWindow | null {
    const path = trackPath(details.url, this.#rules)
    const track = this.#tracks.get(path)
    const start = details.fragments.find(fragment => fragment !== null)?.start
    if (!track || start === undefined || Math.abs(start * 1000 - track.startMs) < driftMs) return null
    return this.#set(path, details, track.digests)
  }

  /** Which segment a loader is asked for. `added`: known from now on, give the window on again. */
  locate(context: LoaderContextLike): Located {
    const { frag, rangeStart = 0, rangeEnd = 0 } = context
    const path = trackPath(frag.baseurl, this.#rules)
    const track = this.#tracks.get(path)
    if (!track) return { type: 'unknown-playlist' }
    const range = rangeEnd > 0 ? { from: rangeStart, to: rangeEnd } : null
    const url = frag.url ?? ''
    const seq = frag.sn === 'initSegment' ? 'init' : frag.sn
    const key = segmentKey({ track: path, url, range, seq, discontinuity: frag.cc }, this.#rules)
    const known = track.known.get(key)
    if (known) return { type: 'found', track: path, source: known, added: false }
    // Encrypted init segments are asked for with a wider range than the playlist has; and a segment may be asked
    // for just after it left the window.
    const source = segmentSource(frag, range, path, this.#digestOf(track, frag, range), this.#rules)
    if (!source) return { type: 'unshareable' }
    track.known.set(key, source)
    return { type: 'found', track: path, source, added: true }
  }

  /** What a track's window is now, with what was asked for beside it. */
  window(path: TrackPath): PlaylistWindow | null {
    const track = this.#tracks.get(path)
    if (!track) return null
    const listed = new Set(track.window.sources.map(({ key }) => key))
    const extra = [...track.known.values()].filter(({ key }) => !listed.has(key))
    return { ...track.window, sources: [...extra, ...track.window.sources] }
  }

  paths(): readonly TrackPath[] {
    return [...this.#tracks.keys()]
  }

  /** The newest details of the same playlist, if it is followed. */
  follows(details: ListedPlaylist): ListedPlaylist | undefined {
    return this.#tracks.get(trackPath(details.url, this.#rules))?.details
  }

  hasDigests(path: TrackPath): boolean {
    return (this.#tracks.get(path)?.digests.segments.size ?? 0) > 0
  }

  clear(): void {
    this.#tracks.clear()
  }

  #set(path: TrackPath, details: ListedPlaylist, digests: DigestTable): PlaylistWindow {
    const window = playlistWindow(details, digests, this.#rules, this.#tracks.get(path)?.window.sources)
    const media = window.sources.filter(({ seq }) => seq >= 0)
    const first = media[0]
    const kept = new Map([...digests.segments].filter(([seq]) => !first || seq >= first.seq))
    this.#tracks.set(path, {
      details,
      digests: { segments: kept, inits: digests.inits },
      window,
      known: new Map(window.sources.map(source => [source.key, source])),
      startMs: first?.startMs ?? 0,
    })
    return window
  }

  /** A digest describes the listed range and no other. */
  #digestOf(
    track: Track,
    frag: ListedFragment,
    range: { from: number; to: number } | null,
  ): SegmentDigest | undefined {
    if (typeof frag.sn !== 'number') return undefined
    const listed = rangeOf(frag)
    const same = listed?.from === range?.from && listed?.to === range?.to
    return same ? track.digests.segments.get(frag.sn) : undefined
  }
}

function merge(older: DigestTable, newer: DigestTable): DigestTable {
  if (newer.segments.size === 0 && newer.inits.size === 0) return older
  return {
    segments: new Map([...older.segments, ...newer.segments]),
    inits: new Map([...older.inits, ...newer.inits]),
  }
}
