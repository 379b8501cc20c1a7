import { expect, test } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

test('spends its burst, then what time brings, and owes a burst at most', () => {
  const bucket = new TokenBucket(10, 2, 0)
  expect([1, 1, 1, 5].map(cost => bucket.spend(cost, 0))).toEqual([1, 0, -1, -2])
  expect(bucket.spend(1, 300)).toBe(0)
  expect(bucket.spend(1, 60_000)).toBe(1)
})

test('without a limit never ends, nor when two are spent at one time', () => {
  const bucket = new TokenBucket(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0)
  for (const now of [0, 0, 5, 5]) expect(bucket.spend(1, now)).toBe(Number.POSITIVE_INFINITY)
})
