import type { Peer } from './peer.ts'
import type { State } from './state.ts'

/**
 * Uploads give way to whatever else uses the line. Round trips that grow while we give mean that somebody queues behind
 * us: we give less until they shrink again, as LEDBAT does (RFC 6817), on pings instead of one-way delays.
 */

/** Delay beyond a road's own that we may cause: LEDBAT's target. */
const targetMs = 100
/** Inside a network a busy page is late by as much, and the wires are wide. */
const targetInsideMs = 300
/** A road may become longer: what was once its least is forgotten at this pace, ms a measurement. */
const forgottenMs = 1
/** Never less than this share of what the uplink carried: others live from it. */
const leastShare = 0.1
const growth = 1.25
/** Whoever gave nothing for this long caused no delay. */
const idleMs = 2_000

/** A round trip was measured. */
export function heedRoundTrip(state: State, peer: Peer, rttMs: number): void {
  peer.leastRttMs = Math.min(peer.leastRttMs + forgottenMs, rttMs)
  const isGiving = state.queued > 0 || state.now - state.gaveAt < idleMs
  const isDelayed = rttMs > peer.leastRttMs + (peer.place === 'group' ? targetInsideMs : targetMs)
  if (isDelayed && isGiving && state.uplinkSeen)
    state.uploadShare = Math.max(leastShare, state.uploadShare / 2)
  else if (!isDelayed) state.uploadShare = Math.min(1, state.uploadShare * growth)
}

/** Bytes a second that we may give: the operator's cap, and what courtesy leaves. 0: no bound. */
export function uploadBps(state: State): number {
  const cap = state.policy.uploadKbps * 125
  if (state.uploadShare === 1) return cap
  const left = state.uploadShare * state.uplink.bps
  return cap > 0 ? Math.min(cap, left) : left
}
