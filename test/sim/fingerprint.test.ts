import { expect, it } from 'vitest'
import { createFingerprint } from './fingerprint.ts'

function digest(...values: unknown[]): string {
  const fingerprint = createFingerprint()
  for (const value of values) fingerprint.add(value)
  return fingerprint.digest()
}

it('is equal for equal values', () => {
  const value = { type: 'want', id: 3, at: 0.1 + 0.2, tracks: ['video', 'audio'], held: true, key: null }
  expect(digest(value, 5)).toBe(digest({ ...value, tracks: [...value.tracks] }, 5))
})

it('differs when a value, its place, a text or a fraction differs', () => {
  const all = [
    digest({ a: 1, b: 2 }),
    digest({ a: 2, b: 1 }),
    digest({ a: 1, b: '2' }),
    digest({ a: 1.0000000001, b: 2 }),
    digest([1], [2]),
    digest([1, 2]),
    digest(null, true),
    digest(null, false),
  ]
  expect(new Set(all).size).toBe(all.length)
})
