import { isThin } from './line.ts'
import type { Segment } from './segment.ts'
import { groupPeers } from './sharing.ts'
import type { State } from './state.ts'
import { rankOf } from './turns.ts'
import { ownUplinkBps, playedBps } from './uplinks.ts'

/**
 * How many copies a group takes from the edge. One, wherever its uplinks can feed everybody from it. Where they cannot,
 * as in a public swarm of home lines or on one full access point, what they lack is taken from the edge in good time and
 * in turn, instead of as everybody's rescue at the last moment.
 */

/** An uplink that never was full carries the stream at least so many times. */
const assumedTimes = 4
/** And nobody's word counts for more: one who overstates its uplink must not keep the others from the edge. */
const mostTimes = 16
/** Counted anew this often: positions come every second or two. */
const countMs = 250
/** A rescue says that we counted on too much, a segment that peers brought in time that we may count on a little more. */
const afterRescue = 0.1
const afterSuccess = 1.01
const leastUsable = 0.1
const mostUsable = 1.2

/** Several copies are planned, and one of them is ours. On a thin line never: it could not carry that. */
export function isExtraHolder(state: State, segment: Segment): boolean {
  const unfed = countUnfed(state)
  if (unfed <= 1 || isThin(state, segment)) return false
  return rankOf(state, segment, new Set()) < unfed
}

/** A segment that peers brought too late was taken from the edge. */
export function noteRescue(state: State, share: number): void {
  state.usableShare = Math.max(leastUsable, state.usableShare * (1 - afterRescue * share))
  state.unfed = { count: 0, at: -Infinity }
}

export function noteFed(state: State): void {
  state.usableShare = Math.min(mostUsable, state.usableShare * afterSuccess)
}

/** Viewers that the group's uplinks cannot feed, the first copy's holder included. */
function countUnfed(state: State): number {
  if (state.now - state.unfed.at < countMs) return state.unfed.count
  const played = playedBps(state)
  let viewers = 1
  let times = state.policy.mode === 'share' ? timesOf(ownUplinkBps(state), played) : 0
  for (const peer of groupPeers(state)) {
    if (!peer.position || peer.position.paused) continue
    viewers++
    if (peer.mode === 'share') times += timesOf(peer.position.uplinkBps, played)
  }
  const count = played === 0 ? 0 : Math.ceil(viewers - state.usableShare * times)
  state.unfed = { count, at: state.now }
  return count
}

function timesOf(uplinkBps: number, played: number): number {
  return uplinkBps === 0 ? assumedTimes : Math.min(uplinkBps / played, mostTimes)
}
