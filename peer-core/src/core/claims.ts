import {
  blockBytes,
  type OfferSource,
  type PeerId,
  type PeerMessage,
  type WithdrawReason,
} from './messages.ts'
import { isWhole } from './offers.ts'
import type { Peer } from './peer.ts'
import type { Claim, Segment } from './segment.ts'
import { isProvable, isShared, mayGive } from './sharing.ts'
import { emit, type State } from './state.ts'
import { isUnreliable } from './turns.ts'

/**
 * What we tell others that we can serve. A claim is one run of a segment's bytes that starts at `from` and grows: a
 * lease (source `edge`), what we relay, or the whole. Its number on each wire is handed out once and never reused.
 */

/** The package under the wire drops piece numbers above 400,000: a wire that nears them is renewed. */
const lastNumber = 390_000

export function openClaim(
  state: State,
  segment: Segment,
  from: number,
  to: number,
  source: OfferSource,
  hops: number,
): Claim {
  // Each block is told by one claim alone: those that ended give way to the one that goes on.
  for (const ended of segment.claims)
    if (!ended.active) ended.end = Math.min(ended.end, Math.max(ended.from, from))
  const claim: Claim = { from, to, source, hops, active: true, end: Infinity, told: new Map() }
  segment.claims.push(claim)
  state.claimed.add(segment)
  announce(state, segment)
  return claim
}

/** The claim goes no further than it is. Its bytes stay on offer. */
export function closeClaim(state: State, segment: Segment, claim: Claim, reason: WithdrawReason): void {
  if (!claim.active) return
  claim.active = false
  claim.end = segment.blocks.reach(claim.from, false)
  const offset = segment.blocks.reach(claim.from, true)
  for (const [id, told] of claim.told) {
    sendTo(state, id, { type: 'withdraw', n: told.n, offset, reason })
    told.frontier = offset
  }
}

/**
 * Others know that it can be had from us, from its first byte on: as a lease that goes on, or as what we have. A lease
 * that ended leaves room for one relay.
 */
export function isOffered(segment: Segment): boolean {
  return segment.claims.some(({ from, source, end }) => from === 0 && (source !== 'edge' || end === Infinity))
}

/** Tells every peer what it does not know yet of this segment. */
export function announce(state: State, segment: Segment): void {
  if (segment.claims.length === 0 || !isShared(state, segment)) return
  const heard = hearsayOf(state, segment)
  for (const peer of state.peers.values()) announceTo(state, segment, peer, heard)
}

/** Tells a new peer all we have, the newest first, and no more than it would remember. */
export function introduce(state: State, peer: Peer): void {
  const useful = [...state.claimed]
  useful.sort((a, b) => b.usedAt - a.usedAt || (a.key < b.key ? -1 : 1))
  for (const segment of useful.slice(0, state.config.maxOffersPerPeer / 2)) {
    if (isShared(state, segment)) announceTo(state, segment, peer, hearsayOf(state, segment))
  }
}

/** We may give again, or to more peers: what is held is on offer. */
export function reopen(state: State): void {
  for (const segment of state.kept) {
    if (segment.claims.length > 0) continue
    segment.claims.push(wholeClaim(new Map()))
    state.claimed.add(segment)
  }
  for (const peer of state.peers.values()) introduce(state, peer)
}

/** All bytes are proven and kept: one claim to the whole replaces the others. */
export function claimWhole(state: State, segment: Segment): void {
  const told: Claim['told'] = new Map()
  const outdated: (readonly [PeerId, number])[] = []
  for (const claim of segment.claims) {
    if (claim.from > 0) closeClaim(state, segment, claim, 'cancelled')
    claim.active = false
    if (claim.from > 0) continue
    for (const [id, known] of claim.told)
      if (isOutdated(state, segment, known)) outdated.push([id, known.n])
      else if (known.frontier >= (told.get(id)?.frontier ?? 0)) told.set(id, known)
  }
  segment.claims.splice(0, segment.claims.length, wholeClaim(told))
  state.claimed.add(segment)
  if (!isShared(state, segment)) return
  for (const [id, known] of told) {
    if (known.frontier < segment.size) {
      known.frontier = segment.size
      sendTo(state, id, {
        type: 'grow',
        n: known.n,
        frontier: segment.size,
        size: segment.size,
        rateBps: rate(segment),
      })
    }
    sendTo(state, id, { type: 'have', n: known.n })
  }
  announce(state, segment)
  for (const [id, n] of outdated) supersede(state, id, n)
}

function wholeClaim(told: Claim['told']): Claim {
  return { from: 0, to: 0, source: 'held', hops: 0, active: false, end: Infinity, told }
}

/** Nothing of this segment can be had from us any more. */
export function retract(state: State, segment: Segment, reason: WithdrawReason): void {
  for (const claim of segment.claims) {
    for (const [id, told] of claim.told) {
      state.peers.get(id)?.given.delete(told.n)
      sendTo(state, id, { type: 'withdraw', n: told.n, offset: 0, reason })
    }
    claim.told.clear()
  }
  segment.claims.length = 0
  state.claimed.delete(segment)
}

/** Nothing that was told holds any more; leases under way are told anew. */
export function recall(state: State, segment: Segment): void {
  const going = segment.claims.filter(claim => claim.active && claim.source === 'edge')
  retract(state, segment, 'void')
  segment.claims.push(...going)
  if (going.length > 0) state.claimed.add(segment)
  announce(state, segment)
}

