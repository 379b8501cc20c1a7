import { observeTransfer, plannedBps } from './goodput.ts'
import { blockBytes, type PieceMessage, type RejectMessage } from './messages.ts'
import { covers, dropOffer } from './offers.ts'
import type { Peer } from './peer.ts'
import type { Ask, InOffer, Segment } from './segment.ts'
import { isPartner, isProvable, isShared, joins, usableOffers } from './sharing.ts'
import { begin, emit, type State, wakeBy } from './state.ts'
import { isUnreliable } from './turns.ts'
import { isNarrow } from './uplinks.ts'
import { checkBlocks } from './verification.ts'

/** Our requests to peers: sent, answered, replaced when late, forgotten. */

/** Grace before an answer counts as late: a busy page's event loop. */
const leastLateMs = 300
/** Whoever gave us a piece within this time is at it. */
const givingMs = 500
/** Who gave nothing for this long may have others in line now. */
const untriedMs = 1_000
/** What was called back comes within this time, or the other side says that it does not. */
const recallMs = 300
/** An answer due within this time is not worth replacing. */
const stragglerMs = 200
/** Pieces without a request, beyond those that crossed a cancel on the way. */
const mostUnsolicited = 64

export function askFor(state: State, segment: Segment, offer: InOffer, index: number, count: number): void {
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
    lateAt:
      state.now +
      Math.max(leastLateMs, 3 * expected, isQueueing(state, peer) ? patienceMs(state, segment, peer) : 0),
    overAt: state.now + Math.max(leastLateMs, 2 * expected, patienceMs(state, segment, peer)),
    expectedAt: state.now + expected,
    recalledAt: 0,
  }
  peer.asks.add(made)
  peer.askedBytes += length
  segment.asks.add(made)
  if (offer.rateBps > 0) segment.edgeBps = offer.rateBps
  wakeBy(state, Math.min(made.lateAt, made.overAt))
  emit(state, {
    type: 'send',
    peer: peer.id,
    message: { type: 'request', n: offer.n, offset, length },
    key: null,
  })
}

/** Late answers are taken back: their blocks are asked of others, and the peer rests, longer each time. */
export function retireLate(state: State, segment: Segment): void {
  for (const ask of [...segment.asks]) {
    if (ask.recalledAt > 0) {
      if (state.now < ask.recalledAt + recallMs) {
        wakeBy(state, ask.recalledAt + recallMs)
        continue
      }
      giveUp(state, ask)
      const gaveSince = (state.peers.get(ask.peer)?.lastPieceAt ?? 0) > ask.recalledAt
      if (!gaveSince) strike(state, segment, ask)
      continue
    }
    const elsewhere = isBetterElsewhere(state, segment, ask)
    if (state.now < Math.min(ask.lateAt, ask.overAt)) {
      if (elsewhere) callBack(state, segment, ask)
      else wakeBy(state, Math.min(ask.lateAt, ask.overAt))
      continue
    }
    if (!elsewhere && state.now < ask.overAt) {
      wakeBy(state, ask.overAt)
      continue
    }
    giveUp(state, ask)
    strike(state, segment, ask)
  }
}

function strike(state: State, segment: Segment, ask: Ask): void {
  const peer = state.peers.get(ask.peer)
  if (!peer || peer.restsUntil > state.now) return
  peer.strikes++
  peer.restsUntil = state.now + Math.min(500 * peer.strikes, 8_000)
  emit(state, { type: 'trace', note: { kind: 'silent', peer: peer.id, key: segment.key } })
}

/** A straggler: somebody else would give the same bytes in less than half the time it still takes. */
function isBetterElsewhere(state: State, segment: Segment, ask: Ask): boolean {
  const left = state.now < ask.expectedAt ? ask.expectedAt - state.now : state.now - ask.sentAt
  if (left < stragglerMs) return false
  const giver = state.peers.get(ask.peer)
  if (giver && state.now - giver.lastPieceAt < givingMs) return false
  // What comes in good time is left to come: a request taken back has often been answered by then.
  const due = state.active.get(segment) ?? Infinity
  if (giver && isQueueing(state, giver) && state.now + 2 * left < due - state.config.marginMs - givingMs)
    return false
  for (const offer of usableOffers(state, segment)) {
    const peer = state.peers.get(offer.peer)!
    if (peer.id === ask.peer || peer.restsUntil > state.now || isUnreliable(peer) || peer.busy) continue
    if (!covers(offer, ask.offset, ask.length) || isFull(state, peer)) continue
    // Who cannot be asked is no reason to take it back: it would be asked of the same peer again, and so on.
    if (isTakenBack(peer, segment, ask.offset / blockBytes)) continue
    const finish = peer.rttMs + ((peer.askedBytes + ask.length) * 1000) / plannedBps(peer.goodput)
    if (finish < left / 2) return true
  }
  return false
}

/**
 * Its bytes may be on their way already. They are asked of others once the other side rejects it, or nothing came for a
 * while: asked at once, each second block would come twice. A start or seek cannot wait for that.
 */
