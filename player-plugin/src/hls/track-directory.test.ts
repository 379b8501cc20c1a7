import { describe, expect, it } from 'vitest'
import type { DetailsLike, FragmentLike, LoaderContextLike } from './hls-like.ts'
import { TrackDirectory } from './track-directory.ts'

const base = 'https://cdn.example/live/v.m3u8?token=mine'
const root = (n: number) => n.toString(16).padStart(64, '0')

function fragment(sn: number | 'initSegment', over: Partial<FragmentLike> = {}): FragmentLike {
  return {
    sn,
    cc: 0,
    type: 'main',
    level: 0,
    start: typeof sn === 'number' ? sn * 2 : 0,
    duration: 2,
    bitrateTest: false,
    baseurl: base,
    url: `https://cdn.example/live/${sn}.ts?token=mine`,
    byteRange: [],
    initSegment: null,
    stats: null as never,
    ...over,
  }
}

function details(sns: readonly number[], over: Partial<DetailsLike> = {}, digests = sns): DetailsLike {
  const lines = sns.map(sn => {
    const tag = digests.includes(sn) ? `#EXT-X-NEARCAST-SEGMENT:SIZE=${1000 + sn},ROOT=${root(sn)}\n` : ''
    return `#EXTINF:2,\n${tag}${sn}.ts`
  })
  const head = digests.length > 0 ? '#EXT-X-NEARCAST:VERSION=1,HASHES="/h/{root}"\n' : ''
  return {
    url: base,
    live: true,
    targetduration: 2,
    m3u8: `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:${sns[0] ?? 0}\n${head}${lines.join('\n')}\n`,
    fragments: sns.map(sn => fragment(sn)),
    ...over,
  }
}

const asked = (frag: FragmentLike, range?: readonly [number, number]): LoaderContextLike => ({
  url: frag.url ?? '',
  responseType: 'arraybuffer',
  rangeStart: range?.[0] ?? 0,
  rangeEnd: range?.[1] ?? 0,
  frag,
  part: null,
})

describe('TrackDirectory', () => {
  it('names track and segments without host and token, with digest, slot and freshest url', () => {
    const window = new TrackDirectory({}).update(details([7, 8]))
    expect(window).toMatchObject({ track: '/live/v.m3u8', live: true })
    expect(window.sources[0]).toEqual({
      key: 'media /live/v.m3u8 /live/7.ts - 7 0',
      seq: 7,
      slot: 7,
      startMs: 14_000,
      durationMs: 2000,
      size: 1007,
      root: root(7),
      url: 'https://cdn.example/live/7.ts?token=mine',
      range: null,
      hashesUrl: `https://cdn.example/h/${root(7)}`,
    })
  })

  it('takes the new token of a segment it knew, under the same key', () => {
    const tracks = new TrackDirectory({})
    const [before] = tracks.update(details([7])).sources
    const renewed = {
      ...details([7]),
      fragments: [fragment(7, { url: 'https://cdn.example/live/7.ts?token=new' })],
    }
    const [after] = tracks.update(renewed).sources
    expect(after?.key).toBe(before?.key)
    expect(after?.url).toContain('token=new')
  })

  it('keeps digests that a delta update leaves out, and drops those that left the window', () => {
    const tracks = new TrackDirectory({})
    tracks.update(details([1, 2, 3, 4]))
    const delta = { ...details([5]), fragments: [null, fragment(3), fragment(4), fragment(5)] }
    expect(tracks.update(delta).sources.map(({ seq, root: r }) => [seq, r])).toEqual(
      [3, 4, 5].map(n => [n, root(n)]),
    )
    expect(tracks.update(details([1, 2, 3], {}, [])).sources.map(({ root: r }) => r)).toEqual([
      '',
      '',
      root(3),
    ])
  })

  it('leaves out gaps, unknown and unshareable segments', () => {
    const fragments = [
      null,
      fragment(1, { gap: true }),
      fragment(2, { url: 'data:video/mp2t;base64,AA' }),
      fragment(3),
    ]
    expect(
      new TrackDirectory({}).update({ ...details([]), fragments }).sources.map(({ seq }) => seq),
    ).toEqual([3])
  })

  it('lists a shared init segment once, before the media and at the moment it serves', () => {
    const init = fragment('initSegment', { url: 'https://cdn.example/live/i.mp4', byteRange: [0, 800] })
    const fragments = [fragment(4, { initSegment: init }), fragment(5, { initSegment: init })]
    const { sources } = new TrackDirectory({}).update({ ...details([4, 5]), fragments })
    expect(sources.map(({ seq }) => seq)).toEqual([-1, 4, 5])
    expect(sources[0]).toMatchObject({
      key: 'init /live/i.mp4 0-800',
      slot: 4,
      size: 800,
      durationMs: 0,
      startMs: 8000,
    })
  })

  it('finds what a loader asks for, whatever CMCD made of the url', () => {
    const tracks = new TrackDirectory({})
    tracks.update(details([7]))
    const found = tracks.locate({
      ...asked(fragment(7)),
      url: 'https://cdn.example/live/7.ts?token=mine&CMCD=br%3D1',
    })
    expect(found).toMatchObject({ type: 'found', added: false, source: { seq: 7, root: root(7) } })
  })

  it('takes an encrypted init segment by the wider range it is loaded with, without the digest of the narrow one', () => {
    const tracks = new TrackDirectory({})
    const init = fragment('initSegment', { url: 'https://cdn.example/live/i.mp4', byteRange: [20, 820] })
    tracks.update({ ...details([4]), fragments: [fragment(4, { initSegment: init })] })
    const found = tracks.locate(asked(init, [0, 832]))
    expect(found).toMatchObject({
      type: 'found',
      added: true,
      source: { key: 'init /live/i.mp4 0-832', range: { from: 0, to: 832 }, size: 832, root: '' },
    })
    expect(tracks.window('/live/v.m3u8')?.sources.map(({ key }) => key)).toContain('init /live/i.mp4 0-832')
  })

  it('knows nothing of playlists it does not follow', () => {
    const tracks = new TrackDirectory({})
    tracks.update(details([7]))
    expect(tracks.locate(asked(fragment(7, { baseurl: 'https://ads.example/a.m3u8' }))).type).toBe(
      'unknown-playlist',
    )
    expect(tracks.locate(asked(fragment(9, { url: 'blob:x' }))).type).toBe('unshareable')
  })

  it('gives the window again when the timeline moved, and not for a frame', () => {
    const tracks = new TrackDirectory({})
    tracks.update(details([7]))
    const moved = (by: number) => ({ ...details([7]), fragments: [fragment(7, { start: 14 + by })] })
    expect(tracks.realign(moved(0.04))).toBeNull()
    expect(tracks.realign(moved(6))?.sources[0]?.startMs).toBe(20_000)
    expect(tracks.realign(moved(6))).toBeNull()
  })

  it('adds digests that came from beside the playlist', () => {
    const tracks = new TrackDirectory({})
    tracks.update(details([7], {}, []))
    expect(tracks.hasDigests('/live/v.m3u8')).toBe(false)
    const digest = { size: 5, root: root(7), hashesUrl: 'https://cdn.example/h' }
    const window = tracks.addDigests('/live/v.m3u8', { segments: new Map([[7, digest]]), inits: new Map() })
    expect(window?.sources[0]).toMatchObject({ size: 5, root: root(7), hashesUrl: 'https://cdn.example/h' })
    expect(tracks.addDigests('/gone', { segments: new Map(), inits: new Map() })).toBeNull()
  })
})
