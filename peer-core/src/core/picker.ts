import { askFor, isAsked, isFull, isTakenBack, isUntried, retireLate } from './asks.ts'
import { plannedBps } from './goodput.ts'
import { blockBytes, type PeerId, runBytes } from './messages.ts'
import { coversBlock } from './offers.ts'
import type { Peer } from './peer.ts'
import type { Fetch, InOffer, Segment } from './segment.ts'
import { freeLineage, joins, usableOffers } from './sharing.ts'
import { type State, wakeBy } from './state.ts'

/** Which blocks to ask of whom: several peers at once, in proportion to what they give. */

/** Asks for every block that a peer can give now. True when something is left that a peer could give later. */
export function askPeers(state: State, segment: Segment): boolean {
  retireLate(state, segment)
  freeLineage(segment)
  let offers = usableOffers(state, segment)
  if (offers.length === 0) return false
  if (adoptSize(segment, offers)) offers = offers.filter(offer => joins(state, segment, offer))
  const end = furthest(offers)
  let hungry = false
  for (let index = segment.blocks.nextMissing(0); index >= 0; index = segment.blocks.nextMissing(index + 1)) {
    if (index * blockBytes >= end) break
    if (isAsked(segment, index) || isComingSoon(state, segment, index)) continue
    const best = pickOffer(state, segment, offers, index)
    if (!best) {
      if (offers.some(offer => coversBlock(segment, offer, index))) hungry = true
      continue
    }
    const count = runFrom(state, segment, best, index)
    const isFirst = segment.lineage === null
    askFor(state, segment, best, index, count)
    // The first source of bytes without a root decides who else may give some.
    if (isFirst) offers = offers.filter(offer => joins(state, segment, offer))
    index += count - 1
  }
  return hungry
}

/** Expected time until all this segment's blocks on offer are here, ms from now; Infinity when some are not. */
export function peersFinishMs(state: State, segment: Segment, bytes: number): number {
  let rate = 0
  let rtt = 0
  const seen = new Set<PeerId>()
  for (const offer of usableOffers(state, segment)) {
    const peer = state.peers.get(offer.peer)!
    if (seen.has(peer.id) || peer.restsUntil > state.now || peer.busy) continue
    seen.add(peer.id)
    rate += plannedBps(peer.goodput)
    rtt = Math.max(rtt, peer.rttMs)
  }
  return rate === 0 ? Infinity : rtt + (bytes * 1000) / rate
}

function pickOffer(
  state: State,
  segment: Segment,
  offers: readonly InOffer[],
  index: number,
): InOffer | null {
  let best: InOffer | null = null
  let bestFinish = Infinity
  for (const offer of offers) {
    if (!coversBlock(segment, offer, index)) continue
    const peer = state.peers.get(offer.peer)!
    if (peer.restsUntil > state.now) {
      wakeBy(state, peer.restsUntil)
      continue
    }
    if (isFull(state, peer) || isTakenBack(peer, segment, index)) continue
    const finish =
      peer.rttMs +
      ((peer.askedBytes + blockBytes) * 1000) / plannedBps(peer.goodput) +
      (peer.busy ? 1_000 : 0)
    if (finish < bestFinish) {
      best = offer
      bestFinish = finish
    }
  }
  return best
}

function runFrom(state: State, segment: Segment, offer: InOffer, index: number): number {
  const peer = state.peers.get(offer.peer)!
  // Of a stranger outside first a single block: its line may be thin, and so may ours.
  const isStranger = peer.place === 'outside' && peer.goodput.samples < 2
  const most = isStranger || isUntried(state, peer) ? 1 : runBlocks(peer)
  let count = 1
  while (count < most) {
    const next = index + count
    if (segment.size > 0 && next >= segment.blocks.count) break
    if (!segment.blocks.isMissing(next) || isAsked(segment, next) || !coversBlock(segment, offer, next)) break
    if (isTakenBack(peer, segment, next) || isComingSoon(state, segment, next)) break
    count++
  }
  return count
}

/** Blocks asked for at once: what a quarter of a second brings, so that of a slow peer's answers none holds up others. */
function runBlocks(peer: Peer): number {
  const blocks = Math.floor(plannedBps(peer.goodput) / 4 / blockBytes)
  return Math.min(Math.max(blocks, 1), runBytes / blockBytes)
}

/** Our own fetch brings this block sooner than asking a peer would pay. */
function isComingSoon(state: State, segment: Segment, index: number): boolean {
  const offset = index * blockBytes
  for (const fetch of segment.fetches) {
    if (offset < fetch.frontier - (fetch.frontier % blockBytes) || (fetch.to > 0 && offset >= fetch.to))
      continue
    const waitMs = ((offset - fetch.frontier) * 1000) / plannedBps(state.edge)
    if (waitMs < 250 || !isSlow(state, fetch)) return true
  }
  return false
}

/** Its bytes come later than its start promised: worth helping from elsewhere. */
function isSlow(state: State, fetch: Fetch): boolean {
  return state.now - fetch.startedAt > 250
}

/** True when the size was unknown and is known now. */
function adoptSize(segment: Segment, offers: readonly InOffer[]): boolean {
  if (segment.size > 0) return false
  const sized = offers.find(
    offer => offer.size > 0 && (segment.lineage === null || segment.lineage.source === offer.peer),
  )
  if (!sized || segment.fetches.size > 0) return false
  segment.blocks.setSize(sized.size)
  return true
}

function furthest(offers: readonly InOffer[]): number {
  let end = 0
  for (const offer of offers) end = Math.max(end, offer.frontier)
  return end
}
