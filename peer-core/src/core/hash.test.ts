import { describe, expect, it } from 'vitest'
import { keyHash, turnOf } from './hash.ts'
import { peerNamed } from './testing/probe.ts'

describe('the hash of a key', () => {
  it('is sixteen hex digits, the same on every engine and for ever', () => {
    expect(keyHash('')).toMatch(/^[0-9a-f]{16}$/)
    expect(keyHash('media video/playlist.m3u8 video/1.ts - 1 0')).toBe('4d27a28fca0b01d3')
  })

  it('differs between keys that differ by a digit', () => {
    const hashes = new Set(Array.from({ length: 20_000 }, (_, index) => keyHash(`v/segment-${index}.m4s`)))
    expect(hashes.size).toBe(20_000)
  })
})

describe('turns', () => {
  const peers = Array.from({ length: 10 }, (_, index) => peerNamed(index + 1))
  const first = (slot: number, among: readonly string[]): string =>
    among.reduce((a, b) => (turnOf(slot, b) < turnOf(slot, a) ? b : a))

  it('are spread evenly over the group', () => {
    const counts = new Map<string, number>()
    for (let slot = 0; slot < 5000; slot++) {
      const peer = first(slot, peers)
      counts.set(peer, (counts.get(peer) ?? 0) + 1)
    }
    expect(counts.size).toBe(10)
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(400)
      expect(count).toBeLessThan(600)
    }
  })

  it('stay where they are when somebody leaves, but for those that were his', () => {
    const [gone, ...left] = peers as [string, ...string[]]
    for (let slot = 0; slot < 1000; slot++) {
      const before = first(slot, peers)
      if (before !== gone) expect(first(slot, left)).toBe(before)
    }
  })
})
