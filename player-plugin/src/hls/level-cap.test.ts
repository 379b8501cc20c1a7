import { describe, expect, it } from 'vitest'
import { levelCap } from './level-cap.ts'

const levels = [400_000, 1_500_000, 3_000_000].map(bitrate => ({ bitrate }))

describe('levelCap', () => {
  it('is the highest level that the line carries once', () => {
    expect(levelCap(levels, 2000)).toBe(1)
    expect(levelCap(levels, 1600)).toBe(0)
  })
  it('is none on a line that carries every level, or of unknown capacity', () => {
    expect(levelCap(levels, 4000)).toBe(-1)
    expect(levelCap(levels, 0)).toBe(-1)
    expect(levelCap([], 1000)).toBe(-1)
  })
  it('is the lowest level when even that is too much', () => {
    expect(levelCap(levels, 100)).toBe(0)
    expect(levelCap([...levels].reverse(), 100)).toBe(2)
  })
})
