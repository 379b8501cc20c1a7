import { openClaim } from './claims.ts'
import type { EdgeReason } from './events.ts'
import { abortFetch, startFetch } from './fetches.ts'
import { plannedBps } from './goodput.ts'
import { turnOf } from './hash.ts'
import { blockBytes, type PeerId } from './messages.ts'
import { isWhole } from './offers.ts'
import { peersFinishMs, usableOffers } from './picker.ts'
import type { Fetch, InOffer, Segment } from './segment.ts'
import { bitrateBps, groupPeers, isShared } from './sharing.ts'
import { emit, type State, wakeBy } from './state.ts'
import { comesBefore, groupNeedAt, hasCompany, isCandidate, rankDelayMs, rankOf } from './turns.ts'

/**
 * When we go to the edge ourselves. The red line: no event may send a group there at once. Every way in is ranked,
 * and a visible lease on the same bytes beats any rank.
 */

/** Beyond this rank the waits do not grow: the first eight are already spread over seconds. */
const lastRank = 8

export function decideEdge(state: State, segment: Segment, dueAt: number): void {
  const wanted = segment.wants.length > 0
  if (segment.edgePolluted) return
  if (state.now < segment.edgeRetryAt) {
    segment.orphanSince = -1
    return wakeBy(state, segment.edgeRetryAt)
  }
  if (!isShared(state, segment)) {
    if (wanted && segment.fetches.size === 0)
      startFetch(state, segment, { from: firstMissing(segment), to: 0, claimTo: 0 }, 'unshared')
    return
  }
  voidLeases(state, segment, dueAt)
  const gap = findGap(state, segment)
  if (gap === null) {
    segment.orphanSince = -1
    if (wanted) rescue(state, segment, dueAt)
    return
  }
  if (segment.orphanSince < 0) segment.orphanSince = state.now
  segment.dangerSince = 0
  if (!wanted && !isOurDuty(state, segment)) {
    // The ranks' clock runs only while we could act: a wait spent unable must not let all ranks through at once.
    segment.orphanSince = -1
    return
  }
  const at = leaseAt(state, segment)
  if (state.now < at) return wakeBy(state, at)
  if (isLineFull(state, segment)) {
    // Everybody waits for the same line: when it frees, the ranks begin anew.
    segment.orphanSince = state.now
    return wakeBy(state, state.now + 100)
  }
  lease(state, segment, gap)
}

/** Two leases on the same bytes: one yields, keeping what it has. */
export function resolveConflict(state: State, segment: Segment, offer: InOffer): void {
  if (!offer.active || offer.source !== 'edge' || offer.voidSince > 0) return
  for (const fetch of [...segment.fetches]) {
    const meets = offer.from <= fetch.frontier && fetch.frontier < (offer.to > 0 ? offer.to : Infinity)
    if (!fetch.claim || !meets || keepsAgainst(state, segment, fetch, offer)) continue
    abortFetch(state, fetch, 'yielded')
    emit(state, { type: 'trace', note: { kind: 'yield', key: segment.key, to: offer.peer } })
  }
}

