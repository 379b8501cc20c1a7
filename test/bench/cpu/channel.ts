import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLiveChannel, type Library } from '@nearcast/edge-fallback/server'
import { mediaPlaylist } from '../../../examples/demo/encode/playlist.ts'

export interface Channel {
  readonly library: Library
  close(): Promise<void>
}

export const playlistName = 'index.m3u8'

/** Longer than what players buffer, so that a round that comes again is nothing that anybody holds. */
const segments = 40

/** An endless live channel of random bytes: nobody decodes it, and nothing can be made smaller on the way. */
export async function createNoiseChannel(bitrateMbps: number, segmentSeconds: number): Promise<Channel> {
  const dir = await mkdtemp(join(tmpdir(), 'nearcast-noise-'))
  const entries = Array.from({ length: segments }, (_, i) => ({ uri: `${i}.ts`, seconds: segmentSeconds }))
  const bytes = Math.round((bitrateMbps * 1e6 * segmentSeconds) / 8)
  await Promise.all([
    writeFile(join(dir, playlistName), mediaPlaylist({ entries })),
    ...entries.map(({ uri }) => writeFile(join(dir, uri), randomBytes(bytes))),
  ])
  const library = await createLiveChannel({ playlist: join(dir, playlistName) })
  return { library, close: () => rm(dir, { recursive: true, force: true }) }
}
