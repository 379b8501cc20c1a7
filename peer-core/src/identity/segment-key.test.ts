import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SegmentPlace, segmentKey, trackPath } from './segment-key.ts'

const at = (over: Partial<SegmentPlace> = {}): SegmentPlace => ({
  track: '/live/720p.m3u8',
  url: 'https://a.example/live/720p/7.ts',
  range: null,
  seq: 7,
  discontinuity: 0,
  ...over,
})

describe('segmentKey', () => {
  it('is one for two CDNs and two signed URLs', () => {
    expect(segmentKey(at({ url: 'https://b.example/live/720p/7.ts?token=x&Expires=9#f' }))).toBe(
      segmentKey(at()),
    )
  })

  it('tells apart track, path, query, range, sequence and discontinuity', () => {
    const keys = [
      at(),
      at({ track: '/live/360p.m3u8' }),
      at({ url: 'https://a.example/live/720p/8.ts' }),
      at({ url: 'https://a.example/live/720p/7.ts?part=2' }),
      at({ range: { from: 0, to: 10 } }),
      at({ range: { from: 0, to: 100 } }),
      at({ seq: 8 }),
      at({ discontinuity: 1 }),
      at({ seq: 'init' }),
      at({ seq: 'init', range: { from: 0, to: 10 } }),
    ].map(place => segmentKey(place))
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('gives renditions that share an init segment one key', () => {
    expect(segmentKey(at({ seq: 'init', track: '/a.m3u8', discontinuity: 3 }))).toBe(
      segmentKey(at({ seq: 'init', track: '/b.m3u8' })),
    )
  })

  it('lets a hook cut the token out of the path, for playlists too', () => {
    const rules = { segmentKey: (url: string) => url.replace(/\/t-[^/]+/, '') }
    const one = segmentKey(at({ url: 'https://a.example/t-alice/7.ts' }), rules)
    expect(segmentKey(at({ url: 'https://a.example/t-bob/7.ts' }), rules)).toBe(one)
    expect(trackPath('https://a.example/t-bob/v.m3u8?id=7', rules)).toBe('/v.m3u8?id=7')
  })

  it('accepts a hook that returns a name and not a URL', () => {
    const rules = { segmentKey: (_: string, what: 'playlist' | 'segment') => `${what} 100%` }
    expect(trackPath('https://a.example/v.m3u8', rules)).toBe('playlist%20100%25')
  })

  it('never gives two places one key (property)', () => {
    const path = fc.array(fc.constantFrom('a', 'b', '1', '-', ' ', '%20', '/', 'init', 'media'), {
      minLength: 1,
      maxLength: 4,
    })
    const place = fc.record({
      path: path.map(parts => parts.join('')),
      track: fc.constantFrom('/a.m3u8', '/b.m3u8?id=7'),
      range: fc.option(fc.record({ from: fc.nat(20), to: fc.nat(20) })),
      seq: fc.nat(20),
      discontinuity: fc.nat(3),
    })
    fc.assert(
      fc.property(place, place, (a, b) => {
        const key = (p: typeof a) => segmentKey({ ...p, url: `https://x.example/s${p.path}e` })
        const meaning = (p: typeof a) => [
          new URL(`https://x.example/s${p.path}e`).pathname,
          p.track,
          p.range,
          p.seq,
          p.discontinuity,
        ]
        expect(key(a) === key(b)).toBe(JSON.stringify(meaning(a)) === JSON.stringify(meaning(b)))
      }),
      { numRuns: 500 },
    )
  })
})
