import { plannedBps } from './goodput.ts'
import { edgeTimeMs, isLineBusy, isThin, lineBps } from './line.ts'
import { blockBytes, type PeerId } from './messages.ts'
import type { Peer } from './peer.ts'
import { peersFinishMs } from './picker.ts'
import type { Ask, Fetch, InOffer, Segment } from './segment.ts'
import { bitrateBps, usableOffers } from './sharing.ts'
import { emit, type State, wakeBy } from './state.ts'
import { groupNeedAt, isUnreliable } from './turns.ts'

/** What is on its way, whether it can be counted on, and when it will be here. */

/** A question to a silent lease's holder that goes unanswered for so long is lost: longer than a page's pauses. */
const unansweredMs = 300

/** First missing byte that nothing under way will bring, or null. */
export function findGap(state: State, segment: Segment): { from: number; to: number } | null {
  const ways: { from: number; to: number }[] = []
  for (const fetch of segment.fetches)
    ways.push({ from: fetch.frontier - (fetch.frontier % blockBytes), to: fetchReach(fetch) })
  for (const ask of segment.asks)
    if (isPromising(state, ask)) ways.push({ from: ask.offset, to: ask.offset + ask.length })
  for (const offer of usableOffers(state, segment)) {
    const peer = state.peers.get(offer.peer)!
    const counts = isMoving(offer) && offer.hops < ownHops(segment)
    const isThere = peer.restsUntil <= state.now && !isUnreliable(peer) && !isSilentHolder(state, peer, offer)
    const here = isThere ? offer.frontier : offer.from
    const to = counts ? (offer.to > 0 ? offer.to : Infinity) : here
    if (to > offer.from) ways.push({ from: offer.from, to })
  }
  for (let index = segment.blocks.nextMissing(0); index >= 0; ) {
    const from = index * blockBytes
    let reach = from
    for (const way of ways) if (way.from <= from && way.to > reach) reach = way.to
    if (reach === Infinity || (segment.size > 0 && reach >= segment.size)) return null
    if (reach === from) return { from, to: gapEnd(segment, ways, from) }
    index = segment.blocks.nextMissing(Math.ceil(reach / blockBytes))
  }
  return null
}

/** End of the gap that begins at `from`: the next byte here or on its way; 0 for the segment's end. */
function gapEnd(segment: Segment, ways: readonly { from: number; to: number }[], from: number): number {
  let end = segment.size > 0 ? segment.size : Infinity
  for (const way of ways) if (way.from > from && way.from < end) end = way.from
  for (let at = from; at < Math.min(end, segment.size); at += blockBytes) {
    if (!segment.blocks.isMissing(at / blockBytes)) end = Math.min(end, at)
  }
  return end === segment.size || end === Infinity ? 0 : end
}

function fetchReach(fetch: Fetch): number {
  return fetch.to === 0 ? Infinity : fetch.to
}

function ownHops(segment: Segment): number {
  let hops = Infinity
  for (const claim of segment.claims)
    if (claim.active && claim.source === 'relay') hops = Math.min(hops, claim.hops)
  return hops
}

/** Stops counting on leases that are silent, or too slow for whoever needs them first. */
export function voidLeases(state: State, segment: Segment, dueAt: number): void {
  const edgeMs = edgeTimeMs(state, missingBytes(state, segment))
  let need = -1
  for (const offer of segment.offers) {
    const end = offer.to > 0 ? offer.to : segment.size
    const isLost = offer.voidSince > 0 && offer.voidWhy !== 'slow'
    if (!offer.active || isLost || (end > 0 && offer.frontier >= end)) continue
    if (need < 0) need = Math.min(dueAt, groupNeedAt(state, segment))
    const spare = Math.max(need - state.config.marginMs - edgeMs - state.now, 0)
    const { minSilentMs, silentMs, thinSilentMs } = state.config
    const started = offer.frontier > offer.from ? 0 : 2 * state.edge.delayMs
    const stride = offer.source === 'edge' ? 0 : strideMs(state, offer)
    const least = offer.source === 'edge' && isThin(state, segment) ? thinSilentMs : minSilentMs
    const patience = started + stride + Math.min(Math.max(spare / 2, least), silentMs)
    if (state.now - offer.grownAt >= patience) markVoid(state, segment, offer, 'silent')
    else {
      wakeBy(state, offer.grownAt + patience)
      if (offer.voidSince === 0 && isTooSlow(state, segment, offer, need, edgeMs))
        markVoid(state, segment, offer, 'slow')
    }
  }
}

