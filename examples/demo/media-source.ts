import { stat } from 'node:fs/promises'
import {
  type AccessEntry,
  createEdge,
  createLiveChannel,
  type EdgeServer,
  type Library,
  queryFolder,
} from '@nearcast/edge-fallback/server'
import { DemoError } from './demo-error.ts'
import type { DemoOptions } from './options.ts'
import type { Stream } from './page/catalogue.ts'
import { findStreams } from './playlists.ts'
import { loadSamples, mediaDir, sampleStreams } from './samples.ts'
import { firstByte } from './stream-paths.ts'

/** What the page can play, and a clear error when there is nothing. */
export async function streamsOf(media: DemoOptions['media']): Promise<readonly Stream[]> {
  switch (media.type) {
    case 'samples':
      return sampleStreams(await loadSamples())
    case 'dir': {
      const info = await stat(media.dir).catch(() => null)
      if (!info?.isDirectory()) {
        throw new DemoError(
          'no-such-dir',
          `There is no folder ${media.dir}.`,
          'Give --dir the folder that holds your playlists.',
        )
      }
      const streams = await findStreams(media.dir)
      if (streams.length > 0) return streams
      throw new DemoError(
        'no-playlist',
        `There is no HLS playlist in ${media.dir}: looked for files named *.m3u8, up to six folders down.`,
        'Give --dir the folder that holds your playlists, or leave it out for the samples.',
      )
    }
    case 'origin': {
      const { pathname, search } = new URL(media.url)
      const name = pathname.split('/').pop() ?? ''
      if (!/\.m3u8$/i.test(name)) return []
      return [{ name, title: media.url, url: pathname + search, live: await isLive(media.url) }]
    }
  }
}

/** Also tells whether the origin is there at all. */
async function isLive(manifest: string): Promise<boolean> {
  const remedy = 'Check the URL given to --origin, and that this machine reaches it.'
  const read = async (url: string) => {
    const response = await fetch(url, { signal: AbortSignal.timeout(8_000) }).catch(error => {
      throw new DemoError('origin-unreachable', `${url} does not answer.`, remedy, error)
    })
    if (!response.ok)
      throw new DemoError('origin-unreachable', `${url} answers HTTP ${response.status}.`, remedy)
    return response.text()
  }
  const text = await read(manifest)
  const variant = /#EXT-X-STREAM-INF[^\n]*\n([^#\s][^\n]*)/.exec(text)?.[1]?.trim()
  const media = variant ? await read(new URL(variant, manifest).href) : text
  return media.includes('#EXTINF') && !media.includes('#EXT-X-ENDLIST')
}

/** The edge for it. `onSent` hears of every answer that carried a body. */
export async function edgeOf(
  media: DemoOptions['media'],
  onSent: (path: string, from: number, bytes: number) => void,
): Promise<EdgeServer> {
  const onAccess = ({ path, range, status, bytes }: AccessEntry) => {
    if (status === 200 || status === 206) onSent(path, firstByte(range, status), bytes)
  }
  switch (media.type) {
    case 'samples':
      return createEdge({ dir: mediaDir, mounts: await liveChannels(), map: queryFolder('id'), onAccess })
    case 'dir':
      return createEdge({ dir: media.dir, onAccess })
    case 'origin':
      return createEdge({ origin: new URL(media.url).origin, onAccess })
  }
}

/** An endless channel over each sample that has one, at `/live/NAME`. */
async function liveChannels(): Promise<Record<string, Library>> {
  const samples = (await loadSamples()).filter(sample => sample.live)
  const channels = samples.map(async ({ name, master }) => {
    const channel = await createLiveChannel({ playlist: `${mediaDir}/${master}` })
    return [`/live/${name}`, channel] as const
  })
  return Object.fromEntries(await Promise.all(channels))
}
