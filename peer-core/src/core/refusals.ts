import type { EdgeFailure } from './events.ts'
import type { PeerId } from './messages.ts'
import type { Peer } from './peer.ts'
import type { InOffer, Segment } from './segment.ts'
import { groupPeers } from './sharing.ts'
import type { State } from './state.ts'

/**
 * The edge answers, and gives nothing: 503, 429, no connection. Everybody's deadline passes while it lasts, and whoever
 * then tried alone, again and again, would come in the very moment in which it ends, and so would all others (the red
 * line, DESIGN §7). So a group tries together: one at a time, those first who were refused least, and everybody hears
 * how it went. See docs/decisions/0021.
 */

/** What is known of an edge that refuses a segment. */
export interface Refusals {
  count: number
  /** The first since the player asked, and the latest. */
  since: number
  at: number
  /** When bytes came after all; 0 not yet. */
  endedAt: number
  readonly by: Map<PeerId, number>
}

/** Wait after the first refusal, what each further one adds, and the most. */
const firstWaitMs = 150
const stepWaitMs = 50
const longestWaitMs = 250
/** So long after the latest one the edge is taken to refuse still. */
const lastingMs = 2_000
/** The player hears of it after so long: it may know another way. */
const hopelessMs = 5_000
/** Refusals told by one peer that nothing else confirms: more do not make us wait. */
const mostUnconfirmed = 3
/** `Retry-After` is obeyed up to here. */
const longestAfterMs = 4_000
/** A member of a large group leaves trying to its fetchers for so long; doubled each time that it was refused itself. */
const memberWaitMs = 1_000
const mostDoublings = 3
/** What comes at last is given so long to reach everybody. */
const aroundMs = 400

/** An attempt of our own came to nothing. */
export function noteRefusal(state: State, segment: Segment, reason: EdgeFailure, retryAfterMs: number): void {
  note(state, segment, state.self)
  for (const peer of groupPeers(state)) peer.unconfirmed = 0
  const afterMs = Math.min(retryAfterMs, longestAfterMs)
  segment.edgeRetryAt = Math.max(segment.edgeRetryAt, state.now + afterMs)
  segment.edgeFailure = reason
  state.isFailing = true
}

/** Somebody's lease ended before a byte of it came. */
export function hearRefusal(state: State, peer: Peer, offer: InOffer): void {
  const segment = state.byHash.get(offer.key)
  if (!segment || peer.place !== 'group' || peer.unconfirmed >= mostUnconfirmed) return
  peer.unconfirmed++
  note(state, segment, peer.id)
}

function note(state: State, segment: Segment, by: PeerId): void {
  if (segment.refusals === null || segment.refusals.endedAt > 0)
    segment.refusals = { count: 0, since: state.now, at: 0, endedAt: 0, by: new Map() }
  const { refusals } = segment
  const waitMs = Math.min(firstWaitMs + refusals.count * stepWaitMs, longestWaitMs)
  refusals.count++
  refusals.at = state.now
  refusals.by.set(by, (refusals.by.get(by) ?? 0) + 1)
  segment.edgeRetryAt = Math.max(segment.edgeRetryAt, state.now + waitMs)
}

export function isRefused(state: State, segment: Segment): boolean {
  const { refusals } = segment
  return refusals !== null && refusals.endedAt === 0 && state.now - refusals.at < lastingMs
}

/** Bytes come, to us or to somebody. */
export function endRefusals(state: State, segment: Segment): void {
  if (segment.refusals?.endedAt === 0) segment.refusals.endedAt = state.now
}

/** How often somebody was refused: who was less often comes first. */
export function refusalsOf(segment: Segment, id: PeerId): number {
  return segment.refusals?.by.get(id) ?? 0
}

/**
 * Bytes come after all, when everybody's time may be over, and everybody hears of it at once: till then what comes is
 * given the time to go round.
 */
export function goesRoundUntil({ refusals }: Segment): number {
  return refusals !== null && refusals.endedAt > 0 ? refusals.endedAt + aroundMs : -Infinity
}

/**
 * Till when a member leaves it to its parents, who try for it. `share`: of its group, 0 to 1, so many come before it;
 * `spreadMs`: what it keeps from the first of them.
 */
export function memberWaitsUntil(state: State, segment: Segment, share: number, spreadMs: number): number {
  const { refusals } = segment
  if (refusals === null) return -Infinity
  if (refusals.endedAt > 0) return goesRoundUntil(segment) + spreadMs
  const doublings = Math.min(Math.max(0, refusalsOf(segment, state.self) - 1), mostDoublings)
  return refusals.at + memberWaitMs * (1 + share) * (1 << doublings)
}

/** We know it ourselves, and it has lasted: the player shall be told. */
export function isHopelesslyRefused(state: State, segment: Segment): boolean {
  const { refusals } = segment
  if (refusals === null || refusalsOf(segment, state.self) === 0) return false
  return isRefused(state, segment) && state.now - refusals.since >= hopelessMs
}
