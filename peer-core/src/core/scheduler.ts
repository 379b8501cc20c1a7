import { cancelAsks } from './asks.ts'
import { fromEdge } from './blocks.ts'
import { claimWhole, closeClaim, isOffered, openClaim } from './claims.ts'
import { noteFed } from './copies.ts'
import type { Origin, TrackPath } from './events.ts'
import { abortFetch, isListComing, needHashes } from './fetches.ts'
import { decideEdge, takeExtraCopy } from './leases.ts'
import { isWhole } from './offers.ts'
import { askPeers } from './picker.ts'
import { isRarest } from './rarest.ts'
import { evict, makeRoom } from './retention.ts'
import type { InOffer, Segment } from './segment.ts'
import { isProvable, isShared } from './sharing.ts'
import { isHeldBack } from './start.ts'
import { bufferedMs, emit, playheadMs, type State, type TrackWindow, wakeBy } from './state.ts'
import { isPromising } from './supply.ts'
import { swapForWhole } from './swap.ts'
import { isUnreliable, ownNeedAt, rankDelayMs, rankOf } from './turns.ts'
import { needsList } from './verification.ts'

/** Looks again at each segment that something happened to, and at those whose time has come. */

/** Times that one segment is relayed. */
const mostRelays = 3

/** Segments ahead of the player that are looked at, however long the buffer goal. */
const mostAhead = 32

export function schedule(state: State): void {
  if (state.dirty.size === 0 && state.now < state.dueAt) return wakeBy(state, state.dueAt)
  for (const segment of state.active.keys()) if (segment.wakeAt <= state.now) state.dirty.add(segment)
  for (let round = 0; state.dirty.size > 0 && round < 8; round++) {
    const dirty = [...state.dirty]
    if (dirty.length > 1) dirty.sort((a, b) => needOf(state, a) - needOf(state, b))
    state.dirty.clear()
    for (const segment of dirty) evaluateAlone(state, segment)
  }
  state.dueAt = Infinity
  for (const segment of state.active.keys()) state.dueAt = Math.min(state.dueAt, segment.wakeAt)
  wakeBy(state, state.dueAt)
}

/** What a segment asks to be woken for is kept with it: other inputs must not lose it. */
function evaluateAlone(state: State, segment: Segment): void {
  const others = state.wake
  state.wake = Infinity
  evaluate(state, segment)
  segment.wakeAt = state.wake
  state.wake = others
}

/** The segments being worked on: what the player asked for, and what lies ahead of it within its buffer goal. */
export function refreshActive(state: State): void {
  state.refreshedAt = state.now
  const before = new Set(state.active.keys())
  state.active.clear()
  const playhead = playheadMs(state)
  for (const key of state.wantedKeys.values()) {
    const segment = state.segments.get(key)
    if (segment) activate(state, segment, wantedAt(segment))
  }
  for (const track of state.player?.tracks ?? []) {
    const window = state.windows.get(track)
    if (window)
      for (const segment of ahead(state, window, playhead))
        activate(state, segment, ownNeedAt(state, segment, playhead))
  }
  const left = [...before].filter(segment => !state.active.has(segment))
  for (const segment of left) leave(state, segment)
  if (left.some(segment => !segment.stored)) makeRoom(state, null)
  for (const segment of state.active.keys()) {
    // The ranks' clock starts when a segment comes within reach, not when a long playlist first named it.
    if (!before.has(segment)) segment.orphanSince = -1
    state.dirty.add(segment)
  }
}

function activate(state: State, segment: Segment, dueAt: number): void {
  if (segment.stored && segment.wants.length === 0) return
  const known = state.active.get(segment)
  state.active.set(segment, known === undefined ? dueAt : Math.min(known, dueAt))
}

/** Nobody here needs it now: requests to peers end; a lease goes on while others follow it. */
function leave(state: State, segment: Segment): void {
  state.hungry.delete(segment)
  segment.wakeAt = Infinity
  if (segment.stored) return
  // Played, whole and unproven: others still wait for the proof.
  if (segment.blocks.isWhole) return needHashes(state, segment)
  cancelAsks(state, segment)
  for (const fetch of [...segment.fetches]) {
    if (!hasFollowers(state, segment)) abortFetch(state, fetch, 'cancelled')
  }
}

function hasFollowers(state: State, segment: Segment): boolean {
  for (const peer of state.peers.values()) {
    if (peer.serving.some(serving => serving.segment === segment)) return true
    if (peer.place === 'group' && peer.position?.tracks.includes(segment.track)) return true
  }
  return false
}

