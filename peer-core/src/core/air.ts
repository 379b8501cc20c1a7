import type { Peer } from './peer.ts'
import { groupPeers } from './sharing.ts'
import type { State } from './state.ts'

/**
 * Wi-Fi carries what a peer gives twice, up and down. On a full access point neither the edge nor the peers are fast,
 * and that looks like a thin line; but to spare the line would only fill the air. Three things tell them apart, and all
 * must be seen: peers slow as the edge, queues on the way to them, and the word of half of the group that their own
 * uplinks are full. A viewer that is slow itself sees the first two everywhere. See docs/decisions/0022.
 */

/** Fewer viewers fill their line before they fill an access point. */
const fewest = 9
/** A line that carries fewer copies than this is thin, whatever the air is like. */
const leastCopies = 1.4
/** Where it is nearly wide, the air has room for a few copies, and sparing them keeps it so. */
const mostCopies = 2.6
/** Round trips so much above their shortest are queues: those over a wire are shorter, also to a busy page. */
const queueMs = 30
/** Over a wire peers are many times faster than a thin line. */
const slowTimes = 2
/** Looked at anew this often. */
const lookMs = 250

/** Is it the air, and not the line, that makes the edge this slow? Bytes a second, of the edge and of what is played. */
export function isAirFull(state: State, edgeBps: number, bitrateBps: number): boolean {
  const copies = edgeBps / bitrateBps
  if (copies < leastCopies || copies > mostCopies || state.policy.groupSize < fewest) return false
  if (state.now - state.air.at >= lookMs)
    state.air = { isFull: look(groupPeers(state), slowTimes * edgeBps), at: state.now }
  return state.air.isFull
}

function look(peers: readonly Peer[], slowBps: number): boolean {
  const rates: number[] = []
  const queues: number[] = []
  let givers = 0
  let full = 0
  for (const { goodput, rttMs, leastRttMs, mode, position } of peers) {
    if (goodput.samples > 0) rates.push(goodput.bps)
    if (rttMs > 0) queues.push(rttMs - leastRttMs)
    if (mode !== 'share' || !position) continue
    givers++
    if (position.uplinkBps > 0 && position.uplinkBps < slowBps) full++
  }
  return full > 0 && 2 * full >= givers && median(queues) > queueMs && median(rates) < slowBps
}

/** The upper one of an even number; of none NaN, which is neither more nor less than anything. */
function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
