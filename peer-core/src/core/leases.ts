import { cancelAsks } from './asks.ts'
import { openClaim } from './claims.ts'
import { isExtraHolder } from './copies.ts'
import type { EdgeReason } from './events.ts'
import { abortFetch, startFetch } from './fetches.ts'
import { turnOf } from './hash.ts'
import { edgeTimeMs, isLineFull, isThin, isWide } from './line.ts'
import { helpsItselfAt } from './members.ts'
import { blockBytes } from './messages.ts'
import { isWhole } from './offers.ts'
import { isRefused } from './refusals.ts'
import { rescue } from './rescue.ts'
import { isFed, roleOf } from './roles.ts'
import type { Fetch, InOffer, Segment } from './segment.ts'
import { groupPeers, isPartner, isShared, joins, usableOffers } from './sharing.ts'
import { isAwaitedByStart } from './start.ts'
import { emit, type State, wakeBy } from './state.ts'
import { failedAt, findGap, isMoving, missingBytes, voidLeases } from './supply.ts'
import {
  groupNeedAt,
  hasCompany,
  isCandidate,
  isOutclassed,
  isUnreliable,
  lastRank,
  rankDelayMs,
  rankOf,
} from './turns.ts'
import { comesBefore } from './uplinks.ts'
import { dropUnproven } from './verification.ts'

/**
 * When we go to the edge ourselves. The red line: no event may send a group there at once. Every way in is ranked,
 * and a visible lease on the same bytes beats any rank.
 */

/** A full line is looked at again this often: what frees it may be nothing that we hear of. */
const lineLookMs = 100
/** Requests of ours to the edge for one segment at a time. */
const mostFetches = 4

/** Longer than this nobody waits for a wider uplink. */
const mostNarrowMs = 1_000
/** While the tracker has not spoken nobody is waited for longer than this. */
const unknownMs = 1_500
/** What a new link's peer has is here by then, unless it has nothing to say. */
const introductionMs = 300
/** So many leases in a row that others took again, and we leave our turns to others: each time twice as long. */
const mostOverruled = 2
const mostDoublings = 4

export function decideEdge(state: State, segment: Segment, dueAt: number): void {
  const wanted = segment.wants.length > 0
  if (segment.edgePolluted) return
  if (state.now < segment.edgeRetryAt) {
    segment.orphanSince = -1
    return wakeBy(state, segment.edgeRetryAt)
  }
  if (!isShared(state, segment)) {
    if (!wanted || segment.fetches.size > 0) return
    dropUnproven(state, segment)
    const from = segment.blocks.nextMissing(0) * blockBytes
    if (from >= 0) startFetch(state, segment, { from, to: 0 }, 'unshared')
    return
  }
  voidLeases(state, segment, dueAt)
  const gap = findGap(state, segment)
  if (gap === null) {
    segment.orphanSince = -1
    endBites(state, segment)
    if (wanted || isOurDuty(state, segment))
      rescue(state, segment, Math.min(dueAt, groupNeedAt(state, segment)))
    return
  }
  if (segment.orphanSince < 0) segment.orphanSince = state.now
  segment.dangerSince = 0
  if (!wanted && !isOurDuty(state, segment)) {
    // The ranks' clock runs only while we could act: a wait spent unable must not let all ranks through at once.
    segment.orphanSince = -1
    return
  }
  if (isLineFull(state, segment)) {
    // Everybody waits for the same line: when it frees, the ranks begin anew.
    segment.orphanSince = state.now
    return wakeBy(state, state.now + lineLookMs)
  }
  const at = leaseAt(state, segment, dueAt)
  if (state.now < at) return wakeBy(state, at)
  // Gaps open one block after the other where a peer falls silent: until a request ends, they grow together.
  if (segment.fetches.size >= mostFetches) return
  lease(state, segment, gap)
}

/**
 * Two leases on the same bytes: one yields, keeping what it has. Only to what it will then count on, and to each peer
 * once a segment: what was taken back from a peer would be taken back again, and the two would never come to rest.
 */
export function resolveConflict(state: State, segment: Segment, offer: InOffer): void {
  if (segment.fetches.size === 0 || !offer.active || offer.source === 'held') return
  voidLeases(state, segment, state.active.get(segment) ?? Infinity)
  if (offer.voidSince > 0 || segment.yieldedTo.has(offer.peer) || !mayJoin(state, segment, offer)) return
  const peer = state.peers.get(offer.peer)
  // Whoever the group cannot be fed by takes no lease away from it.
  if (peer?.place !== 'group' || peer.mode !== 'share' || !isPartner(state, peer)) return
  if (isUnreliable(peer) || peer.restsUntil > state.now) return
  for (const fetch of [...segment.fetches]) {
    const meets = offer.from <= fetch.frontier && fetch.frontier < (offer.to > 0 ? offer.to : Infinity)
    if (!fetch.claim || !meets || fetch.reason === 'rescue' || fetch.reason === 'share') continue
    if (offer.source === 'edge' ? keepsAgainst(state, segment, fetch, offer) : !isAheadOfUs(fetch, offer))
      continue
    if (offer.source === 'relay') segment.hasYielded = true
    segment.yieldedTo.add(offer.peer)
    abortFetch(state, fetch, 'yielded')
    emit(state, { type: 'trace', note: { kind: 'yield', key: segment.key, to: offer.peer } })
  }
}