function evaluate(state: State, segment: Segment): void {
  finish(state, segment)
  if (segment.stored && segment.wants.length === 0) {
    state.active.delete(segment)
    state.hungry.delete(segment)
    return
  }
  const dueAt = state.active.get(segment)
  if (dueAt === undefined) return
  if (isShared(state, segment)) swapForWhole(state, segment)
  if (isShared(state, segment) && takeExtraCopy(state, segment)) return
  if (isShared(state, segment) && isNear(state, segment)) {
    if (askPeers(state, segment)) state.hungry.add(segment)
    else state.hungry.delete(segment)
    relay(state, segment)
    digestInTime(state, segment)
  }
  decideEdge(state, segment, dueAt)
}

/**
 * Wanted, or so little ahead that it is worth having. While a viewer waits for the first frame nothing ahead is: taking
 * and proving it costs the thread that shows the frame.
 */
function isNear(state: State, segment: Segment): boolean {
  if (segment.wants.length > 0) return true
  if (state.now < state.startsUntil) {
    wakeBy(state, state.startsUntil)
    return false
  }
  return countAhead(state, segment) < state.config.prefetchSegments || isRarest(state, segment)
}

/** Delivers what is whole, keeps what is proven. */
function finish(state: State, segment: Segment): void {
  if (!segment.blocks.isWhole) return
  if (segment.blocks.isVerified && !segment.stored) keep(state, segment)
  if (segment.wants.length === 0 || !isPlayable(state, segment) || isHeldBack(state, segment)) return
  const bytes = bytesByPlace(state, segment)
  if (bytes.edge === 0 && bytes.group > 0) noteFed(state)
  const origin: Origin = bytes.edge * 2 >= segment.size ? 'edge' : segment.leased ? 'leased' : 'held'
  for (const want of segment.wants.splice(0)) {
    state.wantedKeys.delete(want.id)
    emit(state, {
      type: 'deliver',
      id: want.id,
      key: segment.key,
      origin,
      size: segment.size,
      edgeBytes: bytes.edge,
      groupBytes: bytes.group,
      outsideBytes: bytes.outside,
      edgeBps: segment.edgeBps,
      verified: segment.blocks.isVerified && isProvable(state, segment),
    })
  }
  segment.usedAt = state.now
  if (segment.stored && !isShared(state, segment)) evict(state, segment)
}

function keep(state: State, segment: Segment): void {
  segment.stored = true
  segment.usedAt = state.now
  state.begun.delete(segment)
  state.kept.add(segment)
  state.heldBytes += segment.size
  for (const fetch of [...segment.fetches]) {
    if (fetch.frontier < (fetch.to > 0 ? fetch.to : segment.size)) abortFetch(state, fetch, 'cancelled')
  }
  cancelAsks(state, segment)
  if (isShared(state, segment)) {
    claimWhole(state, segment)
    emit(state, { type: 'store', key: segment.key, size: segment.size })
  }
  makeRoom(state, segment)
}

/** Own edge bytes may be played before their proof; peers' bytes never (DESIGN §8.3). */
function isPlayable(state: State, segment: Segment): boolean {
  if (segment.blocks.isVerified) return true
  if (segment.hashes === 'known' && isShared(state, segment)) return false
  for (let index = 0; index < segment.blocks.count; index++) {
    if (segment.blocks.stateOf(index) === 'received' && segment.blocks.sourceOf(index) !== fromEdge)
      return false
  }
  return true
}

/** What we get through others we pass on: a claim one hop further than its source. */
function relay(state: State, segment: Segment): void {
  if (segment.blocks.isEmpty || segment.stored || segment.blocks.reach(0, true) === 0) return
  endRelays(state, segment)
  if (isOffered(segment) && !mayRelayAgain(segment)) return
  let hops = Infinity
  const reach = segment.claims.length > 0 ? segment.blocks.reach(0, true) : -1
  for (const offer of segment.offers)
    if (feeds(state, offer) && offer.frontier > reach) hops = Math.min(hops, offer.hops + 1)
  if (hops === Infinity) return
  segment.relays++
  openClaim(state, segment, 0, 0, 'relay', hops)
}

/**
 * Its fetcher died, and a relay of ours with it; another fetcher goes on, and new bytes of it came. So many times and no
 * more: relays that end and begin anew, with nobody behind them, would feed each other for ever.
 */
function mayRelayAgain(segment: Segment): boolean {
  if (segment.relays >= mostRelays) return false
  const reach = segment.blocks.reach(0, true)
  return segment.claims.every(claim => !claim.active && claim.source === 'relay' && claim.end < reach)
}

