import type { PeerId } from './messages.ts'
import type { Peer } from './peer.ts'
import { refusalsOf } from './refusals.ts'
import { areFetchersHeard, isFed, isFetcher } from './roles.ts'
import type { Segment } from './segment.ts'
import { groupPeers } from './sharing.ts'
import { bufferedMs, type State } from './state.ts'
import { classOf, comesBefore, peerUplinkClass } from './uplinks.ts'

/**
 * Whose turn it is to take a segment from the edge. Everybody computes the same order from what everybody sees; where
 * the views differ, the visible lease decides (leases.ts).
 */

/** Peers that went by this segment, or are this far from it, do not come to fetch it. */
const reachMs = 30_000

/**
 * Positions are told every second or two. Who goes by what it was told would see itself first at what just came within
 * everybody's reach, and so would all others; a peer counted too early costs it a rank.
 */
const staleMs = 3_000

/**
 * Links to a group come one by one. Who counted itself in before the last of its neighbours does would see itself
 * first, and so would that neighbour.
 */
const settlingMs = 500

/** Beyond this rank the waits do not grow: the first eight are already spread over seconds. */
export const lastRank = 8

/** Our place in the order: 0 is first. `except`: peers that failed at it. */
export function rankOf(state: State, segment: Segment, except: ReadonlySet<PeerId>): number {
  const { slot } = segment.entry
  const eligible = isCandidate(state, segment)
  const refused = refusalsOf(segment, state.self)
  let rank = 0
  for (const peer of groupPeers(state)) {
    if (peer.mode !== 'share' || except.has(peer.id)) continue
    const theirs = isPeerCandidate(state, segment, peer)
    if (state.policy.mode !== 'share' || (theirs && !eligible)) rank++
    else if (theirs === eligible) {
      const fewer = refused - refusalsOf(segment, peer.id)
      if (fewer > 0 || (fewer === 0 && comesBefore(state, slot, peer.id, state.self))) rank++
    }
  }
  return rank
}

/** Distance between two ranks: 2 × p95 of the group's round trips, within bounds. */
export function rankDelayMs(state: State): number {
  const rtts = groupPeers(state)
    .map(peer => peer.rttMs)
    .sort((a, b) => a - b)
  const p95 = rtts[Math.floor(0.95 * (rtts.length - 1))] ?? 0
  return Math.min(Math.max(2 * p95, state.config.minRankDelayMs), state.config.maxRankDelayMs)
}

/** Are we one of those whose turn it can be, without our player asking? */
export function isCandidate(state: State, segment: Segment): boolean {
  if (state.policy.mode !== 'share' || state.groupSince < 0) return false
  const { candidateAgeMs } = state.config
  if (state.now - state.groupSince < candidateAgeMs + settlingMs || state.now < state.abstainsUntil)
    return false
  if (isFed(state)) return false
  const { player } = state
  return player !== null && !player.paused && player.tracks.includes(segment.track)
}

/** Our uplink carries the stream hardly once, and that of another whose turn it could be several times. */
export function isOutclassed(state: State, segment: Segment): boolean {
  const own = classOf(state, state.self)
  if (own > 1) return false
  return groupPeers(state).some(
    peer => peerUplinkClass(state, peer) >= own + 2 && isPeerCandidate(state, segment, peer),
  )
}

/** Does anyone else here play this track? */
export function hasCompany(state: State, segment: Segment): boolean {
  return groupPeers(state).some(peer => peer.position?.tracks.includes(segment.track) ?? false)
}

function isPeerCandidate(state: State, segment: Segment, peer: Peer): boolean {
  const { position } = peer
  if (!position || position.paused || peer.busy || isUnreliable(peer)) return false
  if (state.now - peer.joinedAt < state.config.candidateAgeMs) return false
  if (areFetchersHeard(state) && !isFetcher(state, peer)) return false
  if (!position.tracks.includes(segment.track)) return false
  const { seq, durationMs } = segment.entry
  if (seq < position.seq - 1) return false
  return (
    (seq - position.seq) * durationMs + position.bufferMs <=
    Math.max(reachMs, state.player?.goalMs ?? 0) + staleMs
  )
}

/** Its leases or its answers come to nothing: neither its rank nor its word counts until it gives something. */
export function isUnreliable(peer: Peer): boolean {
  return peer.lapses >= 2 || peer.strikes >= 2
}

/** When the group's hungriest viewer of this track needs the segment, as far as they told; our own need apart. */
export function groupNeedAt(state: State, segment: Segment): number {
  if (segment.groupNeed.as !== state.needs)
    segment.groupNeed = { at: findNeed(state, segment), as: state.needs }
  return segment.groupNeed.at
}

function findNeed(state: State, segment: Segment): number {
  let need = Infinity
  for (const peer of groupPeers(state)) {
    const { position } = peer
    if (!position || position.paused || !position.tracks.includes(segment.track)) continue
    const ahead = (segment.entry.seq - position.seq) * segment.entry.durationMs
    if (ahead < 0) continue
    need = Math.min(need, position.at + (position.bufferMs + ahead) / Math.max(position.rate, 0.1))
  }
  return need
}

/** Our own need of a segment nobody asked for yet: when the playhead comes to it. */
export function ownNeedAt(state: State, segment: Segment, playhead: number): number {
  const { player } = state
  if (!player || player.paused || !player.tracks.includes(segment.track)) return Infinity
  const aheadMs = Math.max(segment.entry.startMs - playhead, bufferedMs(state) > 0 ? 0 : -1)
  return state.now + aheadMs / Math.max(player.rate, 0.1)
}
