import { plannedBps } from './goodput.ts'
import { turnOf } from './hash.ts'
import type { PeerId } from './messages.ts'
import type { Peer, Serving } from './peer.ts'
import { groupPeers } from './sharing.ts'
import type { State } from './state.ts'

/**
 * Where uplinks are no wider than the stream, who is fed first decides whether a segment gets around at all. Giving
 * everybody the same first block in turn would keep all of them waiting; so one is fed as fast as it can take, relays
 * what it gets, and the others follow: those with wide uplinks long before they need it, who only takes when it does,
 * and among equals in an order that is another one for each segment.
 */

/** Receivers whose need lies as close together as this are fed in the order of their turns. */
const sameNeedMs = 500
/** And each time that its uplink carries the stream counts for a need so much earlier: it passes on what it is given. */
const leadMs = 1_500
/** An uplink that carries the stream three times over is as good as any. */
const widestClass = 3
const unknownClass = 1
/** Looked at anew this often: positions come every second or two. */
const narrowMs = 250

/** Bytes a second that we can give: measured, and what the operator leaves of it. 0: unknown, never was full. */
export function ownUplinkBps(state: State): number {
  if (!state.uplinkSeen) return 0
  const cap = state.policy.uploadKbps * 125
  const measured = plannedBps(state.uplink)
  return cap > 0 ? Math.min(cap, measured) : measured
}

/** Bytes a second of all that our player plays; 0 unknown. */
export function playedBps(state: State): number {
  let bps = 0
  for (const track of state.player?.tracks ?? []) bps += state.windows.get(track)?.bps ?? 0
  return bps
}

/**
 * How many times over an uplink carries the stream. What never was full is as wide as any, but not where narrow ones
 * are around: there it is put with them, for whoever only takes has it for ever, and others until they are asked.
 */
function uplinkClass(state: State, uplinkBps: number): number {
  const played = playedBps(state)
  if (played === 0) return widestClass
  if (uplinkBps === 0) return isAmongNarrow(state, played) ? unknownClass : widestClass
  return Math.min(Math.floor(uplinkBps / played), widestClass)
}

/** Most of the group's uplinks that are known are narrow. */
function isAmongNarrow(state: State, played: number): boolean {
  const { narrow } = state
  if (state.now - narrow.at < narrowMs) return narrow.around
  let known = 0
  let few = 0
  for (const peer of groupPeers(state)) {
    const uplinkBps = peer.position?.uplinkBps ?? 0
    if (peer.mode !== 'share' || uplinkBps === 0) continue
    known++
    if (uplinkBps < widestClass * played) few++
  }
  const around = 2 * few > known
  state.narrow = { around, at: state.now }
  return around
}

export function peerUplinkClass(state: State, peer: Peer): number {
  return peer.mode === 'share' ? uplinkClass(state, peer.position?.uplinkBps ?? 0) : -1
}

/**
 * The order in which a group's members take their turns at the segments of one moment, the same wherever it is
 * computed: wider uplinks first, among equals by a hash of moment and peer. Of two leases on the same bytes the first
 * one's is kept.
 */
export function comesBefore(state: State, slot: number, a: PeerId, b: PeerId): boolean {
  const wider = classOf(state, a) - classOf(state, b)
  if (wider !== 0) return wider > 0
  const turn = turnOf(slot, a) - turnOf(slot, b)
  return turn === 0 ? a < b : turn < 0
}

/** Ours as we last told it: the others reckon with that. */
export function classOf(state: State, id: PeerId): number {
  if (id === state.self) return state.policy.mode === 'share' ? uplinkClass(state, state.toldUplinkBps) : -1
  const peer = state.peers.get(id)
  return peer ? peerUplinkClass(state, peer) : -1
}

/** Our uplink cannot carry what those who wait for us play. */
export function isScarce(state: State): boolean {
  const own = ownUplinkBps(state)
  if (own === 0) return false
  let receivers = 0
  for (const peer of state.peers.values()) if (peer.serving.length > 0 || peer.linkBytes > 0) receivers++
  return receivers > 1 && own < receivers * playedBps(state)
}

/** Is `peer` fed before `other`? */
export function isFedBefore(state: State, peer: Peer, other: Peer): boolean {
  return comesFirst(state, peer, peer.serving[0]!, other, other.serving[0]!)
}

/** The same, of two requests. */
export function comesFirst(state: State, peer: Peer, mine: Serving, other: Peer, theirs: Serving): boolean {
  const need = neededAt(state, peer, mine) - neededAt(state, other, theirs)
  if (need !== 0) return need < 0
  // Of two segments the earlier one's turns: asked the other way round the answer must be the opposite.
  const slot = Math.min(mine.segment.entry.slot, theirs.segment.entry.slot)
  return comesBefore(state, slot, peer.id, other.id)
}

/** When this receiver is to have this segment, by the need that it told and by what it can pass on, in coarse steps. */
function neededAt(state: State, peer: Peer, { segment }: Serving): number {
  const { position } = peer
  const lead = peerUplinkClass(state, peer) * leadMs
  if (!position) return Math.floor((state.now - lead) / sameNeedMs)
  const ahead = Math.max(0, segment.entry.seq - position.seq) * segment.entry.durationMs
  return Math.floor((position.at + position.bufferMs + ahead - lead) / sameNeedMs)
}

/** Its uplink carries the stream only a few times over, or nobody knows and those around do. */
export function isNarrow(state: State, peer: Peer): boolean {
  return peerUplinkClass(state, peer) < widestClass
}
