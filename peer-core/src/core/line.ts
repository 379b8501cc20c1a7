import { isAirFull } from './air.ts'
import { plannedBps } from './goodput.ts'
import type { InOffer, Segment } from './segment.ts'
import { bitrateBps, groupPeers, isShared } from './sharing.ts'
import type { State } from './state.ts'

/** The site's shared line, and what the edge over it gives. */

/** A line that could not carry each viewer's own copy: as stated, or as seen. */
export function isThin(state: State, segment: Segment): boolean {
  const bitrate = bitrateBps(state, segment)
  const { lineKbps } = state.policy
  if (lineKbps > 0) return bitrate > 0 && lineKbps * 125 < state.config.thinCopies * bitrate
  const seen = edgeBps(state)
  if (bitrate === 0 || seen === 0) return isCrowdInDoubt(state)
  return seen < state.config.thinCopies * bitrate && !isAirFull(state, seen, bitrate)
}

/**
 * Many are here, and we came too lately to know: were they to take the line for wide, all would fill it before one could
 * tell. Not for longer than a first segment takes, for doubt must keep nobody from a line that is free.
 */
function isCrowdInDoubt(state: State): boolean {
  if (state.policy.groupSize <= state.config.crowd || groupPeers(state).length === 0) return false
  return state.now - state.groupSince < doubtMs
}

const doubtMs = 5_000

/**
 * A line that is known to carry everybody's own copy, as stated or as seen. Where nobody knows yet, it must be spared
 * like a thin one: all who press play at once would fill it before the first of them could tell.
 */
export function isWide(state: State, segment: Segment): boolean {
  if (isThin(state, segment)) return false
  const isKnown = lineBps(state) > 0 && bitrateBps(state, segment) > 0
  return isKnown || groupPeers(state).length === 0
}

/** What we, or the best of the group, measured of the edge; if none of them did, what its leases are told to get. */
export function edgeBps(state: State): number {
  let best = state.edgeSeen ? state.edge.bps : 0
  for (const peer of groupPeers(state)) best = Math.max(best, peer.position?.edgeBps ?? 0)
  return best > 0 ? best : state.toldEdgeBps
}

/**
 * On a thin line no more leases at once than it carries, the earliest deadline first. On any other the same for what no
 * player asks for yet: taken all at once, what lies ahead would come before what is needed next. Of a line that nobody
 * knows it is one at a time.
 */
export function isLineFull(state: State, segment: Segment): boolean {
  if (!isThin(state, segment) && segment.wants.length > 0) return false
  // Who looks at something else than the others would find the line full for ever.
  const asked = segment.wants[0]
  if (asked && state.now - asked.since > state.config.starvedMs) return false
  const dueAt = state.active.get(segment) ?? Infinity
  for (const [other, otherDueAt] of state.active) {
    if (other === segment || other.stored || otherDueAt >= dueAt) continue
    if (!isLeased(state, other) && isAwaited(state, other)) return true
  }
  const keys = new Set<string>()
  for (const fetch of state.fetches.values())
    if (fetch.what === 'media' && !isEnding(state, fetch, fetch.segment.size)) keys.add(fetch.segment.hash)
  for (const lease of runningLeases(state)) if (!isEnding(state, lease, lease.size)) keys.add(lease.key)
  for (const other of state.active.keys()) if (isRelayed(state, other)) keys.add(other.hash)
  keys.delete(segment.hash)
  if (keys.size === 0) return false
  const bitrate = bitrateBps(state, segment)
  if (bitrate === 0) return true
  const most = lineBps(state) / bitrate
  return keys.size + 1 > (isThin(state, segment) ? most : Math.min(most, mostUnwanted))
}

/** What others take from the edge now, whether we need it or not. */
function runningLeases(state: State): Set<InOffer> {
  for (const offer of state.leases) {
    const isHere = state.peers.get(offer.peer)?.offers.get(offer.n) === offer
    if (!isHere || !offer.active || state.now - offer.grownAt > deadLeaseMs) state.leases.delete(offer)
  }
  return state.leases
}

/** Through before the first byte of the next one could come: the line shall not idle in between. */
export function isEnding(state: State, way: { to: number; frontier: number }, size: number): boolean {
  const end = way.to || size
  if (end === 0) return false
  return ((end - way.frontier) * 1000) / lineBps(state) <= state.edge.delayMs
}

/** Somebody passes it on while it comes: its lease runs, even where no link of ours tells of the holder. */
function isRelayed(state: State, segment: Segment): boolean {
  if (segment.hasYielded && state.now < segment.edgeRetryAt) return true
  for (const offer of segment.offers) {
    const isRunning = offer.active && offer.source === 'relay' && !isEnding(state, offer, offer.size)
    if (isRunning && state.now - offer.grownAt < deadLeaseMs) return true
  }
  return false
}

/** Leases of what nobody asks for yet, at once: more would only be slower each. */
const mostUnwanted = 4

/** A lease that said nothing for so long holds up nobody. */
const deadLeaseMs = 3_000

/** The leases under way use most of a thin line: then the line is what is slow, and one more would only share it. */
export function isLineBusy(state: State): boolean {
  let bps = 0
  for (const segment of state.active.keys()) {
    if (segment.fetches.size > 0) bps += segment.edgeBps
    for (const offer of segment.offers) if (offer.active && offer.source === 'edge') bps += offer.rateBps
  }
  return bps > 0.5 * lineBps(state)
}

/** As stated, or as seen; bytes a second, 0 unknown. */
export function lineBps(state: State): number {
  return state.policy.lineKbps > 0 ? state.policy.lineKbps * 125 : edgeBps(state)
}

function isLeased(state: State, segment: Segment): boolean {
  if (segment.fetches.size > 0) return true
  // Whatever others say of it, nobody leases what may not be shared.
  if (!isShared(state, segment)) return false
  for (const offer of segment.offers)
    if (offer.active && offer.source === 'edge' && offer.voidWhy !== 'silent') return true
  return false
}

/** Nobody brings it yet, but somebody will soon: its turn comes first. */
function isAwaited(state: State, segment: Segment): boolean {
  return segment.orphanSince >= 0 && state.now - segment.orphanSince < awaitMs
}

/** A lease that nobody takes for this long does not keep later ones waiting. */
const awaitMs = 1_500

/** Time the edge would take for `bytes`, ms. */
export function edgeTimeMs(state: State, bytes: number): number {
  return state.edge.delayMs + (bytes * 1000) / plannedBps(state.edge)
}
