import { parseDigestTags } from '@nearcast/peer-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTagged, type NamedBytes, tagPlaylist, untagPlaylist } from './tag-playlist.ts'

const template = '../nearcast/hashes/{root}'
const root = (n: number) => n.toString(16).padStart(64, '0')

const playlist = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-MAP:URI="init.mp4"
#EXT-X-KEY:METHOD=AES-128,URI="k"
#EXTINF:2,title
#EXT-X-BYTERANGE:100@0

a.ts
#EXTINF:2,
#EXT-X-BYTERANGE:50
a.ts
#EXT-X-GAP
#EXTINF:2,
gone.ts
#EXT-X-DISCONTINUITY
#EXTINF:2,
b.ts
#EXT-X-ENDLIST
`

const digestOf = ({ uri, range }: NamedBytes) => ({
  size: (range?.to ?? 7) + 1,
  root: root(uri.length + (range?.from ?? 0)),
})

describe('tagging a playlist', () => {
  it('is read back by the parser, segment for segment', () => {
    const table = parseDigestTags(tagPlaylist(playlist, template, digestOf), 'http://h/a/p.m3u8')
    expect([...table.segments].map(([seq, { size, root: r }]) => [seq, size, r])).toEqual([
      [5, 101, root(4)],
      [6, 151, root(104)],
      [8, 8, root(4)],
    ])
    expect(table.inits.get('http://h/a/init.mp4')?.hashesUrl).toBe(`http://h/nearcast/hashes/${root(8)}`)
  })

  it('changes no other line, and taking the tags out gives the playlist back', () => {
    const tagged = tagPlaylist(playlist, template, digestOf)
    expect(tagged).not.toBe(playlist)
    expect(untagPlaylist(tagged)).toBe(playlist)
  })

  it('keeps EXTINF and URI of a segment as close as they were', () => {
    expect(tagPlaylist(playlist, template, digestOf)).toContain('#EXTINF:2,\nb.ts')
  })

  it('twice equals once, and a later run replaces what an earlier one said', () => {
    const once = tagPlaylist(playlist, template, digestOf)
    expect(tagPlaylist(once, template, digestOf)).toBe(once)
    const later = tagPlaylist(once, template, () => ({ size: 9, root: root(9) }))
    expect(later).toBe(tagPlaylist(playlist, template, () => ({ size: 9, root: root(9) })))
  })

  it('leaves out what is not known, and says nothing at all when nothing is', () => {
    expect(tagPlaylist(playlist, template, () => null)).toBe(playlist)
    const some = tagPlaylist(playlist, template, ({ uri }) =>
      uri === 'b.ts' ? { size: 1, root: root(1) } : null,
    )
    expect(some.match(/#EXT-X-NEARCAST-/g)).toHaveLength(1)
    expect(isTagged(some)).toBe(true)
  })

  it('leaves multivariant playlists alone', () => {
    const master = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n'
    expect(tagPlaylist(master, template, digestOf)).toBe(master)
  })

  it('keeps CRLF line ends and a missing last one', () => {
    const windows = playlist.replaceAll('\n', '\r\n').trimEnd()
    const tagged = tagPlaylist(windows, template, digestOf)
    expect(tagged.replaceAll('\r\n', '')).not.toContain('\n')
    expect(untagPlaylist(tagged)).toBe(windows)
  })

  it('is undone for any lines', () => {
    const line = fc.oneof(fc.constantFrom(...playlist.split('\n')), fc.stringMatching(/^[ -~]*$/))
    fc.assert(
      fc.property(fc.array(line), lines => {
        const text = untagPlaylist(['#EXTM3U', ...lines].join('\n'))
        expect(untagPlaylist(tagPlaylist(text, template, digestOf))).toBe(text)
      }),
      { numRuns: 300 },
    )
  })
})
