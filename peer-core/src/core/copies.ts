import type { Segment } from './segment.ts'
import { groupPeers } from './sharing.ts'
import { isThin } from './line.ts'
import { rankOf } from './turns.ts'
import type { State } from './state.ts'
import { ownUplinkBps, playedBps } from './uplinks.ts'

/**
 * How many copies a group takes from the edge. One, wherever its uplinks can feed everybody from it; where they cannot,
 * as in a public swarm of home lines or on one full access point, what they lack comes from the edge in good time and in
 * turn, instead of as everybody's rescue at the last moment.
 */

/** Of all the uplinks' bytes so much can be put to use: not everybody has at all times what the others lack. */
const usableShare = 1
/** An uplink that never was full carries the stream at least so many times. */
const assumedTimes = 4

export function plannedCopies(state: State, segment: Segment): number {
  const played = playedBps(state)
  if (played === 0 || isThin(state, segment)) return 1
  const isSharing = state.policy.mode === 'share'
  let viewers = 1
  let times = isSharing ? timesOf(ownUplinkBps(state), played) : 0
  for (const peer of groupPeers(state)) {
    const { position } = peer
    if (!position || position.paused || !position.tracks.includes(segment.track)) continue
    viewers++
    if (peer.mode === 'share') times += timesOf(position.uplinkBps, played)
  }
  return Math.min(Math.max(Math.ceil(viewers - usableShare * times), 1), viewers)
}

function timesOf(uplinkBps: number, played: number): number {
  return uplinkBps === 0 ? assumedTimes : uplinkBps / played
}

/** Several copies are planned, and one of them is ours. */
export function isExtraHolder(state: State, segment: Segment): boolean {
  const copies = plannedCopies(state, segment)
  return copies > 1 && rankOf(state, segment, new Set()) < copies
}
