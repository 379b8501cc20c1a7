import type { Dice } from '../../random.ts'
import { createPlan, httpSlots } from '../pml/plan.ts'
import type { Decision, View } from '../pml/rules.ts'

/** 2.3.1's `httpDownloadTimeWindow`. */
const httpWindowMs = 3_000_000
const baseMs = 1_000

/**
 * 2.3.1's random prefetch: of the segments that nobody nearby has or fetches, each viewer takes about its share over
 * HTTP, by chance. With K of them and n − 1 neighbours the first is taken with probability K / n, the next with
 * one less.
 */
export function prefetchByChance(view: View, dice: Dice): readonly Decision[] {
  const plan = createPlan(view, dice)
  const viewers = view.neighbours.length + 1
  if (viewers === 1 || view.storeIsFull || !plan.isFree('http')) return []
  const unclaimed = view.missing.filter(
    missing =>
      missing.loading === null &&
      !missing.isSpent &&
      missing.segment.startMs <= view.playheadMs + httpWindowMs &&
      !missing.isAnnounced(),
  )
  const most = Math.min(unclaimed.length, httpSlots * viewers)
  let probability = most / viewers
  for (const { segment } of dice.shuffle(unclaimed.slice(0, most))) {
    if (probability <= 0 || !plan.isFree('http')) break
    if (dice.chance(Math.min(1, probability))) plan.http(segment)
    probability--
  }
  return plan.decisions()
}

/** A second, and up to one more for each neighbour. */
export function prefetchAfterMs(neighbours: number, dice: Dice): number {
  return baseMs + dice.next() * neighbours * baseMs
}
