import { scanPlaylist } from '@nearcast/peer-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLiveTrack, loopUri, parseLoopPath, segmentEnds } from './live-track.ts'
import { type RecordedTrack, readRecording } from './recording.ts'

/** A recording with a discontinuity before the third segment, and an implicit IV. */
function recording(durations: readonly number[], discontinuityAt = 2): RecordedTrack {
  const segments = durations.map(
    (duration, i) => `${i === discontinuityAt ? '#EXT-X-DISCONTINUITY\n' : ''}#EXTINF:${duration},\ns${i}.ts`,
  )
  const text = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-KEY:METHOD=AES-128,URI="k"\n${segments.join('\n')}\n#EXT-X-ENDLIST\n`
  return readRecording(text)!
}

function channel(tracks: readonly RecordedTrack[], windowMs: number) {
  const loopMs = Math.max(...tracks.map(track => track.totalMs))
  const ends = segmentEnds(tracks, loopMs)
  return { loopMs, live: tracks.map((track, i) => createLiveTrack(track, ends[i]!, windowMs)) }
}

const durations = fc.array(
  fc.integer({ min: 1000, max: 3000 }).map(ms => ms / 1000),
  { minLength: 3, maxLength: 9 },
)

describe('a looped track', () => {
  it('moves on one segment at a time: equal sequence numbers mean equal segments in every poll', () => {
    fc.assert(
      fc.property(durations, fc.integer({ min: 3000, max: 20_000 }), (lengths, windowMs) => {
        const { live } = channel([recording(lengths)], windowMs)
        const seen = new Map<number, string>()
        let newest = -1
        for (let at = 9000; at < 120_000; at += 700) {
          const text = live[0]!.playlist(at, 0)
          const { segments, live: open } = scanPlaylist(text)!
          expect(open).toBe(true)
          for (const segment of segments) {
            const what = `${segment.uri} cc${segment.discontinuity} ${segment.durationMs}`
            expect(seen.get(segment.sequence) ?? what).toBe(what)
            seen.set(segment.sequence, what)
          }
          expect(segments.length).toBeGreaterThanOrEqual(3)
          expect(segments.at(-1)!.sequence).toBeGreaterThanOrEqual(newest)
          newest = segments.at(-1)!.sequence
        }
      }),
      { numRuns: 30 },
    )
  })

  it('counts one discontinuity for the recorded one and one for each new round', () => {
    const { live } = channel([recording([2, 2, 2, 2])], 6000)
    const counts = new Map<number, number>()
    for (let at = 6000; at < 60_000; at += 500) {
      for (const { sequence, discontinuity } of scanPlaylist(live[0]!.playlist(at, 0))!.segments) {
        counts.set(sequence, discontinuity)
      }
    }
    expect([...counts.values()].slice(0, 10)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  })

  it('lists a segment when it has ended, not before', () => {
    const { live } = channel([recording([2, 2, 2, 2])], 6000)
    const newest = (at: number) => scanPlaylist(live[0]!.playlist(at, 0))!.segments.at(-1)!.sequence
    expect([newest(7999), newest(8000), newest(9999), newest(10_000)]).toEqual([2, 3, 3, 4])
  })

  it('says the wall time of its first segment and of the one after each discontinuity', () => {
    const { live } = channel([recording([2, 2, 2, 2])], 8000)
    const text = live[0]!.playlist(14_000, Date.UTC(2026, 0, 1))
    expect([...text.matchAll(/PROGRAM-DATE-TIME:(.*)/g)].map(match => match[1])).toEqual([
      '2026-01-01T00:00:06.000Z',
      '2026-01-01T00:00:08.000Z',
      '2026-01-01T00:00:12.000Z',
    ])
  })

  it('writes out the IV that the recorded sequence number meant', () => {
    const { live } = channel([recording([2, 2, 2, 2])], 6000)
    const lines = live[0]!.playlist(8000 * 5, 0).split('\n')
    const ivOf = (uri: string) => {
      const before = lines.slice(
        0,
        lines.findIndex(line => line.endsWith(uri)),
      )
      return /IV=0x0*([0-9a-f]+)/.exec(before.findLast(line => line.startsWith('#EXT-X-KEY'))!)![1]
    }
    expect(ivOf('s3.ts')).toBe('d')
  })

  it('keeps audio and video in step when their segments differ by frames', () => {
    fc.assert(
      fc.property(durations, fc.integer({ min: 9000, max: 200_000 }), (lengths, at) => {
        const audio = lengths.map((length, i) => length + (i % 2 === 0 ? 0.005333 : -0.005333))
        const { live } = channel([recording(lengths), recording(audio)], 9000)
        const [a, b] = live.map(track => scanPlaylist(track.playlist(at, 0))!.segments)
        const place = ({ sequence, discontinuity }: { sequence: number; discontinuity: number }) => [
          sequence,
          discontinuity,
        ]
        expect(a!.map(place)).toEqual(b!.map(place))
      }),
      { numRuns: 60 },
    )
  })
})

it('names each round in the URI, below the same folder', () => {
  expect(loopUri('a/b.ts?id=7', 12)).toBe('a/l12/b.ts?id=7')
  expect(parseLoopPath('x/a/l12/b.ts')).toEqual({ path: 'x/a/b.ts', loop: 12 })
  expect(parseLoopPath('l0/b.ts')).toEqual({ path: 'b.ts', loop: 0 })
  expect(parseLoopPath('x/b.ts')).toBeNull()
})
