import { isWhole } from './offers.ts'
import type { Segment } from './segment.ts'
import type { State } from './state.ts'
import { isUnreliable } from './turns.ts'

/**
 * Of a recording, one segment within the player's goal is taken out of order: the one that fewest here hold, before
 * they leave with it (rarest first, BEP 3). Of a live stream the next one is always the rarest.
 */

/** What so many hold is in no danger. */
const safeHolders = 3

export function isRarest(state: State, segment: Segment): boolean {
  const window = state.windows.get(segment.track)
  const holders = holdersOf(state, segment)
  if (!window || window.live || segment.wants.length > 0 || holders === 0 || holders >= safeHolders)
    return false
  for (const other of state.active.keys()) {
    if (other === segment || other.track !== segment.track || other.stored || other.wants.length > 0) continue
    const theirs = holdersOf(state, other)
    if (theirs > 0 && (theirs < holders || (theirs === holders && other.entry.seq < segment.entry.seq)))
      return false
  }
  return true
}

function holdersOf(state: State, segment: Segment): number {
  let holders = 0
  for (const offer of segment.offers) {
    const peer = state.peers.get(offer.peer)
    if (peer?.place === 'group' && isWhole(offer) && !isUnreliable(peer)) holders++
  }
  return holders
}
