import { cancelAsks } from './asks.ts'
import { startFetch } from './fetches.ts'
import { isThin } from './line.ts'
import { blockBytes } from './messages.ts'
import type { Segment } from './segment.ts'
import { groupPeers } from './sharing.ts'
import { type State, wakeBy } from './state.ts'

/**
 * Where viewers share one air (an access point, an old switch) every byte that a peer gives goes through it twice, and
 * what the line brings once. When peers are too slow for what is played, more peering makes it worse: then a viewer
 * whose segments had to be saved by the edge again and again takes its own from there for a while. Each that does
 * frees the air of two copies for one, so that some go and the rest are served.
 */

/** So many rescues within so long, and peers are not worth waiting for. */
const rescuesTaken = 2000
const withinMs = 20_000
/** Bytes that came so lately are a flow, too slow as it is. */
const flowingMs = 500
/** For so long; then peers are tried again, at another moment by each. */
const leastMs = 60_000
const mostMs = 180_000
/** Of those whose rescue came at one time not all go at once. */
const goShare = 0.5

/** A segment that peers brought too late is taken from the edge. Where nothing came at all somebody is silent, and the air is free. */
export function noteRescue(state: State, segment: Segment): void {
  if (state.now - segment.progressAt > flowingMs) return
  state.rescuedAt = [...state.rescuedAt.filter(at => state.now - at < withinMs), state.now]
  if (state.rescuedAt.length < rescuesTaken || state.random.next() > goShare) return
  state.rescuedAt = []
  state.directUntil = state.now + leastMs + state.random.next() * (mostMs - leastMs)
}

/** Peers are left alone for now. On a thin line never: it could not carry that. */
export function isDirect(state: State, segment: Segment): boolean {
  return state.now < state.directUntil && groupPeers(state).length > 0 && !isThin(state, segment)
}

/** What the player wants comes from the edge, told to nobody before it is here. */
export function takeDirectly(state: State, segment: Segment): void {
  if (segment.wants.length === 0 || segment.fetches.size > 0) return
  if (state.now < segment.edgeRetryAt) return wakeBy(state, segment.edgeRetryAt)
  cancelAsks(state, segment)
  const from = segment.blocks.nextMissing(0) * blockBytes
  if (from >= 0) startFetch(state, segment, { from, to: 0, isTold: false }, 'direct')
}
