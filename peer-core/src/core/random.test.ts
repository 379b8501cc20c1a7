import { describe, expect, it } from 'vitest'
import { createRandom } from './random.ts'

function take(seed: number, count: number): number[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.next())
}

describe('the generator', () => {
  it('gives the same numbers for the same seed', () => {
    expect(take(42, 100)).toEqual(take(42, 100))
  })

  it('gives other numbers for another seed', () => {
    const seen = new Set(Array.from({ length: 1000 }, (_, seed) => take(seed, 1)[0]))
    expect(seen.size).toBe(1000)
  })

  it('keeps within [0, 1) and fills it evenly', () => {
    const tenths = new Array<number>(10).fill(0)
    for (const number of take(7, 20_000)) {
      expect(number).toBeGreaterThanOrEqual(0)
      expect(number).toBeLessThan(1)
      const tenth = Math.floor(number * 10)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200)
  })

  it('gives multiples of 2⁻³², which every engine writes alike', () => {
    for (const number of take(3, 100)) expect(Number.isInteger(number * 2 ** 32)).toBe(true)
  })
})
