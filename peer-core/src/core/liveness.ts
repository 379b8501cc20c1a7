import { trackId } from './claims.ts'
import type { Peer } from './peer.ts'
import { hopsToFetcher, roleOf } from './roles.ts'
import { nextNeeded } from './scheduler.ts'
import { bufferedMs, emit, type PlayerState, type State, wakeBy } from './state.ts'

/** Signs of life: pings for round trips and dead peers, and our position so that others can reckon with us. */

/** Positions are told this often while playing; more often only when something changed. */
const positionMs = 1_000
/** A gap this long in our own clock means we slept: silence until then was ours. */
const sleptMs = 3_000

export function watchPeers(state: State, previousNow: number): void {
  const slept = previousNow > 0 && state.now - previousNow > sleptMs
  if (!slept && state.now < state.watchAt) return wakeBy(state, state.watchAt)
  let next = Infinity
  for (const peer of state.peers.values()) {
    if (slept) peer.heardAt = state.now
    if (state.now - peer.heardAt >= state.config.deadMs) {
      state.leaving.set(peer.id, 'silent')
      continue
    }
    if (state.now >= peer.nextPingAt) ping(state, peer)
    next = Math.min(next, peer.nextPingAt, peer.heardAt + state.config.deadMs)
  }
  state.watchAt = next
  wakeBy(state, next)
}

/** A sign of life. Whose silence we were waiting for no longer says when to look again. */
export function hearSign(state: State, peer: Peer): void {
  if (peer.heardAt + state.config.deadMs <= state.watchAt) state.watchAt = -Infinity
  peer.heardAt = state.now
}

export function hearPong(state: State, peer: Peer, id: number): void {
  if (peer.ping?.id !== id) return
  const rtt = state.now - peer.ping.at
  peer.ping = null
  peer.rttMs = peer.rttMs === 0 ? rtt : peer.rttMs + 0.25 * (rtt - peer.rttMs)
  emit(state, { type: 'trace', note: { kind: 'rtt', peer: peer.id, rttMs: peer.rttMs } })
}

export function tellPosition(state: State): void {
  const { player } = state
  if (!player || state.peers.size === 0) return
  const at = state.positionDue ? state.positionSentAt + 100 : state.positionSentAt + positionMs
  if (state.now < at) return wakeBy(state, at)
  state.positionDue = false
  state.positionSentAt = state.now
  const seq = nextSeq(state, player)
  const hops = roleOf(state.policy) === 'mesh' ? Infinity : hopsToFetcher(state)
  for (const peer of state.peers.values()) {
    tellPositionTo(state, peer, seq)
    if (hops < Infinity && peer.place === 'group') tellBeacon(state, peer, hops)
  }
  if (!player.paused) wakeBy(state, state.now + positionMs)
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
    },
  })
}

function tellBeacon(state: State, peer: Peer, hops: number): void {
  const message = { type: 'beacon', epoch: state.policy.epoch ?? 0, hops } as const
  emit(state, { type: 'send', peer: peer.id, key: null, message })
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
  peer.nextPingAt = state.now + state.config.pingMs
  emit(state, { type: 'send', peer: peer.id, message: { type: 'ping', id }, key: null })
}
