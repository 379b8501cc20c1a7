import { isThin, lineBps } from './line.ts'
import { isWhole } from './offers.ts'
import type { Segment } from './segment.ts'
import { isShared, usableOffers } from './sharing.ts'
import { type State, wakeBy } from './state.ts'

/**
 * A player shows the first fragment as soon as it has it, and on a thin line the second may take longer than the first
 * lasts: every start would be followed by a stall. There the first is handed over when what follows is sure to come.
 */

/** Fragments after the first that are looked at: a run of large ones is seen coming. */
const mostFollowing = 3
/** Looked at again this often: what follows comes by many ways. */
const lookMs = 50

/** Is this first fragment, whole and proven, kept back for now? */
export function isHeldBack(state: State, segment: Segment): boolean {
  const wasHeldBack = segment.isHeldBack
  segment.isHeldBack = false
  const want = segment.wants.find(({ urgency }) => urgency === 'start')
  if (!want || segment.entry.seq < 0 || !isShared(state, segment) || !isThin(state, segment)) return false
  const until = want.since + state.config.startHoldMs
  if (state.now >= until || isFollowed(state, segment)) return false
  segment.isHeldBack = true
  // What follows is worth having before the first frame, here.
  state.startsUntil = 0
  if (!wasHeldBack) for (const other of state.active.keys()) if (other !== segment) state.dirty.add(other)
  wakeBy(state, Math.min(until, state.now + lookMs))
  return true
}

/** A first fragment waits for this one: it is as good as asked for. */
export function isAwaitedByStart(state: State, segment: Segment): boolean {
  for (const id of state.wantedKeys.values()) {
    const first = state.segments.get(id)
    if (!first?.isHeldBack || first.track !== segment.track) continue
    const ahead = segment.entry.seq - first.entry.seq
    if (ahead > 0 && ahead <= mostFollowing) return true
  }
  return false
}

/** Everything listed behind it comes before it is played, if the line brings one copy and nothing else. */
function isFollowed(state: State, first: Segment): boolean {
  const following = (state.windows.get(first.track)?.segments ?? [])
    .filter(({ entry }) => entry.seq > first.entry.seq)
    .slice(0, mostFollowing)
  const rate = lineBps(state) * shareOf(state, first)
  let dueMs = first.entry.durationMs - state.config.marginMs
  let lineMs = 0
  for (const segment of following) {
    lineMs += (bytesNobodyHas(state, segment, first.size) * 1000) / rate
    if (lineMs > dueMs) return false
    dueMs += segment.entry.durationMs
  }
  return true
}

/** Of the line, what this track gets of all that are played. */
function shareOf(state: State, segment: Segment): number {
  let all = 0
  for (const track of state.player?.tracks ?? []) all += state.windows.get(track)?.bps ?? 0
  const own = state.windows.get(segment.track)?.bps ?? 0
  return own > 0 && all > own ? own / all : 1
}

/** What the line has yet to bring of it. */
function bytesNobodyHas(state: State, segment: Segment, typicalSize: number): number {
  if (segment.stored || segment.blocks.isWhole) return 0
  const size = segment.size || typicalSize
  let here = segment.blocks.reach(0, false)
  for (const offer of usableOffers(state, segment)) {
    if (isWhole(offer)) return 0
    if (offer.from === 0) here = Math.max(here, offer.frontier)
  }
  return Math.max(0, size - here)
}
