import { describe, expect, it } from 'vitest'
import { bufferEnd, bufferedMs, deadlineOf, type Playhead } from './deadline.ts'

const head = (over: Partial<Playhead> = {}): Playhead => ({
  at: 10,
  rate: 1,
  seeking: false,
  buffered: [{ start: 4, end: 22 }],
  ...over,
})

describe('deadlineOf', () => {
  it('is when playback reaches the segment', () => {
    expect(deadlineOf(22, head(), 'none')).toEqual({ deadlineMs: 12_000, urgency: 'play' })
  })

  it('is the end of the buffer for a segment that replaces something buffered', () => {
    expect(deadlineOf(18, head(), 'none').deadlineMs).toBe(12_000)
  })

  it('comes sooner at a higher rate', () => {
    expect(deadlineOf(22, head({ rate: 2 }), 'none').deadlineMs).toBe(6000)
  })

  it('is now at the start, whatever the timeline says', () => {
    expect(deadlineOf(100, head({ at: 0, buffered: [] }), 'start')).toEqual({
      deadlineMs: 0,
      urgency: 'start',
    })
  })

  it('is now after a seek into nothing, and not after a seek into the buffer', () => {
    const away = head({ at: 60, seeking: true })
    expect(deadlineOf(60, away, 'seek')).toEqual({ deadlineMs: 0, urgency: 'seek' })
    expect(deadlineOf(22, head({ seeking: true }), 'seek')).toEqual({ deadlineMs: 12_000, urgency: 'play' })
  })

  it('is now while the player stalls', () => {
    expect(deadlineOf(24, head({ at: 24 }), 'none')).toEqual({ deadlineMs: 0, urgency: 'play' })
  })

  it('counts from where the player will jump to, while the playhead is not at the first media yet', () => {
    const before = { at: 0, buffered: [{ start: 14, end: 16 }] }
    expect(deadlineOf(16, head(before), 'none')).toEqual({ deadlineMs: 2_000, urgency: 'play' })
    expect(deadlineOf(18, head(before), 'none').deadlineMs).toBe(0)
    expect(deadlineOf(2, head(before), 'none').deadlineMs).toBe(0)
  })

  it('counts a hole that the player bridges as buffered, and a larger one not', () => {
    expect(
      bufferEnd(
        head({
          buffered: [
            { start: 0, end: 12 },
            { start: 12.2, end: 20 },
          ],
        }),
      ),
    ).toBe(20)
    expect(
      bufferEnd(
        head({
          buffered: [
            { start: 13, end: 20 },
            { start: 0, end: 12 },
          ],
        }),
      ),
    ).toBe(12)
    expect(bufferedMs(head({ at: 30 }))).toBe(0)
  })

  it('is never negative nor infinite', () => {
    expect(deadlineOf(0, head({ rate: 0 }), 'none').deadlineMs).toBe(120_000)
    expect(
      deadlineOf(1, head({ at: 10, buffered: [{ start: 10, end: 10.1 }] }), 'none').deadlineMs,
    ).toBeGreaterThan(0)
  })
})
