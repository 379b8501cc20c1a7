import { describe, expect, it } from 'vitest'
import { Playback } from './playback.ts'

describe('playback without a picture', () => {
  it('starts when there is more than a frame to show, and says how long that took', () => {
    const playback = new Playback(1_000, 6_000)
    playback.advance(1_400, 6_016, false)
    expect(playback.state.type).toBe('starting')
    playback.advance(1_500, 8_000, false)
    expect(playback.state.type).toBe('playing')
    expect(playback.startupMs).toBe(500)
    expect(playback.positionMs).toBe(6_000)
  })

  it('moves with the clock', () => {
    const playback = new Playback(0, 0)
    playback.advance(100, 4_000, false)
    for (let now = 200; now <= 2_100; now += 100) playback.advance(now, 4_000, false)
    expect(playback.positionMs).toBe(2_000)
    expect(playback.stalls).toEqual([])
  })

  it('stalls when the buffer is played, at the moment it was, however late it is looked at', () => {
    const playback = new Playback(0, 0)
    playback.advance(0, 1_000, false)
    playback.advance(1_700, 1_000, false)
    expect(playback.state).toEqual({ type: 'stalled', since: 1_000 })
    expect(playback.positionMs).toBe(1_000)
    expect(playback.stalledMs(1_900)).toBe(900)
    playback.advance(2_500, 3_000, false)
    expect(playback.stalls).toEqual([{ at: 1_000, ms: 1_500 }])
    playback.advance(3_000, 3_000, false)
    expect(playback.positionMs).toBe(1_500)
  })

  it('ends at the end of a recording without a stall, and goes on when more comes', () => {
    const playback = new Playback(0, 0)
    playback.advance(0, 1_000, true)
    playback.advance(5_000, 1_000, true)
    expect(playback.state.type).toBe('ended')
    expect(playback.positionMs).toBe(1_000)
    expect(playback.stalls).toEqual([])
    playback.advance(6_000, 2_000, false)
    playback.advance(6_500, 2_000, false)
    expect(playback.positionMs).toBe(1_500)
  })

  it('ends a recording with nothing in it', () => {
    const playback = new Playback(0, 0)
    playback.advance(10, 0, true)
    expect(playback.state.type).toBe('ended')
  })

  it('goes on where it is told to, the stall included', () => {
    const playback = new Playback(0, 0)
    playback.advance(0, 1_000, false)
    playback.advance(2_000, 1_000, false)
    playback.jump(30_000)
    playback.advance(3_000, 32_000, false)
    expect(playback.positionMs).toBe(30_000)
    expect(playback.stalledMs(9_000)).toBe(2_000)
  })

  it('never goes back when the clock seems to', () => {
    const playback = new Playback(0, 0)
    playback.advance(0, 5_000, false)
    playback.advance(1_000, 5_000, false)
    playback.advance(900, 5_000, false)
    playback.advance(1_000, 5_000, false)
    expect(playback.positionMs).toBe(1_000)
  })
})
