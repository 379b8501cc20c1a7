import { hash32 } from '../../peer-core/src/core/hash.ts'
import { createRandom } from '../../peer-core/src/core/random.ts'

/** A seeded source of everything that chance decides in the world. */
export interface Dice {
  /** Uniform in [0, 1). */
  next(): number
  between(low: number, high: number): number
  /** Log-uniform: as many below the geometric middle as above it. Both ends above 0. */
  logBetween(low: number, high: number): number
  /** Whole, in [0, count). */
  below(count: number): number
  chance(share: number): boolean
  /** Exponential with this mean. */
  exponential(mean: number): number
  /** `count` lower-case hex digits. */
  hex(count: number): string
  shuffle<T>(items: readonly T[]): T[]
  /** `count` different ones, or all when there are fewer. */
  sample<T>(items: readonly T[], count: number): T[]
  /** An independent generator: what one noun draws never moves another's luck. */
  fork(name: string): Dice
  /** A seed for somebody else's generator. */
  seed(): number
}

export function createDice(seed: number): Dice {
  const random = createRandom(seed)
  const next = (): number => random.next()
  const below = (count: number): number => Math.floor(next() * count)
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    logBetween: (low, high) => low * (high / low) ** next(),
    below,
    chance: share => next() < share,
    exponential: mean => -Math.log(1 - next()) * mean,
    hex(count) {
      let text = ''
      while (text.length < count) text += below(16).toString(16)
      return text
    },
    shuffle(items) {
      const shuffled = [...items]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = below(i + 1)
        const swap = shuffled[i]!
        shuffled[i] = shuffled[j]!
        shuffled[j] = swap
      }
      return shuffled
    },
    sample(items, count) {
      const left = [...items]
      const taken = Math.min(count, left.length)
      for (let i = 0; i < taken; i++) {
        const j = i + below(left.length - i)
        const swap = left[i]!
        left[i] = left[j]!
        left[j] = swap
      }
      return left.slice(0, taken)
    },
    fork: name => createDice(hash32(name, seed)),
    seed: () => below(2 ** 31),
  }
}