/** First missing byte that nothing under way will bring, or null. */
export function findGap(state: State, segment: Segment): { from: number; to: number } | null {
  const ways: { from: number; to: number }[] = []
  for (const fetch of segment.fetches)
    ways.push({ from: fetch.frontier - (fetch.frontier % blockBytes), to: fetchReach(fetch) })
  for (const ask of segment.asks) if (!ask.late) ways.push({ from: ask.offset, to: ask.offset + ask.length })
  for (const offer of usableOffers(state, segment)) {
    const peer = state.peers.get(offer.peer)!
    const counts = offer.active && offer.voidSince === 0 && offer.hops < ownHops(segment)
    const here = peer.restsUntil <= state.now ? offer.frontier : offer.from
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

/** A start's first bite stands for the whole until half of it is here: then it is extended or not. */
function fetchReach(fetch: Fetch): number {
  if (fetch.to === 0) return Infinity
  const isBite = fetch.claim !== null && fetch.claim.to === 0 && !fetch.extended
  return isBite && fetch.frontier < (fetch.from + fetch.to) / 2 ? Infinity : fetch.to
}

function ownHops(segment: Segment): number {
  let hops = Infinity
  for (const claim of segment.claims)
    if (claim.active && claim.source === 'relay') hops = Math.min(hops, claim.hops)
  return hops
}

function isOurDuty(state: State, segment: Segment): boolean {
  if (!isCandidate(state, segment) || !hasCompany(state, segment)) return false
  let media = 0
  for (const fetch of state.fetches.values()) if (fetch.what === 'media') media++
  return media < 2
}

/** When our turn comes. */
function leaseAt(state: State, segment: Segment): number {
  const want = segment.wants[0]
  if (extendable(segment)) return state.now
  const alone = groupPeers(state).length === 0
  const thin = isThin(state, segment)
  const { config } = state
  if (want && want.urgency !== 'play' && segment.blocks.isEmpty) {
    if (!thin) return want.since
    if (want.urgency === 'start')
      return want.since + Math.min(config.startRankMs * startRank(state, segment), config.maxStartRankMs)
  }
  if (alone) return segment.orphanSince
  const patience = want?.urgency === 'seek' && thin ? config.seekPatienceMs : 0
  const rank = Math.min(rankOf(state, segment, failedAt(segment)), lastRank)
  return segment.orphanSince + patience + rank * rankDelayMs(state)
}

/** Before anybody is connected the rank is a guess among those the tracker counts. */
function startRank(state: State, segment: Segment): number {
  if (groupPeers(state).length > 0) return rankOf(state, segment, failedAt(segment))
  return (turnOf(segment.entry.slot, state.self) / 4_294_967_296) * Math.max(0, state.policy.groupSize - 1)
}

function lease(state: State, segment: Segment, gap: { from: number; to: number }): void {
  if (goOutside(state, segment)) return
  const peers = groupPeers(state).length
  const alone = peers === 0 && state.policy.groupSize === 1
  const previous = extendable(segment)
  const urgent = segment.wants.some(want => want.urgency !== 'play')
  const isBite = previous !== null || (urgent && segment.blocks.isEmpty && !alone && isCompanyComing(state))
  let to = gap.to
  if (isBite) {
    const bite = previous ? (previous.to - previous.from) * 4 : state.config.startBytes
    to = to > 0 ? Math.min(to, gap.from + bite) : gap.from + bite
    if (segment.size > 0 && to >= segment.size) to = 0
  }
  if (previous) previous.extended = true
  const reason: EdgeReason = previous
    ? previous.reason
    : alone
      ? 'alone'
      : urgent
        ? 'start'
        : segment.blocks.isEmpty
          ? 'lease'
          : 'resume'
  const rank = peers === 0 ? 0 : rankOf(state, segment, failedAt(segment))
  emit(state, { type: 'trace', note: { kind: 'lease', key: segment.key, rank, from: gap.from } })
  startFetch(state, segment, { from: gap.from, to, claimTo: isBite ? 0 : gap.to }, reason)
}

/** Others are here or about to be: a connection takes 100 to 250 ms to set up. */
function isCompanyComing(state: State): boolean {
  if (state.policy.groupSize > 1 || state.policy.groupSize === 0)
    return groupPeers(state).length === 0 || state.now - state.groupSince < 2_000
  return false
}

/** A bite that is half here and may go on. */
function extendable(segment: Segment): Fetch | null {
  for (const fetch of segment.fetches) {
    if (fetch.to > 0 && !fetch.extended && fetch.claim?.to === 0 && fetchReach(fetch) !== Infinity)
      return fetch
  }
  return null
}

/** Outside peers that hold the whole stand for the edge, when it is our turn: the line carries it once either way. */
function goOutside(state: State, segment: Segment): boolean {
  if (segment.viaOutside || segment.wants.some(want => want.urgency !== 'play')) return false
  if (groupPeers(state).length === 0) return false
  for (const offer of segment.offers) {
    const peer = state.peers.get(offer.peer)
    if (peer?.place !== 'outside' || !isWhole(offer) || state.policy.wan === 'deny') continue
    segment.viaOutside = true
    openClaim(state, segment, 0, 0, 'edge', 0)
    state.dirty.add(segment)
    wakeBy(state, state.now)
    return true
  }
  return false
}

/** Stops counting on leases that are silent, or too slow for whoever needs them first. */
function voidLeases(state: State, segment: Segment, dueAt: number): void {
  const missing = missingBytes(segment)
  const edgeMs = edgeTimeMs(state, missing)
  for (const offer of segment.offers) {
    const end = offer.to > 0 ? offer.to : segment.size
    if (!offer.active || offer.voidSince > 0 || (end > 0 && offer.frontier >= end)) continue
    const need = Math.min(dueAt, groupNeedAt(state, segment))
    const spare = Math.max(need - state.config.marginMs - edgeMs - state.now, 0)
    const { minSilentMs, silentMs } = state.config
    const started = offer.frontier > offer.from ? 0 : 2 * state.edge.delayMs
    const patience = started + Math.min(Math.max(spare / 2, minSilentMs), silentMs)
    if (state.now - offer.grownAt >= patience) markVoid(state, segment, offer, 'silent')
    else {
      wakeBy(state, offer.grownAt + patience)
      if (isTooSlow(state, segment, offer, need, edgeMs)) markVoid(state, segment, offer, 'slow')
    }
  }
}

function isTooSlow(state: State, segment: Segment, offer: InOffer, need: number, edgeMs: number): boolean {
  if (offer.rateBps === 0 || segment.size === 0) return false
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
  if (why === 'slow') segment.dangerSince = segment.dangerSince || state.now
}

/**
 * Everything missing is on its way, but not in time. Only the missing part, and ranked: behind a slow lease backwards
 * from the end, so that the halves meet; otherwise the tail.
 */
function rescue(state: State, segment: Segment, dueAt: number): void {
  const missing = missingBytes(segment)
  if (missing === 0 || segment.fetches.size > 0) return
  const edgeMs = edgeTimeMs(state, missing)
  const latest = dueAt - state.config.marginMs - 1.25 * edgeMs
  if (state.now < latest) {
    segment.dangerSince = 0
    return wakeBy(state, latest)
  }
  const limit = Math.max(dueAt - state.config.marginMs, state.now + 1.5 * edgeMs + 100)
  if (state.now + finishMs(state, segment, missing) <= limit) {
    segment.dangerSince = 0
    return wakeBy(state, state.now + 100)
  }
  if (segment.dangerSince === 0) segment.dangerSince = state.now
  if (isThin(state, segment) && isLineFull(state, segment)) return wakeBy(state, state.now + 100)
  const rank = Math.min(rankOf(state, segment, failedAt(segment)), lastRank)
  const at = segment.dangerSince + rank * rankDelayMs(state)
  if (state.now < at) return wakeBy(state, at)
  takeTail(state, segment)
}

/** The last missing run: in bites from its end while a slow lease still moves, else all of it. */
function takeTail(state: State, segment: Segment): void {
  if (segment.size === 0) return
  let end = segment.blocks.count
  while (end > 0 && !segment.blocks.isMissing(end - 1)) end--
  let begin = end
  const moving = [...segment.offers].some(offer => offer.active && offer.voidWhy !== 'silent')
  const bite = moving ? Math.ceil(state.config.backwardsBytes / blockBytes) : end
  while (begin > 0 && end - begin < bite && segment.blocks.isMissing(begin - 1)) begin--
  const from = begin * blockBytes
  const to = end === segment.blocks.count ? 0 : end * blockBytes
  const rank = rankOf(state, segment, failedAt(segment))
  emit(state, { type: 'trace', note: { kind: 'lease', key: segment.key, rank, from } })
  startFetch(state, segment, { from, to, claimTo: to }, moving ? 'backwards' : 'tail')
}

/** Expected time until what is on its way is here, ms from now. */
function finishMs(state: State, segment: Segment, missing: number): number {
  let lease = Infinity
  let promised = 0
  for (const offer of segment.offers) {
    if (!offer.active || offer.voidSince > 0) continue
    const left = (offer.to > 0 ? offer.to : segment.size) - offer.frontier
    promised = Math.max(promised, left)
    const silence = Math.max(
      0,
      state.now - offer.grownAt - (4 * blockBytes * 1000) / Math.max(offer.rateBps, 1),
    )
    if (offer.rateBps > 0) lease = Math.min(lease, (left * 1000) / offer.rateBps + silence)
  }
  const overLan = peersFinishMs(state, segment, missing)
  return promised > 0 ? Math.max(lease, overLan) : overLan
}

/** A line that could not carry each viewer's own copy: as stated, or as seen. */
export function isThin(state: State, segment: Segment): boolean {
  const bitrate = bitrateBps(state, segment)
  const { lineKbps } = state.policy
  if (lineKbps > 0) return bitrate > 0 && lineKbps * 125 < state.config.thinCopies * bitrate
  const seen = edgeBps(state)
  return bitrate > 0 && seen > 0 && seen < state.config.thinCopies * bitrate
}

/** What we, or the best of the group, measured of the edge. */
function edgeBps(state: State): number {
  let best = state.edgeSeen ? state.edge.bps : 0
  for (const peer of groupPeers(state)) best = Math.max(best, peer.position?.edgeBps ?? 0)
  return best
}

/** On a thin line no more leases at once than it carries, the earliest deadline first. */
function isLineFull(state: State, segment: Segment): boolean {
  if (!isThin(state, segment)) return false
  const line = state.policy.lineKbps > 0 ? state.policy.lineKbps * 125 : edgeBps(state)
  let busy = 0
  for (const other of state.active.keys()) {
    if (other === segment) continue
    const isLeased =
      other.fetches.size > 0 ||
      [...other.offers].some(o => o.active && o.source === 'edge' && o.voidSince === 0)
    if (isLeased) busy += bitrateBps(state, other)
  }
  return busy > 0 && busy + bitrateBps(state, segment) > line
}

function failedAt(segment: Segment): Set<PeerId> {
  const failed = new Set<PeerId>()
  for (const offer of segment.offers) if (offer.voidSince > 0) failed.add(offer.peer)
  return failed
}

/** The lower turn keeps the lease, unless the other is half done and it is not. */
function keepsAgainst(state: State, segment: Segment, fetch: Fetch, offer: InOffer): boolean {
  const half = segment.size / 2
  const mineHalf = segment.size > 0 && fetch.frontier >= half
  const theirsHalf = segment.size > 0 && offer.frontier >= half
  if (mineHalf !== theirsHalf) return mineHalf
  const { slot } = segment.entry
  return comesBefore(turnOf(slot, state.self), state.self, turnOf(slot, offer.peer), offer.peer)
}

/** Time the edge would take for `bytes`, ms. */
function edgeTimeMs(state: State, bytes: number): number {
  return state.edge.delayMs + (bytes * 1000) / plannedBps(state.edge)
}

function missingBytes(segment: Segment): number {
  if (segment.size === 0) return blockBytes
  let bytes = 0
  for (let index = segment.blocks.nextMissing(0); index >= 0; index = segment.blocks.nextMissing(index + 1)) {
    bytes += segment.blocks.lengthOf(index)
  }
  return bytes
}

function firstMissing(segment: Segment): number {
  const index = segment.blocks.nextMissing(0)
  return Math.max(0, index) * blockBytes
}