function callBack(state: State, segment: Segment, ask: Ask): void {
  if (segment.wants.some(want => want.urgency !== 'play')) return giveUp(state, ask)
  cancel(state, ask)
  ask.recalledAt = state.now
  wakeBy(state, state.now + recallMs)
}

function giveUp(state: State, ask: Ask): void {
  if (ask.recalledAt === 0) cancel(state, ask)
  removeAsk(state, ask)
  state.peers.get(ask.peer)?.withdrawn.add(ask)
}

function cancel(state: State, { peer, n, offset, length }: Ask): void {
  emit(state, { type: 'send', peer, message: { type: 'cancel', n, offset, length }, key: null })
}

/**
 * How long one answer may take when nobody else has it: as long as a lease may be silent, or a third of the time left.
 * From outside the site the way is long and thin: half of the time left, and no other bound.
 */
function patienceMs(state: State, segment: Segment, peer: Peer): number {
  const left = (state.active.get(segment) ?? Infinity) - state.now
  return peer.place === 'outside' ? left / 2 : Math.min(state.config.silentMs, left / 3)
}

export function hearPiece(state: State, peer: Peer, piece: PieceMessage): Segment | null {
  const ask = findAsk(peer.asks, piece)
  for (const hungry of state.hungry) state.dirty.add(hungry)
  if (!ask) {
    const taken = settle(peer, piece)
    if (taken && isWelcome(state, taken, peer, piece)) return welcome(state, taken, peer, piece)
    if (!taken && ++peer.unsolicited > mostUnsolicited) state.leaving.set(peer.id, 'unsolicited')
    const key = state.byHash.get(peer.offers.get(piece.n)?.key ?? '')?.key ?? ''
    emit(state, { type: 'trace', note: { kind: 'duplicate', key, bytes: piece.length, from: peer.id } })
    return taken
  }
  const { segment } = ask
  removeAsk(state, ask)
  const started = Math.max(ask.sentAt, peer.lastPieceAt)
  peer.goodput = observeTransfer(peer.goodput, piece.length, state.now - started)
  hasGiven(state, peer, piece)
  allowMore(state, peer)
  const fresh = takeBlocks(state, segment, peer, piece)
  if (fresh > 0) segment.progressAt = state.now
  cancelAnswered(state, segment)
  if (fresh < piece.length) {
    emit(state, {
      type: 'trace',
      note: { kind: 'duplicate', key: segment.key, bytes: piece.length - fresh, from: peer.id },
    })
  }
  if ([...segment.offers].some(offer => offer.active)) segment.leased = true
  // Others hear of it once it is proven.
  checkBlocks(state, segment)
  return segment
}

/** An answer that crossed our taking it back, to what is still missing: it cost the same as any other. */
function isWelcome(state: State, segment: Segment, peer: Peer, piece: PieceMessage): boolean {
  if (segment.stored || segment.blocks.isWhole) return false
  if (!isShared(state, segment) || !isPartner(state, peer)) return false
  const offer = peer.offers.get(piece.n)
  if (!offer || !joins(state, segment, offer)) return false
  const end = Math.ceil((piece.offset + piece.length) / blockBytes)
  for (let index = piece.offset / blockBytes; index < end; index++)
    if (index < segment.blocks.count && segment.blocks.isMissing(index)) return true
  return false
}

function hasGiven(state: State, peer: Peer, piece: PieceMessage): void {
  peer.lastPieceAt = state.now
  peer.strikes = 0
  peer.lapses = 0
  peer.unconfirmed = 0
  peer.restsUntil = 0
  peer.declined.clear()
  peer.receivedBytes += piece.length
}

function welcome(state: State, segment: Segment, peer: Peer, piece: PieceMessage): Segment {
  hasGiven(state, peer, piece)
  const fresh = takeBlocks(state, segment, peer, piece)
  if (fresh > 0) segment.progressAt = state.now
  cancelAnswered(state, segment)
  checkBlocks(state, segment)
  return segment
}

/** Nobody need answer any more what is here. */
function cancelAnswered(state: State, segment: Segment): void {
  for (const ask of [...segment.asks]) if (isHere(segment, ask)) giveUp(state, ask)
}

function isHere(segment: Segment, { offset, length }: Ask): boolean {
  for (let index = offset / blockBytes; index * blockBytes < offset + length; index++)
    if (segment.blocks.isMissing(index)) return false
  return true
}

/** Blocks of this piece that were missing are here, and accepted a run at a time. Returns their bytes. */
function takeBlocks(state: State, segment: Segment, peer: Peer, piece: PieceMessage): number {
  const { blocks, key } = segment
  const end = Math.ceil((piece.offset + piece.length) / blockBytes)
  let fresh = 0
  for (let index = piece.offset / blockBytes; index < end; index++) {
    const offset = index * blockBytes
    let length = 0
    for (; index < end && blocks.isMissing(index) && blocks.lengthOf(index) > 0; index++) {
      length += blocks.lengthOf(index)
      blocks.receive(index, peer.id)
    }
    if (length === 0) continue
    fresh += length
    begin(state, segment)
    emit(state, { type: 'accept', key, offset, length })
  }
  return fresh
}

