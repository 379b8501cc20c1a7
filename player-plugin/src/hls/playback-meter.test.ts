import { describe, expect, it } from 'vitest'
import { type MeteredMedia, PlaybackMeter } from './playback-meter.ts'

const media = (state: Partial<MeteredMedia> = {}): MeteredMedia => {
  return { currentTime: 0, paused: false, seeking: false, ended: false, ...state }
}

function started(): PlaybackMeter {
  const meter = new PlaybackMeter()
  meter.load(1_000)
  meter.hear('canplay', media(), 1_640)
  return meter
}

describe('the playback meter', () => {
  it('takes the time from the manifest to the first picture, once', () => {
    const meter = started()
    meter.hear('playing', media(), 90_000)
    expect(meter.read(91_000, 0, 0)).toEqual({
      startMs: 640,
      stalls: 0,
      stallMs: 0,
      latencyMs: null,
      kbps: null,
    })
  })

  it('knows no start of a manifest that was loaded before it', () => {
    const meter = new PlaybackMeter()
    meter.hear('playing', media(), 500)
    expect(meter.read(600, 0, 0).startMs).toBeNull()
  })

  it('counts a stall from waiting until the picture moves, and none that nobody sees', () => {
    const meter = started()
    meter.hear('waiting', media({ currentTime: 4 }), 5_000)
    meter.hear('timeupdate', media({ currentTime: 4 }), 5_600)
    meter.hear('timeupdate', media({ currentTime: 4.1 }), 5_900)
    meter.hear('waiting', media({ currentTime: 8 }), 9_000)
    meter.hear('playing', media({ currentTime: 8 }), 9_200)
    expect(meter.read(10_000, 0, 0)).toMatchObject({ stalls: 1, stallMs: 900 })
  })

  it('counts a stall that still goes on as far as it went, and not twice when it ends', () => {
    const meter = started()
    meter.hear('waiting', media(), 5_000)
    expect(meter.read(6_000, 0, 0)).toMatchObject({ stalls: 1, stallMs: 1_000 })
    meter.hear('playing', media(), 7_000)
    expect(meter.read(8_000, 0, 0)).toMatchObject({ stalls: 1, stallMs: 2_000 })
  })

  it('takes neither a seek, a pause nor the end for a stall', () => {
    const meter = started()
    meter.hear('waiting', media({ seeking: true }), 5_000)
    meter.hear('waiting', media({ paused: true }), 6_000)
    meter.hear('waiting', media({ ended: true }), 7_000)
    expect(meter.read(60_000, 0, 0).stalls).toBe(0)
  })

  it('begins anew with another manifest', () => {
    const meter = started()
    meter.hear('waiting', media(), 5_000)
    meter.hear('playing', media(), 7_000)
    meter.load(20_000)
    expect(meter.read(21_000, 3.2, 1_500_000)).toEqual({
      startMs: null,
      stalls: 0,
      stallMs: 0,
      latencyMs: 3_200,
      kbps: 1_500,
    })
  })
})
