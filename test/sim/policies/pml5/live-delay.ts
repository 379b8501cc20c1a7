import type { PlayerPlan } from '../../player.ts'
import type { StreamPlan } from '../../stream.ts'

const mostDelayMs = 60_000
const vodThresholdMs = 15_000

/** How far behind the live edge the 2026 rewrite puts the player: a segment inside the window's tail, a minute at most. */
export function liveDelayMs({ segmentMs, windowSegments }: StreamPlan): number {
  return Math.max(segmentMs, Math.min((windowSegments - 1) * segmentMs, mostDelayMs))
}

/** How far ahead the player may buffer then: to a segment short of the edge, never less than two. */
export function playerBufferMs(plan: StreamPlan): number {
  return Math.max(2 * plan.segmentMs, liveDelayMs(plan) - plan.segmentMs)
}

/** A request is urgent with less than this buffered: live, the nearer half of what the player may buffer. */
export function urgentBelowMs(plan: StreamPlan): number {
  if (plan.kind === 'vod') return vodThresholdMs
  return Math.max(plan.segmentMs, Math.min(vodThresholdMs, playerBufferMs(plan) / 2))
}

export function livePlan(plan: StreamPlan): Partial<PlayerPlan> {
  if (plan.kind === 'vod') return {}
  return { liveSyncTargets: liveDelayMs(plan) / plan.segmentMs, goalMs: playerBufferMs(plan) }
}
