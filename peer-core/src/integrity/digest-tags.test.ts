import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOfInit } from './digest-table.ts'
import { parseDigestTags } from './digest-tags.ts'

const root = (digit: string) => digit.repeat(64)
const url = 'https://cdn.example/live/video.m3u8?token=secret'

const playlist = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-NEARCAST:VERSION=1,HASHES="/nearcast/hashes/{root}"
#EXT-X-NEARCAST-MAP:SIZE=800,ROOT=${root('a')}
#EXT-X-MAP:URI="init.mp4?x=1"
#EXT-X-NEARCAST-SEGMENT:SIZE=1000,ROOT=${root('b')}
#EXTINF:2,
s41.m4s
#EXTINF:2,
s42.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@100"
#EXT-X-NEARCAST-MAP:SIZE=700,ROOT=${root('c')}
#EXTINF:2,
#EXT-X-BYTERANGE:5000@800
#EXT-X-NEARCAST-SEGMENT:ROOT=${root('d').toUpperCase()},FUTURE="x,y",SIZE=5000
all.mp4
`

describe('digest tags in a playlist', () => {
  it('give size, root and list of each tagged segment by media sequence number', () => {
    const { segments } = parseDigestTags(playlist, url)
    expect([...segments]).toEqual([
      [41, { size: 1000, root: root('b'), hashesUrl: `https://cdn.example/nearcast/hashes/${root('b')}` }],
      [43, { size: 5000, root: root('d'), hashesUrl: `https://cdn.example/nearcast/hashes/${root('d')}` }],
    ])
  })

  it('give init segments by URL and range, whatever their query', () => {
    const table = parseDigestTags(playlist, url)
    expect(digestOfInit(table, 'https://cdn.example/live/init.mp4?x=2', null)?.root).toBe(root('a'))
    expect(digestOfInit(table, 'https://cdn.example/live/all.mp4', { from: 100, to: 800 })?.size).toBe(700)
    expect(digestOfInit(table, 'https://cdn.example/live/all.mp4', null)).toBeUndefined()
  })

  it('count skipped segments of a delta update', () => {
    const delta = playlist.replace('#EXT-X-NEARCAST:', '#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n#EXT-X-NEARCAST:')
    expect([...parseDigestTags(delta, url).segments.keys()]).toEqual([46, 48])
  })

  it('resolve a relative template against the playlist, and refuse one that leads out of http', () => {
    const at = (template: string) =>
      parseDigestTags(playlist.replace('/nearcast/hashes/{root}', template), url).segments.get(41)?.hashesUrl
    expect(at('../h/{root}?v=1')).toBe(`https://cdn.example/h/${root('b')}?v=1`)
    expect(at('javascript:{root}')).toBe('')
    expect(at('/no/placeholder')).toBe('')
  })

  it('do not tell apart two init segments that differ in their query alone', () => {
    const twice = playlist.replace(
      '#EXTINF:2,\ns42',
      `#EXT-X-NEARCAST-MAP:SIZE=9,ROOT=${root('e')}\n#EXT-X-MAP:URI="init.mp4?x=9"\n#EXTINF:2,\ns42`,
    )
    expect(
      digestOfInit(parseDigestTags(twice, url), 'https://cdn.example/live/init.mp4?x=1', null),
    ).toBeUndefined()
  })

  it('mean nothing in another version, in a multivariant playlist or without the head', () => {
    for (const text of [
      playlist.replace('VERSION=1,HASHES', 'VERSION=2,HASHES'),
      playlist.replace('#EXT-X-TARGETDURATION:2', '#EXT-X-STREAM-INF:BANDWIDTH=1'),
      playlist.replace(/#EXT-X-NEARCAST:.*\n/, ''),
      'not a playlist #EXT-X-NEARCAST:VERSION=1',
    ])
      expect(parseDigestTags(text, url)).toEqual({ segments: new Map(), inits: new Map() })
  })

  it.each(['SIZE=0', 'SIZE=-5', 'SIZE=1e3', 'SIZE=99999999999999999999', 'ROOT=xyz', 'ROOT='])(
    'with %s are no digest',
    field => {
      const name = field.split('=')[0]!
      const broken = playlist.replace(
        `SEGMENT:SIZE=1000,ROOT=${root('b')}`,
        `SEGMENT:SIZE=1000,ROOT=${root('b')}`.replace(new RegExp(`${name}=[^,\n]*`), field),
      )
      expect(parseDigestTags(broken, url).segments.has(41)).toBe(false)
      expect(parseDigestTags(broken, url).segments.has(43)).toBe(true)
    },
  )

  it('never throw, whatever the lines', () => {
    const line = fc.oneof(fc.constantFrom(...playlist.split('\n')), fc.string())
    fc.assert(
      fc.property(fc.array(line), lines => {
        parseDigestTags(['#EXTM3U', ...lines].join('\n'), url)
      }),
      { numRuns: 300 },
    )
  })
})
