import type { FailReason } from './events.ts'
import { isHopelesslyRefused } from './refusals.ts'
import type { Segment } from './segment.ts'
import { usableOffers } from './sharing.ts'
import { emit, type State } from './state.ts'

/** Edge failures after which a want without any other source ends. */
const mostFailures = 3

/** A want whose edge fails for good, and that nobody here can help, goes back to the player. */
export function failHopeless(state: State): void {
  if (!state.isFailing) return
  state.isFailing = false
  for (const [id, key] of state.wantedKeys) {
    const segment = state.segments.get(key)
    if (segment && (segment.edgePolluted || segment.edgeFailures > 0 || segment.refusals))
      state.isFailing = true
    const reason = segment && hopeless(state, segment)
    if (!reason || segment.fetches.size > 0 || isHelped(state, segment)) continue
    state.wantedKeys.delete(id)
    segment.wants = segment.wants.filter(want => want.id !== id)
    emit(state, { type: 'fail', id, key, reason })
  }
}

function hopeless(state: State, segment: Segment): FailReason | null {
  if (segment.edgePolluted) return 'edge-mismatch'
  const { edgeFailures, edgeMismatches, edgeFailure } = segment
  const isOver = edgeFailures >= mostFailures || isHopelesslyRefused(state, segment)
  if (edgeFailures === 0 && !isOver) return null
  switch (edgeFailure) {
    case 'status':
      return 'edge-status'
    case 'mismatch':
      return edgeMismatches >= 2 || isOver ? 'edge-mismatch' : null
    case 'busy':
      return isOver ? 'edge-busy' : null
    case 'timeout':
      return isOver ? 'edge-timeout' : null
    default:
      return isOver ? 'edge-network' : null
  }
}

/** Somebody gives it, or may: what is late or silent is no help. */
function isHelped(state: State, segment: Segment): boolean {
  if (segment.asks.size > 0) return true
  return usableOffers(state, segment).some(offer => {
    const peer = state.peers.get(offer.peer)
    if (!peer || peer.restsUntil > state.now || offer.voidWhy === 'silent') return false
    return offer.active || offer.frontier > segment.blocks.reach(offer.from, false)
  })
}
