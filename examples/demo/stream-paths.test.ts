import { describe, expect, it } from 'vitest'
import { belongsTo, firstByte, isMediaPath } from './stream-paths.ts'

const stream = (url: string) => ({ name: 'n', title: 't', url, live: false })

describe('paths of a stream', () => {
  it('takes what lies beside and below the manifest', () => {
    const belongs = belongsTo(stream('/media/ts/master.m3u8'))
    expect(['/media/ts/high/000.ts', '/media/ts/x.ts', '/live/ts/high/000.ts'].map(belongs)).toEqual([
      true,
      true,
      false,
    ])
  })

  it('tells streams apart that differ only in their query', () => {
    const belongs = belongsTo(stream('/media/query/watch.m3u8?id=7'))
    expect(
      ['/media/query/000.ts?id=7', '/media/query/000.ts?id=8', '/media/query/000.ts'].map(belongs),
    ).toEqual([true, false, false])
  })

  it('counts segments as media, and neither playlists nor keys nor digests', () => {
    expect(['/a/000.ts', '/a/000.ts?id=7', '/a/low.mp4', '/a/init.mp4'].every(isMediaPath)).toBe(true)
    expect(
      ['/a/i.m3u8?id=7', '/a/key.bin', `/a/nearcast/hashes/${'0'.repeat(64)}`, '/a/i.m3u8.nearcast'].some(
        isMediaPath,
      ),
    ).toBe(false)
  })

  it('reads where a partial answer begins, and ignores a range that was not honoured', () => {
    expect(firstByte('bytes=500-999', 206)).toBe(500)
    expect(firstByte('bytes=500-999', 200)).toBe(0)
  })
})