/** Its bytes go with ours once our own request is gone: nothing is here, or they are of one lineage. */
function mayJoin(state: State, segment: Segment, offer: InOffer): boolean {
  return (segment.blocks.isEmpty && segment.asks.size === 0) || joins(state, segment, offer)
}

/**
 * What is relayed further than we are comes from a lease that we cannot see: its holder has no link to us. Believed
 * once a segment: nobody shall keep us from the edge by empty words.
 */
function isAheadOfUs(fetch: Fetch, offer: InOffer): boolean {
  const { segment, reason } = fetch
  return !segment.hasYielded && reason !== 'backwards' && offer.frontier > fetch.frontier + blockBytes
}

/** Where a group's uplinks cannot feed all of it, some take theirs from the edge though others have it. */
export function takeExtraCopy(state: State, segment: Segment): boolean {
  if (segment.fetches.size > 0 || groupPeers(state).length === 0) return false
  if (segment.wants.length === 0 && !isOurDuty(state, segment)) return false
  if (state.now < segment.edgeRetryAt || !isExtraHolder(state, segment)) return false
  const from = segment.blocks.nextMissing(0) * blockBytes
  if (from < 0) return false
  cancelAsks(state, segment)
  startFetch(state, segment, { from, to: 0 }, 'share')
  return true
}

function isOurDuty(state: State, segment: Segment): boolean {
  const isOurs = isCandidate(state, segment) && hasCompany(state, segment)
  if (!isOurs && !isAwaitedByStart(state, segment)) return false
  let media = 0
  for (const fetch of state.fetches.values()) if (fetch.what === 'media') media++
  return media < 2
}

/**
 * What others make of a lease of ours. Taken again by somebody who is behind us: our bytes do not reach them.
 */
export function judgeOurLease(state: State, segment: Segment, offer: InOffer): void {
  if (segment.leasedAt === 0 || state.now - segment.leasedAt < 2 * rankDelayMs(state)) return
  if (isWhole(offer)) {
    state.overruled = 0
    segment.leasedAt = 0
    return
  }
  const isBehind = offer.frontier < segment.blocks.reach(0, true)
  if (!offer.active || offer.source !== 'edge' || offer.from > 0 || !isBehind) return
  segment.leasedAt = 0
  state.overruled++
  if (state.overruled < mostOverruled) return
  const doublings = Math.min(state.overruled - mostOverruled, mostDoublings)
  state.abstainsUntil = state.now + state.config.abstainMs * (1 << doublings)
}

/** Others bring the rest of what a first bite began. */
function endBites(state: State, segment: Segment): void {
  for (const fetch of [...segment.fetches]) {
    if (fetch.frontier < fetch.biteTo || segment.size - fetch.frontier <= state.config.startBytes) continue
    if (!isRestElsewhere(state, segment, fetch) && !isLineFull(state, segment)) continue
    abortFetch(state, fetch, 'cancelled')
    state.dirty.add(segment)
  }
}

/** Somebody has more than our fetch has brought, and brings on. */
function isRestElsewhere(state: State, segment: Segment, fetch: Fetch): boolean {
  for (const offer of usableOffers(state, segment)) {
    const peer = state.peers.get(offer.peer)!
    if (peer.place !== 'group' || peer.restsUntil > state.now || isUnreliable(peer)) continue
    const isAhead = offer.from <= fetch.frontier && offer.frontier > fetch.frontier + blockBytes
    if (isWhole(offer) || (isAhead && isMoving(offer))) return true
  }
  return false
}

