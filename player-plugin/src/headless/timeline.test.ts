import { describe, expect, it } from 'vitest'
import { endMs, type Placed, place } from './timeline.ts'

const list = (firstSeq: number, ...durationsMs: number[]) => ({ firstSeq, durationsMs, targetMs: 2_000 })

describe('the timeline', () => {
  it('begins a first playlist at 0', () => {
    expect(place(list(7, 2_000, 1_900), null, null).startsMs).toEqual([0, 2_000, 3_900])
  })

  it('keeps segments where they were when a live window slides', () => {
    const first = place(list(7, 2_000, 1_900, 2_100), null, null)
    const second = place(list(8, 1_900, 2_100, 2_000), first, null)
    expect(second.startsMs).toEqual([2_000, 3_900, 6_000, 8_000])
    expect(place(list(10, 2_000), first, null).startsMs).toEqual([6_000, 8_000])
  })

  it('leaves room for what a window skipped', () => {
    const first = place(list(7, 2_000, 2_000), null, null)
    expect(place(list(12, 2_000), first, null).startsMs).toEqual([4_000 + 3 * 2_000, 12_000])
  })

  it('knows an older copy of the window by its numbers', () => {
    const first = place(list(7, 2_000, 1_900), null, null)
    expect(place(list(6, 1_500, 2_000), first, null).startsMs).toEqual([-1_500, 0, 2_000])
  })

  it('goes on behind the end when an encoder begins anew', () => {
    const first = place(list(7_000, 2_000, 2_000), null, null)
    const again = place(list(0, 2_000, 2_000), first, null)
    expect(again.startsMs[0]).toBe(4_000)
  })

  const video: Placed = { firstSeq: 10, startsMs: [6_000, 8_000, 10_000, 12_000], targetMs: 2_000 }

  it('puts a track that counts in step beside the other by number', () => {
    expect(place(list(11, 2_005, 1_984), null, video).startsMs[0]).toBe(8_000)
    expect(place(list(9, 1_990, 2_005), null, video).startsMs[0]).toBe(6_000 - 1_990)
  })

  it('puts a track that counts otherwise beside the other by their ends', () => {
    const audio = place(list(500, 2_000, 2_000), null, video)
    expect(endMs(audio)).toBe(12_000)
  })
})
