import { hash32 } from '../../peer-core/src/core/hash.ts'
import { blockBytes } from '../../peer-core/src/core/messages.ts'

/** What is broadcast. Rates in bits a second, as encoders state them. */
export interface StreamPlan {
  readonly kind: 'live' | 'vod'
  readonly segmentMs: number
  readonly videoBps: number
  /** Renditions to choose from, lowest first; empty: `videoBps` alone. */
  readonly ladderBps: readonly number[]
  /** A second, small track beside the video; 0: muxed. */
  readonly audioBps: number
  /** Sizes lie within ± this share of the mean. */
  readonly variation: number
  /** fMP4: an init segment before the first fragment of each track. */
  readonly init: boolean
  /** The publisher gives Merkle roots (and so sizes). */
  readonly digests: boolean
  /** Segments that a live playlist lists. */
  readonly windowSegments: number
  /** Length of a recording. */
  readonly vodSegments: number
}

export interface Segment {
  readonly key: string
  readonly track: string
  /** Media sequence number; −1 for an init segment. */
  readonly seq: number
  readonly slot: number
  /** On the stream's own timeline, which is the simulator's clock when live. */
  readonly startMs: number
  readonly durationMs: number
  readonly size: number
  readonly root: string
}

export interface Playlist {
  readonly live: boolean
  readonly init: Segment | null
  readonly segments: readonly Segment[]
  /** Size of its text, digest tags included. */
  readonly bytes: number
}

/** One rendition of the video. */
export interface Rendition {
  readonly track: string
  readonly averageBps: number
  /** Of its largest segment, as BANDWIDTH states it. */
  readonly peakBps: number
}

export interface Stream {
  readonly plan: StreamPlan
  /** The video's, lowest first. */
  readonly renditions: readonly Rendition[]
  /** What a viewer plays at once, video first: there the lowest rendition. */
  readonly tracks: readonly string[]
  playlist(track: string, now: number): Playlist
  /** Throws for a key that no playlist ever listed. */
  segment(key: string): Segment
  isPublished(segment: Segment, now: number): boolean
}

/** A live channel has been running for this many segments when the simulation starts. */
const earlierSegments = 30
const initBytes = 900

export function createStream(seed: number, plan: StreamPlan): Stream {
  const ladder = plan.ladderBps.length > 0 ? plan.ladderBps : [plan.videoBps]
  const renditions = ladder.map(
    (averageBps, i): Rendition => ({
      track: plan.ladderBps.length > 0 ? `video-${i}` : 'video',
      averageBps,
      peakBps: averageBps * (1 + plan.variation),
    }),
  )
  const tracks = [renditions[0]!.track, ...(plan.audioBps > 0 ? ['audio'] : [])]
  const rates = new Map([['audio', plan.audioBps], ...renditions.map(r => [r.track, r.averageBps] as const)])
  const known = new Map<string, Segment>()
  const lists = new Map<string, { newest: number; playlist: Playlist }>()
  const leadMs = plan.kind === 'live' ? earlierSegments * plan.segmentMs : 0

  const make = (track: string, seq: number): Segment => {
    const key = seq < 0 ? `${track}/init` : `${track}/${seq}`
    const made = known.get(key)
    if (made !== undefined) return made
    const rate = rates.get(track)!
    const mean = (rate / 8) * (plan.segmentMs / 1000)
    const luck = hash32(key, seed) / 2 ** 32
    const segment: Segment = {
      key,
      track,
      seq,
      slot: Math.max(seq, 0),
      startMs: Math.max(seq, 0) * plan.segmentMs - leadMs,
      durationMs: seq < 0 ? 0 : plan.segmentMs,
      size: seq < 0 ? initBytes : Math.round(mean * (1 + plan.variation * (2 * luck - 1))),
      root: plan.digests ? rootOf(key) : '',
    }
    known.set(key, segment)
    return segment
  }

  const newestAt = (now: number): number =>
    plan.kind === 'vod' ? plan.vodSegments - 1 : Math.floor((now + leadMs) / plan.segmentMs) - 1

  return {
    plan,
    renditions,
    tracks,
    playlist(track, now) {
      const newest = newestAt(now)
      const cached = lists.get(track)
      if (cached?.newest === newest) return cached.playlist
      const oldest = plan.kind === 'vod' ? 0 : Math.max(0, newest - plan.windowSegments + 1)
      const segments: Segment[] = []
      for (let seq = oldest; seq <= newest; seq++) segments.push(make(track, seq))
      const playlist: Playlist = {
        live: plan.kind === 'live',
        init: plan.init ? make(track, -1) : null,
        segments,
        bytes: playlistBytes(segments.length, plan.digests),
      }
      lists.set(track, { newest, playlist })
      return playlist
    },
    segment(key) {
      const segment = known.get(key)
      if (segment === undefined) throw new Error(`nobody ever published ${key}`)
      return segment
    },
    isPublished: (segment, now) => segment.seq <= newestAt(now),
  }
}

/** Gzipped, as our edge sends them: 616 bytes measured for eight segments with digests, 1,308 before. */
function playlistBytes(segments: number, digests: boolean): number {
  return 150 + segments * (digests ? 58 : 12)
}

/** Bytes of a segment's block-hash list: 32 a block. */
export function hashListBytes(segment: Segment): number {
  return 32 * blockCount(segment)
}

export function blockCount(segment: Segment): number {
  return Math.ceil(segment.size / blockBytes)
}

function rootOf(key: string): string {
  let text = ''
  for (let i = 0; i < 8; i++)
    text += hash32(key, 0x100 + i)
      .toString(16)
      .padStart(8, '0')
  return text
}
