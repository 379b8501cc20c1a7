import type { Dice } from '../../random.ts'
import { createPlan } from '../pml/plan.ts'
import type { Decision, View } from '../pml/rules.ts'

/** p2p-media-loader 2.3.1's `highDemandTimeWindow` and `p2pDownloadTimeWindow`. */
const urgentMs = 15_000
const p2pWindowMs = 6_000_000

/**
 * One pass of 2.3.1's queue, in order from the requested segment. What starts within 15 s of the playhead goes to
 * HTTP, at the cost of later HTTP downloads and of a P2P copy in flight; only without an HTTP slot to P2P. What lies
 * beyond goes to P2P alone.
 */
export function schedule(view: View, dice: Dice): readonly Decision[] {
  const plan = createPlan(view, dice)
  for (const missing of view.missing) {
    const { segment } = missing
    if (segment.startMs <= view.playheadMs + urgentMs) {
      if (plan.loading(segment) === 'http' || missing.isSpent) continue
      if (plan.isFree('http') || plan.abortLastAfter(segment, 'http')) plan.http(segment)
      else if (plan.loading(segment) === 'p2p') continue
      else if (plan.isFree('p2p')) plan.p2p(missing)
      else if (plan.abortLastAfter(segment, 'p2p')) plan.p2p(missing)
    } else if (segment.startMs <= view.playheadMs + p2pWindowMs && missing.isAnnounced()) {
      if (plan.loading(segment) !== null) continue
      if (plan.isFree('p2p')) plan.p2p(missing)
      else if (missing.holders().length > 0 && plan.abortLastAfter(segment, 'p2p')) plan.p2p(missing)
    }
  }
  return plan.decisions()
}
