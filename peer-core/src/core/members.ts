import { plannedBps } from './goodput.ts'
import { turnOf } from './hash.ts'
import { memberWaitsUntil } from './refusals.ts'
import type { Segment } from './segment.ts'
import type { State } from './state.ts'
import { missingBytes } from './supply.ts'

/**
 * When a member of a large group helps itself. It sees its parents and few others, so a rank among those it sees would
 * let hundreds go at once (the red line, DESIGN §7). Its place among all that the tracker counts spreads them so that
 * twice as many go with each step, the first of them early: what they fetch goes round before the next step comes.
 */

/** From one step to the next: a first byte from the edge, and two hops. */
const stepMs = 150
/** So many steps before its own time comes, the first member goes. */
const stepsEarly = 7
/** The edge gives no more than so many times what we would plan with, whatever we are told. */
const mostTold = 4

export function helpsItselfAt(state: State, segment: Segment, dueAt: number): number {
  const { marginMs } = state.config
  const edgeMs = toldEdgeTimeMs(state, missingBytes(state, segment))
  const share = turnOf(segment.entry.slot, state.self) / 4_294_967_296
  const spreadMs = stepOf(share * state.policy.groupSize) * stepMs
  const at = dueAt - marginMs - 1.5 * edgeMs - stepsEarly * stepMs + spreadMs
  const latest = dueAt - marginMs / 2 - 1.1 * edgeMs
  return Math.max(Math.min(at, latest), memberWaitsUntil(state, segment, share, spreadMs))
}

/** log2(1 + rank), straight between the powers: the same on every machine. */
function stepOf(rank: number): number {
  const whole = 31 - Math.clz32(rank + 1)
  const power = 1 << whole
  return whole + (rank + 1 - power) / power
}

/** Who never fetched goes by half of what it is told: when many ask, they share it. */
function toldEdgeTimeMs(state: State, bytes: number): number {
  const planned = plannedBps(state.edge)
  const told = Math.min(state.toldEdgeBps / 2, mostTold * planned)
  return state.edge.delayMs + (bytes * 1000) / (state.edgeSeen ? planned : Math.max(planned, told))
}