/** It has not what it offered: the offer is void. What we called back it still has, for others. */
export function hearReject(state: State, peer: Peer, reject: RejectMessage): Segment | null {
  const ask = findAsk(peer.asks, reject)
  if (!ask) return settle(peer, reject)
  removeAsk(state, ask)
  const offer = peer.offers.get(reject.n)
  if (ask.recalledAt > 0) decline(state, peer, ask)
  else if (offer) dropOffer(state, peer, offer)
  return ask.segment
}

/** What is worked on no more need not be remembered: a peer that only rejects shall not fill our memory. */
function decline(state: State, peer: Peer, ask: Ask): void {
  for (const old of peer.declined) if (!state.active.has(old.segment)) peer.declined.delete(old)
  peer.declined.add(ask)
}

/** Nothing more will come of this peer's outstanding answers. */
export function dropAsksOf(state: State, peer: Peer): void {
  for (const ask of [...peer.asks]) {
    state.dirty.add(ask.segment)
    removeAsk(state, ask)
  }
}

/** It has others to feed first: what was asked of it is asked elsewhere. */
export function takeBack(state: State, peer: Peer): void {
  for (const ask of [...peer.asks]) {
    state.dirty.add(ask.segment)
    giveUp(state, ask)
  }
}

export function cancelAsks(state: State, segment: Segment): void {
  for (const ask of [...segment.asks]) giveUp(state, ask)
}

/** A narrow uplink that gave us nothing lately: whether our turn comes there soon one block will tell. */
export function isUntried(state: State, peer: Peer): boolean {
  return isNarrow(state, peer) && state.now - peer.lastPieceAt > untriedMs
}

/** Its uplink is full, or soon is: an answer waits for its turn, and is not lost. */
export function isQueueing(state: State, peer: Peer): boolean {
  return peer.busy || isNarrow(state, peer)
}

/** It gives: what else is out there is not late before its turn has come at the pace seen now. */
function allowMore(state: State, peer: Peer): void {
  let ahead = 0
  for (const ask of peer.asks) {
    if (ask.recalledAt > 0) continue
    ahead += ask.length
    const dueMs = peer.rttMs + (ahead * 1000) / plannedBps(peer.goodput)
    ask.expectedAt = state.now + dueMs
    ask.lateAt = Math.max(ask.lateAt, state.now + Math.max(leastLateMs, 3 * dueMs))
    ask.overAt = Math.max(ask.overAt, state.now + Math.max(leastLateMs, 2 * dueMs))
    wakeBy(state, Math.min(ask.lateAt, ask.overAt))
  }
}

/** As much is out at this peer as it may be. */
export function isFull(state: State, peer: Peer): boolean {
  const isAsked = peer.asks.size + peer.withdrawn.size >= peer.hello.reqq
  return isAsked || peer.askedBytes >= askWindow(state, peer)
}

/** Two round trips' worth, and a tenth of a second of it: the pipe stays full while answers travel. */
function askWindow(state: State, peer: Peer): number {
  const { minAskWindowBytes, maxAskWindowBytes } = state.config
  if (peer.busy) return 0
  if (isUntried(state, peer)) return blockBytes
  const bytes = (plannedBps(peer.goodput) * 2 * (peer.rttMs + 100)) / 1000
  const least = isNarrow(state, peer) ? 2 * blockBytes : minAskWindowBytes
  return Math.min(Math.max(bytes, least), maxAskWindowBytes)
}

/**
 * We took back a request for this block, and the peer has not answered that, or has given nothing since: asking again
 * would go on for ever.
 */
export function isTakenBack(peer: Peer, segment: Segment, index: number): boolean {
  const offset = index * blockBytes
  const isOfThis = (ask: Ask) =>
    ask.segment === segment && ask.offset <= offset && offset < ask.offset + ask.length
  for (const ask of peer.withdrawn) if (isOfThis(ask)) return true
  for (const ask of peer.declined) if (isOfThis(ask)) return true
  return false
}

/** An answer is out that brings this block. */
export function isAsked(segment: Segment, index: number): boolean {
  const offset = index * blockBytes
  for (const ask of segment.asks) {
    if (ask.offset <= offset && offset < ask.offset + ask.length) return true
  }
  return false
}

/** All that is missing is asked for: what else is on offer changes nothing. */
export function isAllAsked(segment: Segment): boolean {
  const { blocks } = segment
  if (blocks.size === 0) return false
  let index = blocks.nextMissing(0)
  while (index >= 0 && isAsked(segment, index)) index = blocks.nextMissing(index + 1)
  return index < 0
}

interface Range {
  readonly n: number
  readonly offset: number
  readonly length: number
}

/** The answer to what was taken back: the peer may be asked for it again. Returns the segment, null when none was. */
function settle(peer: Peer, range: Range): Segment | null {
  const ask = findAsk(peer.withdrawn, range)
  if (ask) peer.withdrawn.delete(ask)
  return ask?.segment ?? null
}

function findAsk(asks: ReadonlySet<Ask>, range: Range): Ask | null {
  for (const ask of asks) {
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
