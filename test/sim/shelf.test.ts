import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addRange, createShelf, hasRange, isProven, isWhole } from './shelf.ts'
import type { Segment } from './stream.ts'

const segment: Segment = {
  key: 'video/1',
  track: 'video',
  seq: 1,
  slot: 1,
  startMs: 0,
  durationMs: 2_000,
  size: 40_000,
  root: 'ab',
}

it('keeps ranges as a bitmap would', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(20)).map(([from, length]) => [from, from + length] as const)
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), range, (added, asked) => {
      const ranges: number[] = []
      const bits = new Set<number>()
      for (const [from, to] of added) {
        const before = bits.size
        for (let i = from; i < to; i++) bits.add(i)
        expect(addRange(ranges, from, to)).toBe(bits.size - before)
      }
      for (let i = 2; i < ranges.length; i += 2) expect(ranges[i]!).toBeGreaterThan(ranges[i - 1]!)
      let all = true
      for (let i = asked[0]; i < asked[1]; i++) if (!bits.has(i)) all = false
      expect(hasRange(ranges, asked[0], asked[1])).toBe(all)
    }),
  )
})

it('knows which blocks are wrong until right bytes cover them', () => {
  const shelf = createShelf()
  const holding = shelf.open(segment)
  shelf.put(holding, 0, 40_000, 'peer', true)
  expect([...holding.wrong]).toEqual([0, 1, 2])
  shelf.put(holding, 16_384, 23_616, 'edge', false)
  expect([...holding.wrong]).toEqual([0])
  expect([...holding.fromPeers]).toEqual([0])
  expect(isWhole(holding)).toBe(true)
})

it('forgets a proof when the bytes change, and the bytes when they are dropped', () => {
  const shelf = createShelf()
  const holding = shelf.open(segment)
  shelf.put(holding, 0, 40_000, 'edge', false)
  for (const block of [0, 1, 2]) holding.verified.add(block)
  expect(isProven(holding)).toBe(true)
  shelf.put(holding, 100, 10, 'peer', false)
  expect(isProven(holding)).toBe(false)
  expect(shelf.heldBytes()).toBe(40_000)
  shelf.drop(segment.key)
  expect(shelf.heldBytes()).toBe(0)
})