/** Forgets what a peer that left was told. */
export function forgetTold(peer: Peer): void {
  for (const segment of peer.given.values()) for (const claim of segment.claims) claim.told.delete(peer.id)
}

function announceTo(state: State, segment: Segment, peer: Peer, heard: Hearsay): void {
  if (!mayGive(state, peer) || heard.holders.has(peer.id)) return
  for (const claim of segment.claims) {
    // It is nearer to the edge than we are, and going on: it has no use for what we relay.
    if (claim.source === 'relay' && (heard.hops.get(peer.id) ?? Infinity) < claim.hops) continue
    const frontier = Math.min(segment.blocks.reach(claim.from, true), claim.end)
    const known = claim.told.get(peer.id)
    if (!known) tellNew(state, segment, claim, frontier, peer)
    else if (
      frontier - known.frontier >= step(state, claim) ||
      (frontier === segment.size && frontier > known.frontier)
    ) {
      if (isOutdated(state, segment, known)) {
        tellNew(state, segment, claim, frontier, peer)
        supersede(state, peer.id, known.n)
        continue
      }
      known.frontier = frontier
      sendTo(state, peer.id, {
        type: 'grow',
        n: known.n,
        frontier,
        size: segment.size,
        rateBps: rate(segment),
      })
    }
  }
}

/**
 * A lease is told before the edge says under which validator its bytes come, and without a root bytes of two sources
 * meet under one validator only: whoever took some of this claim could take the rest from nobody else.
 */
function isOutdated(state: State, segment: Segment, known: { readonly etag: string }): boolean {
  return !isProvable(state, segment) && known.etag === '' && etagOf(segment) !== ''
}

function supersede(state: State, id: PeerId, n: number): void {
  state.peers.get(id)?.given.delete(n)
  sendTo(state, id, { type: 'withdraw', n, offset: 0, reason: 'cancelled' })
}

function etagOf(segment: Segment): string {
  return segment.lineage?.etag ?? ''
}

function tellNew(state: State, segment: Segment, claim: Claim, frontier: number, peer: Peer): void {
  // A claim that was closed goes no further than it came: whoever hears of it now must not wait for more.
  const isGoing = claim.active || claim.source === 'held'
  const to = isGoing
    ? claim.to
    : Math.max(frontier, Math.min(claim.end, segment.blocks.reach(claim.from, false)))
  const promises = claim.source === 'edge' && (claim.active || to > frontier)
  if (!promises && frontier === claim.from) return
  if (peer.nextN > lastNumber) {
    state.leaving.set(peer.id, 'renumber')
    return
  }
  const n = peer.nextN++
  peer.given.set(n, segment)
  claim.told.set(peer.id, { n, frontier, etag: etagOf(segment) })
  const end = to > 0 ? to : segment.size
  const rateBps = rate(segment)
  sendTo(state, peer.id, {
    type: 'offer',
    n,
    track: trackId(state, peer, segment.track),
    seq: segment.entry.seq,
    key: segment.hash,
    size: segment.size,
    root: segment.entry.root,
    etag: etagOf(segment),
    from: claim.from,
    frontier,
    to,
    source: claim.source,
    hops: claim.hops,
    etaMs:
      claim.active && rateBps > 0
        ? Math.min(Math.max(0, Math.ceil(((end - frontier) * 1000) / rateBps)), 600_000)
        : 0,
    rateBps,
    epoch: state.policy.epoch ?? 0,
  })
  if (claim.source === 'held' && segment.stored) sendTo(state, peer.id, { type: 'have', n })
}

/** This wire's number for a track, named on first use. */
export function trackId(state: State, peer: Peer, path: string): number {
  const known = peer.tracksOut.get(path)
  if (known !== undefined) return known
  const id = peer.tracksOut.size
  peer.tracksOut.set(path, id)
  sendTo(state, peer.id, { type: 'track', id, path })
  return id
}

/** A lease is followed block by block; a relay only in strides, since its source is usually heard directly. */
function step(state: State, claim: Claim): number {
  return claim.source === 'edge' ? blockBytes : state.config.relayStepBytes
}

/** What others said of a segment: who has all of it, and how far from the edge those are who get it now. */
interface Hearsay {
  readonly holders: ReadonlySet<PeerId>
  readonly hops: ReadonlyMap<PeerId, number>
}

function hearsayOf(state: State, segment: Segment): Hearsay {
  const holders = new Set<PeerId>()
  const hops = new Map<PeerId, number>()
  for (const offer of segment.offers) {
    if (offer.from > 0) continue
    // Who has it whole but never answers is told who takes it again: so it learns that its turns come to nothing.
    if (isWhole(offer) && (offer.source !== 'edge' || isAnswering(state, offer.peer))) holders.add(offer.peer)
    if (offer.active && offer.voidSince === 0)
      hops.set(offer.peer, Math.min(hops.get(offer.peer) ?? Infinity, offer.hops))
  }
  return { holders, hops }
}

function isAnswering(state: State, id: PeerId): boolean {
  const peer = state.peers.get(id)
  return peer !== undefined && !isUnreliable(peer)
}

function rate(segment: Segment): number {
  return Math.floor(segment.edgeBps)
}

function sendTo(state: State, peer: PeerId, message: PeerMessage): void {
  if (state.peers.has(peer)) emit(state, { type: 'send', peer, message, key: null })
}
