import type { EdgeFetchSnapshot, EdgeReason, SwarmSnapshot } from '@nearcast/peer-core'
import { type PlainLoads, type PlainReason, plainSentence } from './plain.ts'
import type { NearcastState } from './state.ts'

export interface EdgeAccount {
  readonly fetches: number
  readonly bytes: number
}

/** All that `nearcast.snapshot()` shows: a copy, not a view. */
export interface NearcastSnapshot {
  readonly state: NearcastState
  readonly contentId: string
  /** Null while playback is plain. */
  readonly swarm: SwarmSnapshot | null
  /** Media handed to the player, bytes: through the swarm and by its own loader together. */
  readonly watchedBytes: number
  /**
   * Copies as this viewer sees them: media that came from outside the group (edge, own loader and outside peers)
   * ÷ what was watched. 1 without peers; 0 when the group gave everything; 0 before anything was watched.
   */
  readonly copies: number
  /** Media from peers ÷ all media that came, 0 to 1. */
  readonly p2pShare: number
  /** Why the swarm asked the edge, with fetches and bytes; since this content began. */
  readonly edge: Readonly<Partial<Record<EdgeReason, EdgeAccount>>>
  /** What the player's own loader did, by reason, with one sentence each. */
  readonly plain: Readonly<Partial<Record<PlainReason, PlainLoads & { readonly why: string }>>>
  /** Kinds of media of this stream that are not shared. */
  readonly notShared: readonly string[]
}

/** Counts what the swarm's own snapshot does not: the player's own loads, and every edge fetch by its reason. */
export interface Accounts {
  countPlain(reason: PlainReason, bytes: number): void
  countEdge(fetch: EdgeFetchSnapshot): void
  reset(): void
  snapshot(state: NearcastState, contentId: string, swarm: SwarmSnapshot | null): NearcastSnapshot
}

export function createAccounts(): Accounts {
  const plain = new Map<PlainReason, PlainLoads>()
  const edge = new Map<EdgeReason, EdgeAccount>()
  return {
    countPlain(reason, bytes) {
      const before = plain.get(reason) ?? { fragments: 0, bytes: 0 }
      plain.set(reason, { fragments: before.fragments + 1, bytes: before.bytes + bytes })
    },
    countEdge({ reason, bytes, state }) {
      if (state === 'open') return
      const before = edge.get(reason) ?? { fetches: 0, bytes: 0 }
      edge.set(reason, { fetches: before.fetches + 1, bytes: before.bytes + bytes })
    },
    reset() {
      plain.clear()
      edge.clear()
    },
    snapshot(state, contentId, swarm) {
      let plainBytes = 0
      for (const { bytes } of plain.values()) plainBytes += bytes
      const { edge: edgeBytes = 0, group = 0, outside = 0, delivered = 0 } = swarm?.bytes ?? {}
      const watched = delivered + plainBytes
      const came = edgeBytes + group + outside + plainBytes
      return {
        state,
        contentId,
        swarm,
        watchedBytes: watched,
        copies: watched === 0 ? 0 : (edgeBytes + outside + plainBytes) / watched,
        p2pShare: came === 0 ? 0 : (group + outside) / came,
        edge: Object.fromEntries(edge),
        plain: Object.fromEntries(
          [...plain].map(([why, loads]) => [why, { ...loads, why: plainSentence[why] }]),
        ),
        notShared: notShared.filter(reason => plain.has(reason)).map(reason => plainSentence[reason]),
      }
    },
  }
}

/** Reasons that lie in the stream and not in the moment. */
const notShared: readonly PlainReason[] = ['part', 'unknown-playlist', 'unshareable']
