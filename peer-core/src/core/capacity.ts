import { plannedBps } from './goodput.ts'
import { emit, type State } from './state.ts'

/** What our uplink can feed, for the tracker that gives out parents. */

/** Of the uplink; the rest is for being wrong, and for whoever else uses the line. */
const spendable = 0.6
/** More are never given out. */
const mostLinks = 16

/** Each child has two parents, so a child link costs half the bitrate. Told when it was measured, and on change. */
export function tellCapacity(state: State): void {
  if (!state.uplinkSeen) return
  let bitrate = 0
  for (const track of state.player?.tracks ?? []) bitrate += state.windows.get(track)?.bps ?? 0
  if (bitrate === 0) return
  const cap = state.policy.uploadKbps > 0 ? state.policy.uploadKbps * 125 : Infinity
  const uplink = Math.min(plannedBps(state.uplink), cap)
  const links = Math.min(mostLinks, 2 * Math.floor((spendable * uplink) / bitrate))
  // Small changes move nobody.
  if (links === state.toldChildLinks || (links > 0 && Math.abs(links - state.toldChildLinks) < 2)) return
  state.toldChildLinks = links
  emit(state, { type: 'capacity', childLinks: links })
}
