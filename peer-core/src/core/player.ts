import { refreshActive } from './scheduler.ts'
import { bufferedMs, type PlayerState, playheadMs, type State } from './state.ts'

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
