import type { Input } from './events.ts'
import { refreshActive } from './scheduler.ts'
import { bufferedMs, emit, type PlayerState, playheadMs, type State } from './state.ts'

/** What the player says: what it needs, and where it is. */

/** A start that takes longer is no reason to leave what lies ahead alone. */
const mostStartMs = 1_000

/** A player this near to where it was reckoned to be tells nothing new; what lies ahead is then looked at this often. */
const reckonedMs = 50
const refreshMs = 1_000

/** Where the player is, as it says several times a second. */
export function hearPlayer(state: State, input: PlayerState): void {
  const { player } = state
  const changed = !player || player.paused !== input.paused || player.hidden !== input.hidden
  const isOther = changed || player.tracks.join() !== input.tracks.join()
  if (isOther) state.positionDue = true
  const isAsReckoned =
    !isOther &&
    player.rate === input.rate &&
    player.goalMs === input.goalMs &&
    Math.abs(input.mediaMs - playheadMs(state)) < reckonedMs &&
    Math.abs(input.bufferMs - bufferedMs(state)) < reckonedMs
  state.player = input
  state.playerAt = state.now
  if (input.bufferMs > 0) state.startsUntil = 0
  if (!isAsReckoned || state.now - state.refreshedAt >= refreshMs) refreshActive(state)
}

/** It asks for a segment. */
export function want(state: State, input: Extract<Input, { type: 'want' }>): void {
  const segment = state.segments.get(input.key)
  if (!segment) {
    emit(state, { type: 'fail', id: input.id, key: input.key, reason: 'unknown-segment' })
    return
  }
  segment.wants.push({ id: input.id, deadline: input.deadline, urgency: input.urgency, since: state.now })
  if (input.urgency !== 'play') state.startsUntil = state.now + mostStartMs
  segment.usedAt = state.now
  segment.isPushedOut = false
  segment.edgeFailures = 0
  segment.edgeMismatches = 0
  // What is known of an edge that refuses does not change because one more asks.
  if (segment.refusals) segment.refusals.since = state.now
  else segment.edgeRetryAt = 0
  if (segment.edgePolluted) state.isFailing = true
  state.wantedKeys.set(input.id, input.key)
  refreshActive(state)
  state.dirty.add(segment)
}

/** It asks no longer. */
export function cancel(state: State, id: number): void {
  const segment = state.segments.get(state.wantedKeys.get(id) ?? '')
  state.wantedKeys.delete(id)
  if (!segment) return
  segment.wants = segment.wants.filter(want => want.id !== id)
  refreshActive(state)
}
