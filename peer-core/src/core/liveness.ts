import { trackId } from './claims.ts'
import { heedRoundTrip } from './courtesy.ts'
import type { Peer } from './peer.ts'
import { hopsToFetcher, isNearer, roleOf } from './roles.ts'
import { nextNeeded } from './scheduler.ts'
import { groupPeers } from './sharing.ts'
import { bufferedMs, emit, type PlayerState, type State, wakeBy } from './state.ts'
import { ownUplinkBps } from './uplinks.ts'

/** Signs of life: pings for round trips and dead peers, and our position so that others can reckon with us. */

/** Positions are told this often while playing; more often only when something changed. */
const positionMs = 1_000
/** And in a large group, or to more than so many, less often: who plays on as told is reckoned with as well. */
const fewPeers = 8
const positionToManyMs = 2_000
/** Looking at all wires again pays when nothing is due for longer than this. */
const soonMs = 100
/** Beacons are missed after three times this. */
const beaconMs = 1_000
/** A wire is quiet after so many times `pingMs`: a position may come until then, and two pings before it is given up. */
const quietPings = 1.5
/** A road whose round trip stays what it was is measured ever less often, up to this. */
const mostMeasureMs = 12_000
/** While we give it bytes: a queue behind them must not grow unseen. */
const givingMeasureMs = 3_000
/** A round trip that differs by half, or by this, is another one. */
const steadyMs = 5
/** A gap this long in our own clock means we slept: silence until then was ours. */
const sleptMs = 3_000

export function watchPeers(state: State, previousNow: number): void {
  const slept = previousNow > 0 && state.now - previousNow > sleptMs
  if (!slept && state.now < state.lookAt) return wakeBy(state, state.watchAt)
  let next = Infinity
  for (const peer of state.peers.values()) {
    if (slept) peer.heardAt = state.now
    if (state.now - peer.heardAt >= state.config.deadMs) {
      state.leaving.set(peer.id, 'silent')
      continue
    }
    if (state.now >= pingAt(state, peer)) ping(state, peer)
    next = Math.min(next, pingAt(state, peer), peer.heardAt + state.config.deadMs)
  }
  state.watchAt = next
  // Most wires speak in the meantime: an input half-way there looks again, and no timer has to.
  state.lookAt = next - state.now < soonMs ? next : (state.now + next) / 2
  wakeBy(state, next)
}

/** When its silence, or the age of its round trip's measure, is worth a ping. What is unanswered is asked again. */
function pingAt(state: State, peer: Peer): number {
  const { pingMs } = state.config
  if (peer.ping) return peer.ping.at + pingMs
  const measureAt = peer.linkBytes > 0 ? peer.measureAt - peer.measureMs + givingMeasureMs : Infinity
  return Math.min(peer.measureAt, measureAt, peer.heardAt + quietPings * pingMs)
}

/** A sign of life. */
export function hearSign(state: State, peer: Peer): void {
  peer.heardAt = state.now
}

export function hearPong(state: State, peer: Peer, id: number): void {
  if (peer.ping?.id !== id) return
  const { at } = peer.ping
  const rtt = state.now - at
  peer.ping = null
  const { pingMs } = state.config
  heedRoundTrip(state, peer, rtt)
  const isSteady = Math.abs(rtt - peer.rttMs) <= peer.rttMs / 2 + steadyMs
  peer.measureMs = isSteady ? Math.min(Math.max(2 * peer.measureMs, pingMs), mostMeasureMs) : pingMs
  peer.measureAt = at + peer.measureMs
  peer.rttMs = peer.rttMs === 0 ? rtt : peer.rttMs + 0.25 * (rtt - peer.rttMs)
  emit(state, { type: 'trace', note: { kind: 'rtt', peer: peer.id, rttMs: peer.rttMs } })
}

export function tellPosition(state: State): void {
  const areBeaconsOut = tellBeacons(state)
  const { player } = state
  if (!player || state.peers.size === 0) return
  const isLarge = roleOf(state.policy) !== 'mesh' || state.peers.size > fewPeers
  const periodMs = isLarge ? positionToManyMs : positionMs
  const at = state.positionSentAt + (state.positionDue ? 100 : periodMs)
  // What is nearly due goes with the beacons: one packet, one wake.
  if (state.now + (areBeaconsOut ? beaconMs / 2 : 0) < at) return wakeBy(state, at)
  state.positionDue = false
  state.positionSentAt = state.now
  const seq = nextSeq(state, player)
  state.toldUplinkBps = Math.floor(ownUplinkBps(state))
  for (const peer of state.peers.values()) tellPositionTo(state, peer, seq)
  if (!player.paused) wakeBy(state, state.now + periodMs)
}

/** `seq`: what `nextSeq` says, for whoever tells many. */
export function tellPositionTo(state: State, peer: Peer, seq?: number): void {
  const { player } = state
  if (!player) return
  const tracks = player.tracks.slice(0, 8).map(path => trackId(state, peer, path))
  emit(state, {
    type: 'send',
    peer: peer.id,
    key: null,
    message: {
      type: 'position',
      tracks,
      seq: seq ?? nextSeq(state, player),
      bufferMs: Math.floor(Math.min(bufferedMs(state), 3_600_000)),
      rate: Math.floor(Math.min(Math.max(player.rate, 0), 16) * 100),
      paused: player.paused,
      hidden: player.hidden,
      mode: state.policy.mode,
      edgeBps: state.edgeSeen ? Math.floor(state.edge.bps) : 0,
      uplinkBps: state.toldUplinkBps,
    },
  })
}

/**
 * How far the nearest fetcher is, to all who are not nearer to one themselves: those would learn nothing. True when
 * some were sent.
 */
function tellBeacons(state: State): boolean {
  if (roleOf(state.policy) === 'mesh' || !state.player || state.peers.size === 0) return false
  const at = state.beaconSentAt + beaconMs
  if (state.now < at) {
    wakeBy(state, at)
    return false
  }
  state.beaconSentAt = state.now
  wakeBy(state, state.now + beaconMs)
  const hops = hopsToFetcher(state)
  if (hops === Infinity) return false
  const message = { type: 'beacon', epoch: state.policy.epoch ?? 0, hops } as const
  for (const peer of groupPeers(state)) {
    if (!isNearer(state, peer, hops)) emit(state, { type: 'send', peer: peer.id, key: null, message })
  }
  return true
}

/** The next sequence number the player needs on its first track. */
function nextSeq(state: State, player: PlayerState): number {
  const first = player.tracks[0]
  return Math.max(0, first === undefined ? 0 : nextNeeded(state, first))
}

function ping(state: State, peer: Peer): void {
  const id = state.nextPing++ % 65_536
  // The road is at least as slow as the answer that is still out.
  if (peer.ping) peer.rttMs = Math.max(peer.rttMs, state.now - peer.ping.at)
  peer.ping = { id, at: state.now }
  emit(state, { type: 'send', peer: peer.id, message: { type: 'ping', id }, key: null })
}
