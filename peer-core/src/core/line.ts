import { plannedBps } from './goodput.ts'
import type { Segment } from './segment.ts'
import { bitrateBps, groupPeers } from './sharing.ts'
import type { State } from './state.ts'

/** The site's shared line, and what the edge over it gives. */

/** A line that could not carry each viewer's own copy: as stated, or as seen. */
export function isThin(state: State, segment: Segment): boolean {
  const bitrate = bitrateBps(state, segment)
  const { lineKbps } = state.policy
  if (lineKbps > 0) return bitrate > 0 && lineKbps * 125 < state.config.thinCopies * bitrate
  const seen = edgeBps(state)
  return bitrate > 0 && seen > 0 && seen < state.config.thinCopies * bitrate
}

/** What we, or the best of the group, measured of the edge. */
export function edgeBps(state: State): number {
  let best = state.edgeSeen ? state.edge.bps : 0
  for (const peer of groupPeers(state)) best = Math.max(best, peer.position?.edgeBps ?? 0)
  return best
}

/** On a thin line no more leases at once than it carries, the earliest deadline first. */
export function isLineFull(state: State, segment: Segment): boolean {
  if (!isThin(state, segment)) return false
  const line = state.policy.lineKbps > 0 ? state.policy.lineKbps * 125 : edgeBps(state)
  let busy = 0
  for (const other of state.active.keys()) {
    if (other === segment) continue
    const isLeased =
      other.fetches.size > 0 ||
      [...other.offers].some(o => o.active && o.source === 'edge' && o.voidSince === 0)
    if (isLeased) busy += bitrateBps(state, other)
  }
  return busy > 0 && busy + bitrateBps(state, segment) > line
}

/** Time the edge would take for `bytes`, ms. */
export function edgeTimeMs(state: State, bytes: number): number {
  return state.edge.delayMs + (bytes * 1000) / plannedBps(state.edge)
}
