import type { Peer } from './peer.ts'
import type { InOffer, Segment } from './segment.ts'
import type { State } from './state.ts'

/** Bytes of this segment can be, and must be, held against the publisher's root before anyone else sees them. */
export function isProvable(state: State, segment: Segment): boolean {
  return segment.entry.root !== '' && state.policy.integrity !== 'off'
}

/** May this segment come from, and go to, peers at all? */
export function isShared(state: State, segment: Segment): boolean {
  if (state.policy.mode === 'off') return false
  if (segment.size > state.config.sharedSegmentBytes) return false
  if (segment.edgePolluted) return false
  return segment.entry.root !== '' || state.policy.integrity !== 'required'
}

/** May we talk media with this peer? */
export function isPartner(state: State, peer: Peer): boolean {
  if (state.policy.mode === 'off' || peer.mode === 'off') return false
  return peer.place === 'group' || state.policy.wan === 'allow'
}

export function mayGive(state: State, peer: Peer): boolean {
  return state.policy.mode === 'share' && isPartner(state, peer)
}

/** Peers behind the same network. */
export function groupPeers(state: State): readonly Peer[] {
  if (state.group) return state.group
  const peers: Peer[] = []
  for (const peer of state.peers.values())
    if (peer.place === 'group' && isPartner(state, peer)) peers.push(peer)
  state.group = peers
  return peers
}

/** Somebody came, went, or changed what they share: who is in the group, and who is due, is found anew. */
export function peersChanged(state: State): void {
  state.group = null
  state.needs++
  state.lookAt = -Infinity
}

/** Bytes of one second of this segment; a guess from its track when its size is unknown. */
export function bitrateBps(state: State, segment: Segment): number {
  const { durationMs } = segment.entry
  if (segment.size > 0 && durationMs > 0) return (segment.size * 1000) / durationMs
  return state.windows.get(segment.track)?.bps ?? 0
}

/** The offers whose bytes may be joined with what is here, from peers that may be asked now. */
export function usableOffers(state: State, segment: Segment): InOffer[] {
  const usable: InOffer[] = []
  for (const offer of segment.offers) {
    const peer = state.peers.get(offer.peer)
    if (!peer || !isPartner(state, peer) || peer.mode === 'leech') continue
    if (peer.place === 'outside' && !segment.viaOutside && groupPeers(state).length > 0) continue
    if (joins(state, segment, offer)) usable.push(offer)
  }
  return usable
}

/** Nothing is here or on its way: any lineage may begin. */
export function freeLineage(segment: Segment): void {
  if (segment.blocks.isEmpty && segment.asks.size === 0 && segment.fetches.size === 0) segment.lineage = null
}

/** DESIGN §5: without a root, bytes of two sources meet only under one strong validator and one size. */
export function joins(state: State, segment: Segment, offer: InOffer): boolean {
  if (offer.size > 0 && segment.size > 0 && offer.size !== segment.size) return false
  if (isProvable(state, segment)) return true
  const { lineage } = segment
  if (lineage === null) return segment.fetches.size === 0
  if (lineage.source === offer.peer && lineage.etag === offer.etag) return true
  return lineage.etag !== '' && lineage.etag === offer.etag && segment.size > 0 && segment.size === offer.size
}
