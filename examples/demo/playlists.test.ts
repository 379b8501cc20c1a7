import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findStreams } from './playlists.ts'

const media = (end: boolean) => `#EXTM3U\n#EXTINF:2,\n0.ts\n${end ? '#EXT-X-ENDLIST\n' : ''}`

describe('streams of a folder', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nearcast-streams-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  async function file(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }

  it('lists a multivariant playlist once, and not the playlists that it names', async () => {
    const master =
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="sound/a%20b.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/0.m3u8\n'
    await file('show/master.m3u8', master)
    await file('show/v/0.m3u8', media(true))
    await file('show/sound/a b.m3u8', media(true))
    expect(await findStreams(dir)).toEqual([
      { name: 'show/master.m3u8', title: 'show/master.m3u8', url: '/show/master.m3u8', live: false },
    ])
  })

  it('lists a media playlist that stands alone, and tells live from recorded', async () => {
    await file('town hall.m3u8', media(false))
    await file('old.m3u8', media(true))
    expect((await findStreams(dir)).map(({ url, live }) => ({ url, live }))).toEqual([
      { url: '/old.m3u8', live: false },
      { url: '/town%20hall.m3u8', live: true },
    ])
  })

  it('finds nothing where there is nothing', async () => {
    await file('notes.txt', 'no video')
    expect(await findStreams(dir)).toEqual([])
  })
})
