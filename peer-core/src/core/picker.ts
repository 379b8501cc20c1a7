import { announce } from './claims.ts'
import { observeTransfer, plannedBps } from './goodput.ts'
import { blockBytes, type PeerId, type PieceMessage, type RejectMessage, runBytes } from './messages.ts'
import { covers, dropOffer } from './offers.ts'
import type { Peer } from './peer.ts'
import type { Ask, Fetch, InOffer, Segment } from './segment.ts'
import { groupPeers, isPartner, isProvable } from './sharing.ts'
import { emit, type State, wakeBy } from './state.ts'
import { isUnreliable } from './turns.ts'
import { checkBlocks } from './verification.ts'

/** Which blocks to ask of whom: several peers at once, in proportion to what they give; stragglers are replaced. */

/** Grace before an answer counts as late: a busy page's event loop. */
const leastLateMs = 300
/** A late request is forgotten after this. */
const forgottenMs = 10_000
/** An answer due within this time is not worth replacing. */
const stragglerMs = 200
/** Pieces without a request, beyond those that crossed a cancel on the way. */
const mostUnsolicited = 64

/** Asks for every block that a peer can give now. True when something is left that a peer could give later. */
export function askPeers(state: State, segment: Segment): boolean {
  retireLate(state, segment)
  let offers = usableOffers(state, segment)
  if (offers.length === 0) return false
  adoptSize(segment, offers)
  offers = offers.filter(offer => joins(state, segment, offer))
  const asked = askedBlocks(segment)
  let hungry = false
  for (let index = segment.blocks.nextMissing(0); index >= 0; index = segment.blocks.nextMissing(index + 1)) {
    if (!offers.some(offer => index * blockBytes < offer.frontier)) {
      if (index * blockBytes >= furthest(offers)) break
      continue
    }
    if (asked.has(index) || isComingSoon(state, segment, index)) continue
    const best = pickOffer(state, segment, offers, index)
    if (!best) {
      if (offers.some(offer => coversBlock(segment, offer, index))) hungry = true
      continue
    }
    const count = runFrom(state, segment, best, index, asked)
    const isFirst = segment.lineage === null
    ask(state, segment, best, index, count)
    // The first source of bytes without a root decides who else may give some.
    if (isFirst) offers = offers.filter(offer => joins(state, segment, offer))
    for (let i = index; i < index + count; i++) asked.add(i)
    index += count - 1
  }
  return hungry
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

/** DESIGN §5: without a root, bytes of two sources meet only under one strong validator and one size. */
function joins(state: State, segment: Segment, offer: InOffer): boolean {
  if (offer.size > 0 && segment.size > 0 && offer.size !== segment.size) return false
  if (isProvable(state, segment)) return true
  const { lineage } = segment
  if (lineage === null) return segment.fetches.size === 0
  if (lineage.source === offer.peer) return true
  return lineage.etag !== '' && lineage.etag === offer.etag && segment.size > 0 && segment.size === offer.size
}

export function hearPiece(state: State, peer: Peer, piece: PieceMessage): Segment | null {
  const ask = findAsk(peer, piece)
  for (const hungry of state.hungry) state.dirty.add(hungry)
  if (!ask) {
    if (++peer.unsolicited > mostUnsolicited) state.leaving.set(peer.id, 'unsolicited')
    const key = state.byHash.get(peer.offers.get(piece.n)?.key ?? '')?.key
    if (key !== undefined) {
      emit(state, { type: 'trace', note: { kind: 'duplicate', key, bytes: piece.length, from: peer.id } })
    }
    return null
  }
  const { segment } = ask
  removeAsk(state, ask)
  const started = Math.max(ask.sentAt, peer.lastPieceAt)
  peer.goodput = observeTransfer(peer.goodput, piece.length, state.now - started)
  peer.lastPieceAt = state.now
  peer.strikes = 0
  peer.lapses = 0
  peer.restsUntil = 0
  peer.receivedBytes += piece.length
  const first = piece.offset / blockBytes
  const last = first + Math.ceil(piece.length / blockBytes)
  let fresh = 0
  for (let index = first; index < last; index++) {
    if (!segment.blocks.isMissing(index) || segment.blocks.lengthOf(index) <= 0) continue
    fresh += segment.blocks.lengthOf(index)
    segment.blocks.receive(index, peer.id)
    emit(state, {
      type: 'accept',
      key: segment.key,
      offset: index * blockBytes,
      length: segment.blocks.lengthOf(index),
    })
  }
  if (fresh < piece.length) {
    emit(state, {
      type: 'trace',
      note: { kind: 'duplicate', key: segment.key, bytes: piece.length - fresh, from: peer.id },
    })
  }
  if ([...segment.offers].some(offer => offer.active)) segment.leased = true
  checkBlocks(state, segment)
  announce(state, segment)
  return segment
}

/** It has not what it offered: the offer is void. */
export function hearReject(state: State, peer: Peer, reject: RejectMessage): Segment | null {
  const ask = findAsk(peer, reject)
  if (!ask) return null
  removeAsk(state, ask)
  const offer = peer.offers.get(reject.n)
  if (offer && !ask.late) dropOffer(state, peer, offer)
  return ask.segment
}

/** Nothing more will come of this peer's outstanding answers. */
export function dropAsksOf(state: State, peer: Peer): void {
  for (const ask of [...peer.asks]) {
    state.dirty.add(ask.segment)
    removeAsk(state, ask)
  }
}

export function cancelAsks(state: State, segment: Segment): void {
  for (const ask of [...segment.asks]) {
    const { n, offset, length } = ask
    emit(state, { type: 'send', peer: ask.peer, message: { type: 'cancel', n, offset, length }, key: null })
    removeAsk(state, ask)
  }
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
    if (peer.askedBytes >= askWindow(state, peer) || peer.asks.size >= peer.hello.reqq) continue
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

/** Two round trips' worth, and a tenth of a second of it: the pipe stays full while answers travel. */
function askWindow(state: State, peer: Peer): number {
  const { minAskWindowBytes, maxAskWindowBytes } = state.config
  const bytes = (plannedBps(peer.goodput) * 2 * (peer.rttMs + 100)) / 1000
  return Math.min(Math.max(bytes, minAskWindowBytes), maxAskWindowBytes)
}

function runFrom(
  state: State,
  segment: Segment,
  offer: InOffer,
  index: number,
  asked: ReadonlySet<number>,
): number {
  let count = 1
  while (count < runBytes / blockBytes) {
    const next = index + count
    if (segment.size > 0 && next >= segment.blocks.count) break
    if (!segment.blocks.isMissing(next) || asked.has(next) || !coversBlock(segment, offer, next)) break
    if (isComingSoon(state, segment, next)) break
    count++
  }
  return count
}

function coversBlock(segment: Segment, offer: InOffer, index: number): boolean {
  if (segment.size === 0) return covers(offer, index * blockBytes, blockBytes)
  return index < segment.blocks.count && covers(offer, index * blockBytes, segment.blocks.lengthOf(index))
}

function ask(state: State, segment: Segment, offer: InOffer, index: number, count: number): void {
  const peer = state.peers.get(offer.peer)!
  const offset = index * blockBytes
  const length = (count - 1) * blockBytes + segment.blocks.lengthOf(index + count - 1)
  if (segment.lineage === null && !isProvable(state, segment))
    segment.lineage = { etag: offer.etag, source: peer.id }
  const expected = peer.rttMs + ((peer.askedBytes + length) * 1000) / plannedBps(peer.goodput)
  const made: Ask = {
    peer: peer.id,
    n: offer.n,
    segment,
    offset,
    length,
    sentAt: state.now,
    lateAt: state.now + Math.max(leastLateMs, Math.min(3 * expected, patienceMs(state, segment))),
    expectedAt: state.now + expected,
    late: false,
  }
  peer.asks.add(made)
  peer.askedBytes += length
  segment.asks.add(made)
  if (offer.rateBps > 0) segment.edgeBps = offer.rateBps
  wakeBy(state, made.lateAt)
  emit(state, {
    type: 'send',
    peer: peer.id,
    message: { type: 'request', n: offer.n, offset, length },
    key: null,
  })
}

/** Late answers: their blocks are free to be asked of others, and the peer rests, longer each time. */
function retireLate(state: State, segment: Segment): void {
  for (const ask of [...segment.asks]) {
    if (ask.late) {
      if (state.now - ask.sentAt > forgottenMs) removeAsk(state, ask)
      continue
    }
    if (state.now < ask.lateAt) {
      if (isBetterElsewhere(state, segment, ask)) giveUp(state, ask)
      else wakeBy(state, ask.lateAt)
      continue
    }
    ask.late = true
    const peer = state.peers.get(ask.peer)
    if (!peer) continue
    if (peer.restsUntil <= state.now) {
      peer.strikes++
      peer.restsUntil = state.now + Math.min(500 * peer.strikes, 8_000)
      emit(state, { type: 'trace', note: { kind: 'silent', peer: peer.id, key: segment.key } })
    }
  }
}

/** A straggler: somebody else would give the same bytes in less than half the time it still takes. */
function isBetterElsewhere(state: State, segment: Segment, ask: Ask): boolean {
  const left = ask.expectedAt - state.now
  if (left < stragglerMs) return false
  for (const offer of usableOffers(state, segment)) {
    const peer = state.peers.get(offer.peer)!
    if (peer.id === ask.peer || peer.restsUntil > state.now || isUnreliable(peer) || peer.busy) continue
    if (!covers(offer, ask.offset, ask.length) || peer.askedBytes >= askWindow(state, peer)) continue
    const finish = peer.rttMs + ((peer.askedBytes + ask.length) * 1000) / plannedBps(peer.goodput)
    if (finish < left / 2) return true
  }
  return false
}

function giveUp(state: State, ask: Ask): void {
  const { n, offset, length } = ask
  emit(state, { type: 'send', peer: ask.peer, message: { type: 'cancel', n, offset, length }, key: null })
  removeAsk(state, ask)
}

/** With a deadline near, a third of the time left is as long as one answer may take. */
function patienceMs(state: State, segment: Segment): number {
  return Math.max(0, ((state.active.get(segment) ?? Infinity) - state.now) / 3)
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

function askedBlocks(segment: Segment): Set<number> {
  const asked = new Set<number>()
  for (const ask of segment.asks) {
    if (ask.late) continue
    for (let offset = ask.offset; offset < ask.offset + ask.length; offset += blockBytes)
      asked.add(offset / blockBytes)
  }
  return asked
}

function adoptSize(segment: Segment, offers: readonly InOffer[]): void {
  if (segment.size > 0) return
  const sized = offers.find(
    offer => offer.size > 0 && (segment.lineage === null || segment.lineage.source === offer.peer),
  )
  if (sized && segment.fetches.size === 0) segment.blocks.setSize(sized.size)
}

function furthest(offers: readonly InOffer[]): number {
  let end = 0
  for (const offer of offers) end = Math.max(end, offer.frontier)
  return end
}

function findAsk(peer: Peer, range: { n: number; offset: number; length: number }): Ask | null {
  for (const ask of peer.asks) {
    if (ask.n === range.n && ask.offset === range.offset && ask.length === range.length) return ask
  }
  return null
}

function removeAsk(state: State, ask: Ask): void {
  ask.segment.asks.delete(ask)
  const peer = state.peers.get(ask.peer)
  if (!peer?.asks.delete(ask)) return
  peer.askedBytes -= ask.length
}
