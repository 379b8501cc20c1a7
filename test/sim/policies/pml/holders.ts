import type { Dice } from '../../random.ts'
import type { Holder } from './rules.ts'

/** Nobody is counted as slower than this share of the fastest, so that the unproven get their chance. */
const floorShare = 0.1

/**
 * Whom to ask (p2p-media-loader 2.3.1 and later): the only one; anybody while nobody is measured; else by chance,
 * weighted by what each gave before.
 */
export function pickHolder(holders: readonly Holder[], dice: Dice): Holder | null {
  const [first] = holders
  if (first === undefined || holders.length === 1) return first ?? null
  const fastest = Math.max(...holders.map(holder => holder.bps))
  if (fastest <= 0) return holders[dice.below(holders.length)]!
  const weights = holders.map(holder => Math.max(holder.bps, fastest * floorShare))
  let left = dice.next() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [i, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return holders[i]!
  }
  return holders.at(-1)!
}