function feeds(state: State, offer: InOffer): boolean {
  const peer = state.peers.get(offer.peer)
  if (!peer || isUnreliable(peer)) return false
  return (offer.active && offer.voidSince === 0) || isWhole(offer)
}

/** A relay whose own source ended promises nothing more. */
function endRelays(state: State, segment: Segment): void {
  for (const claim of segment.claims) {
    if (!claim.active || claim.source !== 'relay') continue
    const fed = [...segment.offers].some(offer => feeds(state, offer) && offer.hops < claim.hops)
    const isAnswered = [...segment.asks].some(ask => isPromising(state, ask))
    if (!fed && !isAnswered && segment.fetches.size === 0) closeClaim(state, segment, claim, 'failed')
  }
}

/** Peers gave bytes but no list to prove them by: after a while it comes from the edge, again by rank. */
function digestInTime(state: State, segment: Segment): void {
  if (!isProvable(state, segment) || segment.hashes !== 'none' || !needsList(segment)) return
  if (segment.blocks.isEmpty) return
  if (state.now < segment.hashesRetryAt) return wakeBy(state, segment.hashesRetryAt)
  const isFetcher = segment.claims.some(claim => claim.source === 'edge')
  if (isFetcher && !isListComing(state, segment)) return needHashes(state, segment)
  const patience =
    Math.min(500, segment.entry.durationMs / 4) + rankOf(state, segment, new Set()) * rankDelayMs(state)
  if (segment.digestDueAt === 0) segment.digestDueAt = state.now + patience
  if (state.now >= segment.digestDueAt) needHashes(state, segment)
  else wakeBy(state, segment.digestDueAt)
}

function ahead(state: State, window: TrackWindow, playhead: number): Segment[] {
  const { segments } = window
  const goal = playhead + Math.max(state.player?.goalMs ?? 0, 0)
  const found: Segment[] = []
  for (
    let index = firstAfter(window, playhead);
    index < segments.length && found.length < mostAhead;
    index++
  ) {
    const segment = segments[index]!
    if (segment.entry.startMs > goal) break
    if (segment.entry.seq < 0 || segment.stored || segment.isPushedOut) continue
    if (!isPassed(state, segment, playhead)) found.push(segment)
  }
  return found
}

/** Index of the first segment whose middle lies after `mediaMs`. Init segments lie at the start and are passed over. */
function firstAfter(window: TrackWindow, mediaMs: number): number {
  const { segments } = window
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { seq, startMs, durationMs } = segments[middle]!.entry
    if (seq < 0 || startMs + durationMs / 2 <= mediaMs) low = middle + 1
    else high = middle
  }
  return low
}

/** The player has this media already: what it plays now lies in its buffer. */
function isPassed(state: State, segment: Segment, playhead: number): boolean {
  const { player } = state
  if (!player) return false
  return (
    segment.wants.length === 0 &&
    segment.entry.startMs + segment.entry.durationMs / 2 < playhead + Math.max(0, player.bufferMs)
  )
}

/** Incomplete segments of this track that come before it. */
function countAhead(state: State, segment: Segment): number {
  let count = 0
  for (const other of state.active.keys()) {
    if (
      other !== segment &&
      other.track === segment.track &&
      !other.stored &&
      other.entry.seq < segment.entry.seq
    )
      count++
  }
  return count
}

function wantedAt(segment: Segment): number {
  let at = Infinity
  for (const want of segment.wants) at = Math.min(at, want.deadline)
  return at
}

function needOf(state: State, segment: Segment): number {
  return state.active.get(segment) ?? Infinity
}

function bytesByPlace(state: State, segment: Segment): { edge: number; group: number; outside: number } {
  const bytes = { edge: 0, group: 0, outside: 0 }
  for (const [source, count] of segment.blocks.bytesBySource()) {
    if (source === fromEdge) bytes.edge += count
    else if (state.outsiders.has(source)) bytes.outside += count
    else bytes.group += count
  }
  return bytes
}

/** Sequence number the player needs next on a track. */
export function nextNeeded(state: State, track: TrackPath): number {
  const window = state.windows.get(track)
  const { player } = state
  if (!window || !player) return 0
  const end = playheadMs(state) + bufferedMs(state)
  const next = window.segments[firstAfter(window, end)]
  if (next) return next.entry.seq
  const last = window.segments[window.segments.length - 1]
  return last ? last.entry.seq + 1 : 0
}