/** A relay speaks only every stride: its silence in between means nothing. */
function strideMs(state: State, offer: InOffer): number {
  return offer.rateBps > 0 ? Math.min((1_500 * state.config.relayStepBytes) / offer.rateBps, 3_000) : 1_000
}

function isTooSlow(state: State, segment: Segment, offer: InOffer, need: number, edgeMs: number): boolean {
  if (offer.rateBps === 0 || segment.size === 0 || offer.source !== 'edge') return false
  if (isThin(state, segment)) {
    // A lease that has just begun on a thin line is still in its slow start, and one that shares it goes at half speed.
    if (state.now - offer.since < state.config.thinSilentMs || isLineBusy(state)) return false
    if (offer.rateBps > lineBps(state) / 4) return false
  }
  const end = offer.to > 0 ? offer.to : segment.size
  const finish = state.now + ((end - offer.frontier) * 1000) / offer.rateBps
  return (
    finish >
    Math.max(
      need - state.config.marginMs,
      state.now + 1.5 * edgeMs + ((2 * blockBytes) / plannedBps(state.edge)) * 1000,
    )
  )
}

function markVoid(state: State, segment: Segment, offer: InOffer, why: 'slow' | 'silent'): void {
  offer.voidSince = state.now
  offer.voidWhy = why
  emit(state, { type: 'trace', note: { kind: 'void', key: segment.key, holder: offer.peer, why } })
  const peer = state.peers.get(offer.peer)
  if (why === 'silent' && offer.source === 'edge' && peer) peer.lapses++
  if (why === 'slow') segment.dangerSince = segment.dangerSince || state.now
}

/** Expected time until what is on its way is here, ms from now. */
export function finishMs(state: State, segment: Segment, missing: number): number {
  let lease = Infinity
  let promised = 0
  for (const offer of segment.offers) {
    if (!isMoving(offer)) continue
    const left = Math.min((offer.to > 0 ? offer.to : segment.size) - offer.frontier, missing)
    promised = Math.max(promised, left)
    // A lease that has not spoken of its rate yet is believed to go at ours.
    const rate = offer.rateBps > 0 ? offer.rateBps : plannedBps(state.edge)
    const wait = offer.frontier > offer.from ? 0 : Math.max(0, offer.since + state.edge.delayMs - state.now)
    const silence = Math.max(0, state.now - offer.grownAt - (4 * blockBytes * 1000) / rate - wait)
    lease = Math.min(lease, wait + (left * 1000) / rate + silence)
  }
  const overLan = peersFinishMs(state, segment, missing)
  return promised > 0 ? Math.max(lease, overLan) : overLan
}

/** An answer to count on. Doubtful peers are still asked, but nobody waits for them. */
export function isPromising(state: State, ask: Ask): boolean {
  const peer = state.peers.get(ask.peer)
  if (peer === undefined || isUnreliable(peer)) return false
  for (const offer of ask.segment.offers)
    if (offer.peer === ask.peer && isSilentHolder(state, peer, offer)) return false
  return true
}

/** Its lease went silent with a question of ours in its hands: what it has is as lost as what it would have fetched. */
function isSilentHolder(state: State, peer: Peer, offer: InOffer): boolean {
  if (!offer.active || offer.voidWhy !== 'silent' || offer.source !== 'edge') return false
  for (const ask of peer.asks)
    if (state.now - Math.max(ask.sentAt, peer.lastPieceAt) >= unansweredMs) return true
  return false
}

/** It still brings bytes, however slowly. */
export function isMoving(offer: InOffer): boolean {
  return offer.active && (offer.voidSince === 0 || offer.voidWhy === 'slow')
}

/** Peers that let us down on this segment: not counted when the ranks are. */
export function failedAt(segment: Segment): Set<PeerId> {
  const failed = new Set<PeerId>()
  for (const offer of segment.offers)
    if (offer.voidSince > 0 && offer.source === 'edge') failed.add(offer.peer)
  return failed
}

/** What still has to come; of a segment whose size nobody told yet, as much as its track needs for the time it lasts. */
export function missingBytes(state: State, segment: Segment): number {
  if (segment.size === 0) {
    const { durationMs } = segment.entry
    return Math.max(blockBytes, Math.round((bitrateBps(state, segment) * durationMs) / 1000))
  }
  let bytes = 0
  for (let index = segment.blocks.nextMissing(0); index >= 0; index = segment.blocks.nextMissing(index + 1)) {
    bytes += segment.blocks.lengthOf(index)
  }
  return bytes
}
