import {
  blockBytes,
  type GrowMessage,
  type HaveMessage,
  type OfferMessage,
  type WithdrawMessage,
} from './messages.ts'
import type { Peer } from './peer.ts'
import { hearRefusal } from './refusals.ts'
import type { InOffer, Segment } from './segment.ts'
import type { State } from './state.ts'
import { isUnreliable } from './turns.ts'

/** What peers can serve, as they tell it. Returns the segment it concerns, or null when it is none of ours yet. */

export function hearOffer(state: State, peer: Peer, message: OfferMessage): InOffer | null {
  const track = peer.tracksIn.get(message.track)
  if (track === undefined || peer.offers.has(message.n)) return null
  if (Math.max(message.size, message.frontier) > state.config.sharedSegmentBytes) return null
  if (message.from % blockBytes !== 0 || message.frontier < message.from) return null
  if (peer.offers.size >= state.config.maxOffersPerPeer) dropOldest(state, peer)
  const before = toldBefore(state, peer, message)
  const isDoubted = isUnreliable(peer) && !before
  const offer: InOffer = {
    peer: peer.id,
    n: message.n,
    track,
    seq: message.seq,
    key: message.key,
    root: message.root,
    etag: message.etag,
    from: message.from,
    to: message.to,
    source: message.source,
    hops: message.source === 'edge' ? 0 : message.hops,
    epoch: message.epoch,
    since: before?.since ?? state.now,
    size: message.size,
    frontier: message.frontier,
    active: message.source !== 'held' && !isThrough(message),
    rateBps: message.rateBps,
    grownAt: state.now,
    voidSince: isDoubted ? state.now : 0,
    voidWhy: isDoubted ? 'silent' : '',
    isDoubledTold: before?.isDoubledTold ?? false,
  }
  peer.offers.set(offer.n, offer)
  noteRate(state, peer, offer)
  if (offer.active && offer.source === 'edge' && peer.place === 'group') state.leases.add(offer)
  const segment = state.byHash.get(offer.key)
  if (segment) attach(segment, offer)
  else strayOf(state, offer.key).add(offer)
  return offer
}

/** The lease that this one takes the place of, now that its validator is known: it is no younger for that. */
function toldBefore(state: State, peer: Peer, message: OfferMessage): InOffer | undefined {
  if (message.etag === '' || message.source === 'held' || message.frontier === message.from) return undefined
  for (const offer of state.byHash.get(message.key)?.offers ?? []) {
    const isSame = offer.peer === peer.id && offer.source === message.source && offer.from === message.from
    if (isSame && offer.active && offer.etag === '') return offer
  }
  return undefined
}

export function hearGrow(state: State, peer: Peer, message: GrowMessage): InOffer | null {
  const offer = peer.offers.get(message.n)
  // What does not grow is not worth a look, and shall not pass for a lease that moves.
  if (!offer || message.frontier <= offer.frontier) return null
  if (message.size > 0 && offer.size > 0 && message.size !== offer.size) return null
  if (Math.max(message.size, message.frontier) > state.config.sharedSegmentBytes) return null
  if (message.size > 0) offer.size = message.size
  if (offer.size > 0 && message.frontier > offer.size) return null
  if (message.rateBps > 0) offer.rateBps = message.rateBps
  offer.frontier = message.frontier
  noteRate(state, peer, offer)
  if (isThrough(offer)) offer.active = false
  offer.grownAt = state.now
  if (offer.voidWhy === 'silent') {
    offer.voidSince = 0
    offer.voidWhy = ''
  }
  return offer
}

export function hearHave(_state: State, peer: Peer, message: HaveMessage): InOffer | null {
  const offer = peer.offers.get(message.n)
  if (!offer || offer.size === 0 || offer.from !== 0) return null
  offer.frontier = offer.size
  offer.active = false
  offer.voidSince = 0
  offer.voidWhy = ''
  return offer
}

/** Bytes below `offset` stay on offer unless nothing is left of it. */
export function hearWithdraw(state: State, peer: Peer, message: WithdrawMessage): InOffer | null {
  const offer = peer.offers.get(message.n)
  if (!offer) return null
  const isRefused = offer.active && offer.source === 'edge' && message.reason === 'failed'
  offer.active = false
  offer.frontier = Math.min(offer.frontier, message.offset)
  if (isRefused && offer.frontier <= offer.from) hearRefusal(state, peer, offer)
  if (offer.frontier <= offer.from) dropOffer(state, peer, offer)
  return offer
}

/** A segment became known: offers that came before it find their place. */
export function adoptStrays(state: State, segment: Segment): void {
  const strays = state.strays.get(segment.hash)
  if (!strays) return
  state.strays.delete(segment.hash)
  for (const offer of strays) attach(segment, offer)
}

/** Offers of a segment we forget wait as strays, in case a playlist lists it again. */
export function releaseOffers(state: State, segment: Segment): void {
  for (const offer of segment.offers) strayOf(state, segment.hash).add(offer)
  segment.offers.clear()
}

export function dropOffer(state: State, peer: Peer, offer: InOffer): void {
  peer.offers.delete(offer.n)
  state.byHash.get(offer.key)?.offers.delete(offer)
  const strays = state.strays.get(offer.key)
  if (strays?.delete(offer) && strays.size === 0) state.strays.delete(offer.key)
}

/** Bytes `[offset, offset + length)` can be asked of this offer now. */
export function covers(offer: InOffer, offset: number, length: number): boolean {
  return offer.from <= offset && offset + length <= offer.frontier
}

export function isWhole(offer: InOffer): boolean {
  return offer.from === 0 && offer.size > 0 && offer.frontier >= offer.size
}

/** All that it promised is there: it is counted on no further than it gives. */
function isThrough(offer: { size: number; to: number; frontier: number }): boolean {
  return offer.frontier >= (offer.to || offer.size || Infinity)
}

/** The peers whose claims meet in one segment must mean the same bytes. */
function attach(segment: Segment, offer: InOffer): void {
  if (offer.root !== '' && segment.entry.root !== '' && offer.root !== segment.entry.root) return
  if (offer.size > 0 && segment.entry.size > 0 && offer.size !== segment.entry.size) return
  segment.offers.add(offer)
}

function dropOldest(state: State, peer: Peer): void {
  for (const offer of peer.offers.values()) return dropOffer(state, peer, offer)
}

function strayOf(state: State, key: string): Set<InOffer> {
  const known = state.strays.get(key)
  if (known) return known
  const made = new Set<InOffer>()
  state.strays.set(key, made)
  return made
}

/** Every offer of one peer is gone with it. Returns the segments that lose a source. */
export function dropOffersOf(state: State, peer: Peer): Segment[] {
  const lost: Segment[] = []
  for (const offer of [...peer.offers.values()]) {
    const segment = state.byHash.get(offer.key)
    if (segment?.offers.has(offer)) lost.push(segment)
    dropOffer(state, peer, offer)
  }
  return lost
}

export function coversBlock(segment: Segment, offer: InOffer, index: number): boolean {
  if (segment.size === 0) return covers(offer, index * blockBytes, blockBytes)
  return index < segment.blocks.count && covers(offer, index * blockBytes, segment.blocks.lengthOf(index))
}

/** Of what came through, for a lease under way may just have a slow holder. */
function noteRate(state: State, peer: Peer, offer: InOffer): void {
  if (offer.rateBps > 0 && isWhole(offer) && peer.place === 'group') state.toldEdgeBps = offer.rateBps
}
