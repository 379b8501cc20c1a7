import type { FailReason, Origin, Policy as SitePolicy, Urgency } from '../../peer-core/src/core/events.ts'
import type { Books } from './books.ts'
import type { EdgeClient } from './edge.ts'
import type { Matching } from './matching.ts'
import type { Link } from './network.ts'
import type { PlayerPlan } from './player.ts'
import type { Station } from './station.ts'
import type { Playlist, Segment, Stream, StreamPlan } from './stream.ts'

/** How viewers get segments: plain HTTP, Nearcast's real core, or a rival's rules. All live in the same world. */
export interface Policy {
  readonly name: string
  /** Whether viewers meet each other at all. */
  readonly peers: boolean
  /** Whom its tracker names; nearest first unless said. */
  readonly matching?: Matching
  /** What its integration sets in the player, as rivals raise live latency; nothing unless said. */
  playerPlan?(stream: StreamPlan): Partial<PlayerPlan>
  createAgent(surroundings: Surroundings): Agent
}

/** What one viewer's software can touch. */
export interface Surroundings {
  readonly station: Station
  readonly edge: EdgeClient
  readonly stream: Stream
  readonly books: Books
  /** Never dial this peer again. */
  ban(peer: string): void
  /** Child links that this viewer's uplink can feed, for the tracker. */
  measured(childLinks: number): void
}

export interface Want {
  readonly segment: Segment
  /** World time at which the player needs the last byte. */
  readonly deadline: number
  readonly urgency: Urgency
  /** So many bytes of it are here; only where the player looks at progress does it matter. */
  onProgress(loadedBytes: number): void
  onDelivered(how: Delivery): void
  onFailed(reason: FailReason): void
}

export interface Delivery {
  readonly origin: Origin
  readonly edgeBytes: number
  readonly peerBytes: number
  /** Rate at which the edge fed whoever fetched it, bytes a second, 0 unknown: for players that are told as our plugin tells them. */
  readonly edgeBps?: number
}

export interface PlayerPosition {
  /** World time line of the stream, ms. */
  readonly streamMs: number
  readonly bufferMs: number
  readonly paused: boolean
  readonly goalMs: number
  /** Tracks being played, video first. */
  readonly tracks: readonly string[]
}

export interface Agent {
  setPlaylist(track: string, playlist: Playlist): void
  setPosition(position: PlayerPosition): void
  want(want: Want): { cancel(): void }
  linkOpened(link: Link, mode: 'share' | 'leech'): void
  setPolicy(policy: Partial<SitePolicy>): void
  /** Makes no connection yet, and is to be asked again after so long, ms; 0: now. */
  restsMs?(): number
  /** Waiting is not shown to the player as transfer, and deliveries are told by `edgeBps` (FINDINGS §4): our plugin. */
  readonly tellsAsPlugin?: true
  /** The highest rendition that may be chosen, by its index; −1: any. */
  levelCap?(bitrates: readonly number[]): number
  /** The page is gone: nothing of it may act any more. */
  close(): void
}
