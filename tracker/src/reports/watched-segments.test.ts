import { describe, expect, it } from 'vitest'
import { WatchedSegments } from './watched-segments.ts'

/** Spread like the hashes of keys. */
function hashes(count: number, seed: number): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    let hash = state
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> 0
  })
}

const sizeOf = (hash: number) => 20_000 + (hash % 600_000)

function add(watched: WatchedSegments, all: readonly number[], slot: number): number {
  return all.reduce((sum, hash) => sum + watched.add({ hash, bytes: sizeOf(hash) }, slot, slot - 359), 0)
}

describe('the segments a site watched', () => {
  it('count once, however many viewers had them, and whoever says another size', () => {
    const watched = new WatchedSegments()
    expect(watched.add({ hash: 1, bytes: 500 }, 10, 0)).toBe(500)
    expect(watched.add({ hash: 1, bytes: 500 }, 10, 0)).toBe(0)
    expect(watched.add({ hash: 1, bytes: 900_000_000 }, 11, 0)).toBe(0)
    expect(watched.add({ hash: 2, bytes: 300 }, 11, 0)).toBe(300)
    expect(watched.bytesSince(0)).toBe(800)
  })

  it('belong to each window in which somebody had them', () => {
    const watched = new WatchedSegments()
    watched.add({ hash: 1, bytes: 500 }, 10, 0)
    watched.add({ hash: 2, bytes: 300 }, 10, 0)
    watched.add({ hash: 1, bytes: 500 }, 50, 0)
    expect(watched.bytesSince(40)).toBe(500)
    expect(watched.bytesSince(10)).toBe(800)
  })

  it('are forgotten after an hour, and then are new again', () => {
    const watched = new WatchedSegments()
    watched.add({ hash: 1, bytes: 500 }, 10, 0)
    expect(watched.add({ hash: 2, bytes: 300 }, 400, 41)).toBe(300)
    expect(watched.size).toBe(1)
    expect(watched.add({ hash: 1, bytes: 500 }, 400, 41)).toBe(500)
  })

  it('are exact up to 2048, and beyond within a tenth at worst, a thirtieth as a rule, in bounded memory', () => {
    const few = new WatchedSegments()
    const exact = hashes(2_048, 5)
    add(few, exact, 5)
    expect(few.bytesSince(0)).toBe(exact.reduce((sum, hash) => sum + sizeOf(hash), 0))

    const errors: number[] = []
    for (let seed = 1; seed <= 60; seed++) {
      const watched = new WatchedSegments()
      const all = hashes(3_000 + 400 * seed, seed)
      // Two viewers had each.
      add(watched, all, 5)
      add(watched, all, 6)
      expect(watched.size).toBeLessThanOrEqual(2_048)
      const truth = all.reduce((sum, hash) => sum + sizeOf(hash), 0)
      errors.push(Math.abs(watched.bytesSince(0) / truth - 1))
    }
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length)
    expect(rms).toBeLessThan(1 / 30)
    expect(Math.max(...errors)).toBeLessThan(0.1)
  })

  it('become exact again once a flood of them is an hour past', () => {
    const watched = new WatchedSegments()
    add(watched, hashes(20_000, 3), 5)
    const later = hashes(30, 77)
    for (let slot = 400; slot < 420; slot++) add(watched, later, slot)
    const last = hashes(100, 123)
    add(watched, last, 800)
    expect(watched.bytesSince(800)).toBe(last.reduce((sum, hash) => sum + sizeOf(hash), 0))
  })
})