/** When our turn comes. */
function leaseAt(state: State, segment: Segment, dueAt: number): number {
  const want = segment.wants[0]
  const alone = groupPeers(state).length === 0
  const thin = isThin(state, segment)
  const { config } = state
  // A member sees its parents and nobody's leases: were it to help itself, hundreds would. What one without any link
  // measured by itself is no proof of a thin line, though; only what the operator stated is.
  if (thin && isFed(state) && !(alone && state.policy.lineKbps === 0))
    return (want?.since ?? segment.orphanSince) + config.thinMemberMs
  const refused = isRefused(state, segment)
  if (want && want.urgency !== 'play' && segment.blocks.isEmpty && !refused) {
    // In a crowd a link is here as soon as the playlists are, and all these first bites would add up.
    const isCrowd = alone && state.policy.groupSize > config.crowd
    if (isWide(state, segment))
      return want.since + (isCrowd && want.urgency === 'start' ? config.crowdLinkMs : 0)
    if (want.urgency === 'start') {
      const rankMs = Math.min(config.startRankMs * startRank(state, segment), config.maxStartRankMs)
      // The line would take longer than a link to a neighbour does.
      const isCompanyNear = alone && state.policy.groupSize > 1
      // Of a line that nobody knows yet the ranks begin anew when a lease ends: their time must not be over by then.
      const since = thin ? want.since : Math.max(want.since, segment.orphanSince)
      return since + rankMs + (isCompanyNear ? config.startLinkMs : 0)
    }
  }
  if (alone && roleOf(state.policy) === 'mesh') {
    // The first links are being made, and this can wait for them.
    const latest = dueAt - config.marginMs - 1.5 * edgeTimeMs(state, missingBytes(state, segment))
    const companyMs = state.policy.groupSize > 0 ? config.companyMs : Math.min(config.companyMs, unknownMs)
    return Math.max(segment.orphanSince, Math.min(state.companySince + companyMs, latest))
  }
  if (!alone && !isAnybodyHeard(state)) {
    const latest = dueAt - config.marginMs - 1.5 * edgeTimeMs(state, missingBytes(state, segment))
    return Math.max(segment.orphanSince, Math.min(state.groupSince + introductionMs, latest))
  }
  const patience = want?.urgency === 'seek' && thin ? config.seekPatienceMs : 0
  const rank = Math.min(rankOf(state, segment, failedAt(segment)), lastRank)
  const at =
    segment.orphanSince +
    patience +
    narrowMs(state, segment, dueAt) +
    rank * (thin ? thinRankDelayMs(state) : rankDelayMs(state))
  const isOthersTurn = isFed(state) || (alone && roleOf(state.policy) !== 'mesh')
  const feedsNobody = state.policy.mode !== 'share' || state.now < state.abstainsUntil
  const takesOnly = feedsNobody && hasCompany(state, segment)
  if (!isOthersTurn && !takesOnly) {
    // The line can carry it, and no turn is worth a stall: unless whose turn it is can do no better than we could.
    return thin || !want || refused
      ? at
      : Math.min(at, dueAt - config.marginMs - 1.25 * edgeTimeMs(state, missingBytes(state, segment)))
  }
  // What only takes feeds nobody with its copy, and a member is about to be fed: until its own time comes it waits.
  return isFed(state)
    ? helpsItselfAt(state, segment, dueAt)
    : Math.max(at, dueAt - config.marginMs - 1.5 * edgeTimeMs(state, missingBytes(state, segment)))
}

/** A link is open before its peer has said what it has: going by that, we would be the first of all, and alone. */
function isAnybodyHeard(state: State): boolean {
  return groupPeers(state).some(({ position }) => position !== null)
}

/** A narrow uplink cannot get a segment around: whose is wide, but heard later of it, is given a quarter of the time left. */
function narrowMs(state: State, segment: Segment, dueAt: number): number {
  if (!isOutclassed(state, segment)) return 0
  const left = Math.min(dueAt, groupNeedAt(state, segment)) - segment.orphanSince
  return Math.min(mostNarrowMs, Math.max(0, left / 4))
}

/**
 * On a thin line a copy too many costs more than a wait: the next rank gives the one before it the time that its
 * first block takes, since the two may have no link and only others' relays tell of it.
 */
function thinRankDelayMs(state: State): number {
  return Math.max(rankDelayMs(state), Math.min(edgeTimeMs(state, blockBytes), state.config.maxThinRankMs))
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
  const urgent = segment.wants.some(want => want.urgency !== 'play')
  const isBite = urgent && segment.blocks.isEmpty && !alone && isCompanyComing(state)
  const reason = reasonOf(segment, alone, urgent)
  const rank = peers === 0 ? 0 : rankOf(state, segment, failedAt(segment))
  emit(state, { type: 'trace', note: { kind: 'lease', key: segment.key, rank, from: gap.from } })
  const biteTo = isBite ? gap.from + state.config.startBytes : Infinity
  startFetch(state, segment, { ...gap, biteTo }, reason)
}

function reasonOf(segment: Segment, alone: boolean, urgent: boolean): EdgeReason {
  if (alone) return 'alone'
  if (urgent) return 'start'
  return segment.blocks.isEmpty ? 'lease' : 'resume'
}

/** Others are here or about to be: a connection takes 100 to 250 ms to set up. */
function isCompanyComing(state: State): boolean {
  if (state.policy.groupSize > 1 || state.policy.groupSize === 0)
    return groupPeers(state).length === 0 || state.now - state.groupSince < 2_000
  return false
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

/**
 * The lower turn keeps the lease, unless the other is half done and it is not. Whoever has been here for a while does
 * not give way to the first bite of a newcomer; of two newcomers the one that is further goes on, since what each
 * knows of the other is never more than the truth.
 */
function keepsAgainst(state: State, segment: Segment, fetch: Fetch, offer: InOffer): boolean {
  const half = segment.size / 2
  const mineHalf = segment.size > 0 && fetch.frontier >= half
  const theirsHalf = segment.size > 0 && offer.frontier >= half
  if (mineHalf !== theirsHalf) return mineHalf
  const { candidateAgeMs } = state.config
  const areTheyNew = state.now - (state.peers.get(offer.peer)?.joinedAt ?? 0) < candidateAgeMs
  const amINew = state.now - state.groupSince < candidateAgeMs
  if (areTheyNew && !amINew) return true
  if (areTheyNew && offer.frontier !== fetch.frontier) return fetch.frontier > offer.frontier
  return comesBefore(state, segment.entry.slot, state.self, offer.peer)
}
