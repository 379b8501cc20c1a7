import { describe, expect, it } from 'vitest'
import { FirstFrame } from './first-frame.ts'

const fragment = { seq: 4, size: 375_000, durationMs: 2_000 }

function watched(): { first: FirstFrame; rests: number[] } {
  const rests: number[] = []
  const first = new FirstFrame(ms => rests.push(ms))
  first.opened()
  return { first, rests }
}

describe('connections and the first frame', () => {
  it('wait from the beginning until it is on screen', () => {
    const { first, rests } = watched()
    first.asked(1, 'start', fragment, 0)
    first.ended(1)
    expect(rests).toEqual([150, 250, 150])
  })

  it('are made at once on a line that is stated to be thin, and where its size is not known', () => {
    for (const [size, lineKbps, rested] of [
      [375_000, 2_000, 0],
      [375_000, 100_000, 250],
      [0, 100_000, 0],
      [0, 0, 250],
    ] as const) {
      const { first, rests } = watched()
      first.asked(1, 'start', { ...fragment, size }, lineKbps)
      expect(rests.at(-1)).toBe(rested)
    }
  })

  it('are made at once in a crowd, whenever it is counted', () => {
    const { first, rests } = watched()
    first.counted(6)
    first.asked(1, 'start', fragment, 0)
    first.counted(40)
    first.ended(1)
    expect(rests).toEqual([150, 250, 0])
  })

  it('do not wait for init segments, for what is only played on, or a second time', () => {
    const { first, rests } = watched()
    first.asked(1, 'start', { ...fragment, seq: -1 }, 0)
    first.asked(2, 'play', fragment, 0)
    first.asked(3, 'start', fragment, 0)
    first.ended(2)
    first.ended(3)
    first.asked(4, 'start', fragment, 0)
    first.ended(4)
    expect(rests).toEqual([150, 250, 150])
  })
})
