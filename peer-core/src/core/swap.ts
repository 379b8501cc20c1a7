import { restart } from './fetches.ts'
import { plannedBps } from './goodput.ts'
import { isWhole } from './offers.ts'
import type { Segment } from './segment.ts'
import { groupPeers, isProvable, joins } from './sharing.ts'
import type { State } from './state.ts'
import { isUnreliable } from './turns.ts'

/**
 * Without a root, what a neighbour has cannot be joined with what our own request brought (DESIGN §5). On a line that
 * trickles it would lie there whole while we wait for the rest: then ours is thrown away for it, once.
 */

/** Less than this is waited for. */
const leastMs = 3_000
/** And theirs must be so many times sooner. */
const timesSooner = 4

export function swapForWhole(state: State, segment: Segment): void {
  if (segment.fetches.size === 0 || segment.hasSwapped || isProvable(state, segment)) return
  const ownMs = ownFinishMs(state, segment)
  if (ownMs < leastMs) return
  for (const peer of groupPeers(state)) {
    if (peer.busy || peer.restsUntil > state.now || isUnreliable(peer)) continue
    for (const offer of segment.offers) {
      if (offer.peer !== peer.id || !isWhole(offer) || joins(state, segment, offer)) continue
      if ((timesSooner * offer.size * 1000) / plannedBps(peer.goodput) > ownMs) continue
      segment.hasSwapped = true
      restart(state, segment)
      return
    }
  }
}

/** At the pace of our own requests so far. */
function ownFinishMs(state: State, segment: Segment): number {
  let ms = 0
  for (const { from, to, frontier, startedAt } of segment.fetches) {
    const end = to || segment.size
    if (end === 0 || frontier >= end) continue
    const elapsedMs = state.now - startedAt
    ms = Math.max(ms, elapsedMs < leastMs ? 0 : ((end - frontier) * elapsedMs) / Math.max(frontier - from, 1))
  }
  return ms
}
