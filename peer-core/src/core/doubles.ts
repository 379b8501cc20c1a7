import { abortFetch } from './fetches.ts'
import type { DoubledMessage } from './messages.ts'
import type { Peer } from './peer.ts'
import type { InOffer, Segment } from './segment.ts'
import { groupPeers } from './sharing.ts'
import { emit, type State } from './state.ts'
import { isMoving } from './supply.ts'
import { rankOf } from './turns.ts'
import { comesBefore } from './uplinks.ts'

/**
 * Two leases on the same bytes whose holders have no link with each other: neither sees that it should yield. Whoever
 * sees both tells the one whose turn comes later.
 */

/** Holders that do see each other resolve it themselves within a round trip. */
const resolvedMs = 100
/** So many of those that see it say so; one would do, were it sure to be linked with the loser. */
const mostTellers = 3

/** A lease of a peer began or grew: does another one bring the same bytes? */
export function tellDoubles(state: State, segment: Segment, offer: InOffer): void {
  if (!isDoubtful(state, segment, offer)) return
  for (const other of segment.offers) {
    if (other.peer === offer.peer || !isDoubtful(state, segment, other)) continue
    const loser = laterOf(state, segment, offer, other)
    const winner = loser === offer ? other : offer
    if (loser.isDoubledTold || !reaches(winner, loser) || isHalfDone(segment, loser)) continue
    if (rankOf(state, segment, new Set([offer.peer, other.peer])) >= mostTellers) continue
    loser.isDoubledTold = true
    const message = { type: 'doubled', n: loser.n, by: winner.peer } as const
    emit(state, { type: 'send', peer: loser.peer, message, key: null })
  }
}

/** Believed once a segment: nobody shall keep us from the edge by empty words. */
export function hearDoubled(state: State, peer: Peer, message: DoubledMessage): Segment | null {
  const segment = peer.given.get(message.n)
  if (!segment || segment.hasYielded || peer.place !== 'group') return null
  // Whom we see ourselves we have our own rule for.
  if (state.peers.has(message.by) || message.by === state.self) return null
  for (const fetch of [...segment.fetches]) {
    if (fetch.claim?.told.get(peer.id)?.n !== message.n) continue
    if (fetch.reason === 'share' || isHalfDone(segment, fetch) || groupPeers(state).length < 2) continue
    segment.hasYielded = true
    // The winner's bytes come by way of others, a moment later.
    segment.edgeRetryAt = state.now + state.config.minSilentMs
    abortFetch(state, fetch, 'yielded')
    emit(state, { type: 'trace', note: { kind: 'yield', key: segment.key, to: peer.id } })
  }
  return segment
}

function isDoubtful(state: State, segment: Segment, offer: InOffer): boolean {
  if (offer.source !== 'edge' || !isMoving(offer) || state.now - offer.since < resolvedMs) return false
  return (
    offer.frontier < (offer.to || segment.size || Infinity) && state.peers.get(offer.peer)?.place === 'group'
  )
}

/** By nothing but their turns: whoever sees the two must come to the same answer, or both would give way. */
function laterOf(state: State, segment: Segment, a: InOffer, b: InOffer): InOffer {
  return comesBefore(state, segment.entry.slot, a.peer, b.peer) ? b : a
}

/** What the loser would still fetch, the winner brings. A tail taken from the end backwards has not been met yet. */
function reaches(winner: InOffer, loser: InOffer): boolean {
  return (
    loser.from <= winner.frontier && winner.from <= loser.frontier && loser.frontier < (winner.to || Infinity)
  )
}

function isHalfDone(segment: Segment, way: { from: number; frontier: number }): boolean {
  return segment.size > 0 && way.frontier - way.from >= segment.size / 2
}
