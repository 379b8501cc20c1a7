import type { WireOutcome } from '@nearcast/peer-core/signalling'
import type { Context } from './context.ts'
import type { Peer } from './peer.ts'
import { refusePlace } from './places.ts'
import type { Vote } from './votes.ts'

/**
 * What a peer reports of its dials. Only those count that the tracker arranged, and each once: a report about a
 * stranger, or a second one about the same introduction, says nothing.
 */
export function takeOutcomes(context: Context, peer: Peer, outcomes: readonly WireOutcome[]): void {
  const now = context.now()
  for (const { peer: id, ok, pair } of outcomes) {
    if (!peer.partners.takeOutcome(id, now)) continue
    context.counters.dials[ok ? 'ok' : 'failed']++
    const other = peer.swarm.peers.get(id)
    if (!ok) {
      // A failed dial may be tried again by either side, later.
      peer.partners.remove(id)
      other?.partners.remove(peer.id)
    }
    if (other === undefined) continue
    if (!ok) refusePlace(context, peer, other)
    if (other.connection === peer.connection) continue
    const vote = ok ? voteOf(pair) : 'failed'
    if (vote !== null) context.homes.saw(endOf(peer), endOf(other), vote, now)
  }
}

/** The peer as one end of a dial. */
export function endOf(peer: Peer) {
  return { connection: peer.connection, lan: peer.lanKey }
}

/** `prflx` alone may have come straight or through a NAT: it says nothing. */
function voteOf(pair: string): Vote | null {
  const sides = pair.split('-')
  if (sides.length !== 2 || sides.includes('prflx') || sides.includes('unknown')) return null
  return sides.every(side => side === 'host') ? 'direct' : 'via'
}
