import { describe, expect, it } from 'vitest'
import { lanKey } from './lan-key.ts'

const film = 'ab'.repeat(20)

describe('the name of a private network', () => {
  it('is the same for all in it, and tells nearly all others apart', () => {
    const names = Array.from({ length: 256 }, (_, i) => lanKey(`192.168.${i}`, film))
    expect(lanKey('192.168.7', film)).toBe(names[7])
    let same = 0
    for (const [i, a] of names.entries()) for (const b of names.slice(i + 1)) if (a === b) same++
    // One pair in 1,024 is what chance gives; there are 32,640 pairs.
    expect(same).toBeLessThan(64)
  })

  it('fits many networks each, so that it names none, and differs by content', () => {
    const sharers = new Map<string, number>()
    for (let b = 0; b < 256; b++)
      for (let c = 0; c < 256; c++) {
        const name = lanKey(`10.${b}.${c}`, film)
        sharers.set(name, (sharers.get(name) ?? 0) + 1)
      }
    expect(sharers.size).toBe(1024)
    expect(Math.min(...sharers.values())).toBeGreaterThan(20)
    const moved = Array.from(
      { length: 100 },
      (_, i) => lanKey(`10.0.${i}`, film) !== lanKey(`10.0.${i}`, 'cd'.repeat(20)),
    )
    expect(moved.filter(Boolean).length).toBeGreaterThan(95)
  })
})
