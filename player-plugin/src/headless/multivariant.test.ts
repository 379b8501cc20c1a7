import { describe, expect, it } from 'vitest'
import { choosePlaylists, parseMultivariant } from './multivariant.ts'

const url = 'https://media.test/show/master.m3u8?token=1'
const text = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Deutsch",AUTOSELECT=YES,URI="audio/de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English, plain",DEFAULT=YES,AUTOSELECT=YES,URI="audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="poor",NAME="English",DEFAULT=YES,URI="audio/poor.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="English",URI="text/en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=1280x720,CODECS="avc1.64001f,mp4a.40.2",AUDIO="sound"
hd.m3u8

#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=640x360,CODECS="avc1.4D4015,mp4a.40.2",AUDIO="poor"
/low/index.m3u8?id=7
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2",AUDIO="poor"
sound-only.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI="iframes.m3u8"
`
const parsed = parseMultivariant(text, url)!

describe('a multivariant playlist', () => {
  it('is told from a media playlist and from anything else', () => {
    expect(parsed.variants).toHaveLength(3)
    expect(parseMultivariant('#EXTM3U\n#EXTINF:2,\n1.ts\n', url)).toBeNull()
    expect(parseMultivariant('<html>', url)).toBeNull()
    expect(parseMultivariant('', url)).toBeNull()
  })

  it('gives the highest variant and its default sound', () => {
    expect(choosePlaylists(parsed, 'highest')).toEqual([
      'https://media.test/show/hd.m3u8',
      'https://media.test/show/audio/en.m3u8',
    ])
  })

  it('gives the lowest that has a picture', () => {
    expect(choosePlaylists(parsed, 'lowest')).toEqual([
      'https://media.test/low/index.m3u8?id=7',
      'https://media.test/show/audio/poor.m3u8',
    ])
  })

  it('gives the variant of a height, and null when there is none', () => {
    expect(choosePlaylists(parsed, 720)?.[0]).toBe('https://media.test/show/hd.m3u8')
    expect(choosePlaylists(parsed, 1080)).toBeNull()
  })

  it('gives everything that can be watched, heard or read', () => {
    expect(choosePlaylists(parsed, 'all')).toEqual([
      'https://media.test/show/hd.m3u8',
      'https://media.test/low/index.m3u8?id=7',
      'https://media.test/show/audio/de.m3u8',
      'https://media.test/show/audio/en.m3u8',
      'https://media.test/show/audio/poor.m3u8',
      'https://media.test/show/text/en.m3u8',
    ])
  })

  it('takes a radio’s variants of sound alone', () => {
    const radio = parseMultivariant(
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\na.m3u8\n',
      url,
    )!
    expect(choosePlaylists(radio, 'highest')).toEqual(['https://media.test/show/a.m3u8'])
  })

  it('has no sound apart where the rendition has no URI', () => {
    const muxed = parseMultivariant(
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",DEFAULT=YES\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nv.m3u8\n',
      url,
    )!
    expect(choosePlaylists(muxed, 'highest')).toEqual(['https://media.test/show/v.m3u8'])
  })
})
