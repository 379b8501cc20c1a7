import type { SwarmSnapshot } from '@nearcast/peer-core'
import type { HeadlessRole } from './headless-options.ts'

/** How it went so far; plain JSON. */
export interface HeadlessReport {
  readonly role: HeadlessRole
  readonly contentId: string
  readonly infoHash: string
  readonly peerId: string
  readonly live: boolean
  /** Since the swarm was joined. */
  readonly seconds: number
  /** Segments taken, init segments included for seeds. */
  readonly segments: number
  readonly bytes: SwarmSnapshot['bytes'] & {
    /** Playlists and digests beside them. */
    readonly playlists: number
  }
  /** Of the media that came: the part that came from peers; 0 when none came. */
  readonly p2pShare: number
  readonly peers: number
  readonly tracker: SwarmSnapshot['mesh']['tracker']
  readonly trackerError: string | null
  readonly group: SwarmSnapshot['mesh']['group']
  readonly verification: SwarmSnapshot['verification']
  readonly cache: {
    readonly dir: string | null
    readonly segments: number
    readonly bytes: number
    readonly limit: number
  }
  readonly playback: PlaybackReport | null
  readonly seed: SeedReport | null
  readonly problems: number
}

/** Null for seeds. */
export interface PlaybackReport {
  readonly state: 'starting' | 'playing' | 'stalled' | 'ended'
  readonly positionMs: number
  readonly bufferMs: number
  readonly startupMs: number
  readonly stalls: number
  readonly stalledMs: number
  /** Behind the end of the live playlist; 0 for recordings. */
  readonly latencyMs: number
  /** Segments that could not be had and were left out. */
  readonly lost: number
  /** Times the live window moved past the playhead. */
  readonly resyncs: number
}

/** Null for viewers. */
export interface SeedReport {
  /** Of the segments that the playlists list now. */
  readonly cached: number
  readonly listed: number
  readonly done: 'complete' | 'full' | null
}

export function p2pShare({ edge, group, outside }: SwarmSnapshot['bytes']): number {
  const all = edge + group + outside
  return all === 0 ? 0 : (group + outside) / all
}
