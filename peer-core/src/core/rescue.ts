import { isQueueing } from './asks.ts'
import { noteRescue } from './copies.ts'
import { startFetch } from './fetches.ts'
import { edgeTimeMs, isLineFull, isThin, isWide } from './line.ts'
import { helpsItselfAt } from './members.ts'
import { blockBytes } from './messages.ts'
import { goesRoundUntil } from './refusals.ts'
import { isFed } from './roles.ts'
import type { Segment } from './segment.ts'
import { emit, type State, wakeBy } from './state.ts'
import { failedAt, finishMs, isMoving, missingBytes } from './supply.ts'
import { lastRank, rankDelayMs, rankOf } from './turns.ts'

/**
 * Everything missing is on its way, but not in time. Only the missing part, and ranked: behind a slow lease backwards
 * from the end, so that the halves meet; otherwise the tail.
 */
export function rescue(state: State, segment: Segment, dueAt: number): void {
  const missing = missingBytes(state, segment)
  if (missing === 0 || segment.fetches.size > 0) return
  const edgeMs = edgeTimeMs(state, missing)
  const latest = dueAt - state.config.marginMs - 1.25 * edgeMs
  const isSlow = [...segment.offers].some(offer => offer.active && offer.voidWhy === 'slow')
  if (state.now < latest && !isSlow) {
    segment.dangerSince = 0
    return wakeBy(state, latest)
  }
  const limit = Math.max(dueAt - state.config.marginMs, state.now + 1.5 * edgeMs + 100)
  const isStuck = state.now > stuckAt(state, segment, dueAt)
  const isThinLine = isThin(state, segment)
  const mayTakeAll = isWide(state, segment)
  const last = dueAt - state.config.marginMs / 2 - 1.1 * edgeMs
  // Who waits in a queue knows little of when its turn comes.
  if (state.now >= last && mayTakeAll && segment.wants.length > 0 && isQueued(state, segment))
    return takeAll(state, segment)
  if (!isStuck && state.now + finishMs(state, segment, missing) <= limit) {
    segment.dangerSince = 0
    return wakeBy(state, last > state.now ? Math.min(last, state.now + 100) : state.now + 100)
  }
  const aroundAt = goesRoundUntil(segment)
  if (state.now < aroundAt) return wakeBy(state, aroundAt)
  if (isFed(state)) {
    // Its place among those whom it sees says nothing: hundreds are first among theirs.
    const patientUntil = (segment.wants[0]?.since ?? Infinity) + state.config.thinMemberMs
    const at = isThinLine ? patientUntil : helpsItselfAt(state, segment, dueAt)
    if (state.now < at) return wakeBy(state, at)
  }
  // Its lease has the line, or shares it: one more would take from it what it brings.
  if (isThinLine && !isSlow && [...segment.offers].some(isMoving)) return wakeBy(state, state.now + 100)
  if (mayTakeAll && segment.wants.length > 0) {
    // The line can carry it, and no turn is worth a stall.
    if (state.now >= last && !isYoung(state, segment)) return takeAll(state, segment)
    if (state.now < last) wakeBy(state, last)
  }
  if (isBeingRescued(segment) || isYoung(state, segment)) return wakeBy(state, state.now + 100)
  if (segment.dangerSince === 0) segment.dangerSince = state.now
  if (isThinLine && isLineFull(state, segment)) {
    // Everybody waits for the same line: when it frees, the ranks begin anew.
    segment.dangerSince = state.now
    return wakeBy(state, state.now + 100)
  }
  const rank = Math.min(rankOf(state, segment, failedAt(segment)), lastRank)
  const at = segment.dangerSince + rank * rankDelayMs(state)
  if (state.now < at) return wakeBy(state, at)
  takeTail(state, segment)
}

/** From when on nothing having come means that nothing will. A start or seek is due at once: it gets less time. */
function stuckAt(state: State, segment: Segment, dueAt: number): number {
  const { silentMs, minSilentMs, urgentSilentMs } = state.config
  let at = Math.max(segment.progressAt, dueAt - silentMs) + minSilentMs
  for (const want of segment.wants) {
    at = Math.max(at, want.since + (want.urgency === 'play' ? minSilentMs : urgentSilentMs))
  }
  return at
}

/** A lease is given the time of a first byte before it is judged. */
function isYoung(state: State, segment: Segment): boolean {
  const grace = Math.max(state.config.minSilentMs, 2 * state.edge.delayMs)
  for (const offer of segment.offers) {
    if (offer.source === 'edge' && offer.active && offer.voidSince === 0 && state.now - offer.since < grace)
      return true
  }
  return false
}

/** An answer is awaited from an uplink that is full. */
function isQueued(state: State, segment: Segment): boolean {
  for (const ask of segment.asks) {
    const peer = state.peers.get(ask.peer)
    if (peer && isQueueing(state, peer)) return true
  }
  return false
}

/** Somebody has taken the tail already: one at a time. */
function isBeingRescued(segment: Segment): boolean {
  for (const offer of segment.offers) {
    const end = offer.to > 0 ? offer.to : segment.size
    if (offer.source === 'edge' && offer.from > 0 && isMoving(offer) && offer.frontier < end) return true
  }
  return false
}

/** Everything from the first missing byte on, for ourselves. */
function takeAll(state: State, segment: Segment): void {
  const from = segment.blocks.nextMissing(0) * blockBytes
  emit(state, { type: 'trace', note: { kind: 'lease', key: segment.key, rank: 0, from } })
  startFetch(state, segment, { from, to: 0 }, 'rescue')
  if (segment.wants.every(want => want.urgency === 'play'))
    noteRescue(state, segment.size > 0 ? missingBytes(state, segment) / segment.size : 1)
}

/** The last missing run: in bites from its end while a slow lease still moves, else all of it. */
function takeTail(state: State, segment: Segment): void {
  if (segment.size === 0) return
  let end = segment.blocks.count
  while (end > 0 && !segment.blocks.isMissing(end - 1)) end--
  let begin = end
  const moving = [...segment.offers].some(isMoving)
  const bite = moving ? Math.ceil(state.config.backwardsBytes / blockBytes) : end
  while (begin > 0 && end - begin < bite && segment.blocks.isMissing(begin - 1)) begin--
  const from = begin * blockBytes
  const to = end === segment.blocks.count ? 0 : end * blockBytes
  const rank = rankOf(state, segment, failedAt(segment))
  emit(state, { type: 'trace', note: { kind: 'lease', key: segment.key, rank, from } })
  startFetch(state, segment, { from, to }, moving ? 'backwards' : 'tail')
}
