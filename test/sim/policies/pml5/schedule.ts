import type { Dice } from '../../random.ts'
import { createPlan, type Plan } from '../pml/plan.ts'
import type { Decision, Missing, View } from '../pml/rules.ts'
import { createRanks, isTimeFor } from './election.ts'

/** `httpDownloadTimeWindow` and `p2pDownloadTimeWindow`. */
const httpWindowMs = 3_000_000
const p2pWindowMs = 6_000_000
const shortMs = 10_000
const longMs = 30_000

export interface Schedule {
  pass(view: View): readonly Decision[]
  prefetch(view: View): readonly Decision[]
}

/**
 * The 2026 rewrite's queue. The player's request first: urgent over HTTP with the link to itself, else from a
 * holder, else by election. Then whatever neighbours announce, over P2P; then the election for what nobody has.
 */
export function createSchedule(urgentBelowMs: number, dice: Dice): Schedule {
  const rankOf = createRanks()

  const serveRequest = (view: View, plan: Plan): void => {
    const missing = view.missing.find(({ segment }) => segment === view.requested)
    if (missing === undefined) return
    const { segment, isSpent } = missing
    const isUrgent = view.bufferMs < urgentBelowMs
    if (isUrgent && (plan.loading(segment) === 'http' || !isSpent)) {
      yieldTo(missing, view, plan)
      if (plan.loading(segment) !== 'http') plan.http(segment)
      return
    }
    if (plan.loading(segment) !== null) return
    if (view.neighbours.length === 0 && !isSpent) {
      if (plan.isFree('http') || plan.abortLastAfter(segment, 'http')) plan.http(segment)
    } else if (missing.isAnnounced() && plan.isFree('p2p')) plan.p2p(missing)
  }

  /** Owners' prefetches would slow the urgent request down: they end. */
  const yieldTo = (urgent: Missing, view: View, plan: Plan): void => {
    for (const { segment } of view.missing) {
      if (segment !== urgent.segment && plan.loading(segment) === 'http') plan.abort(segment)
    }
  }

  const elect = (view: View, plan: Plan): void => {
    if (view.neighbours.length === 0 || view.storeIsFull) return
    const { requested } = view
    if (requested !== null && view.bufferMs < urgentBelowMs && plan.loading(requested) === 'http') return
    for (const missing of view.missing) {
      if (!plan.isFree('http')) return
      const { segment } = missing
      if (segment.startMs > view.playheadMs + httpWindowMs) return
      if (plan.loading(segment) !== null || missing.isSpent || missing.isAnnounced()) continue
      const rank = rankOf(view.self, view.neighbours, view.neighboursVersion, segment.seq)
      if (rank > 0 && segment !== requested) continue
      if (isTimeFor(rank, view.bufferMs - urgentBelowMs, fetchMs(view, segment.durationMs)))
        plan.http(segment)
    }
  }

  return {
    pass(view) {
      const plan = createPlan(view, dice)
      serveRequest(view, plan)
      for (const missing of view.missing) {
        if (!plan.isFree('p2p')) break
        const { segment } = missing
        if (segment.startMs > view.playheadMs + p2pWindowMs) break
        if (plan.loading(segment) === null && missing.isAnnounced()) plan.p2p(missing)
      }
      elect(view, plan)
      return plan.decisions()
    },
    prefetch(view) {
      const plan = createPlan(view, dice)
      elect(view, plan)
      return plan.decisions()
    },
  }
}

/** What a fetch should take; while nothing is measured, as long as the segment plays. */
function fetchMs(view: View, durationMs: number): number {
  const bps = Math.max(view.httpBps(shortMs), view.httpBps(longMs))
  return bps > 0 && view.typicalBytes > 0 ? (view.typicalBytes * 1000) / bps : durationMs
}
