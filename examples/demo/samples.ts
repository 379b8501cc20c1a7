import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Stream } from './page/catalogue.ts'

/** One entry of media/streams.json. */
export interface Sample {
  readonly name: string
  readonly title: string
  /** Path of the manifest below the media folder, query included. */
  readonly master: string
  readonly covers: readonly string[]
  readonly container: 'ts' | 'fmp4'
  readonly audio: 'muxed' | 'demuxed'
  readonly renditions: number
  readonly segments: number
  readonly durationSeconds: number
  readonly segmentSeconds: number
  /** Whether it also runs as an endless live channel. */
  readonly live: boolean
}

export const mediaDir: string = fileURLToPath(new URL('media', import.meta.url))

/** The sample streams that come with the project. */
export async function loadSamples(): Promise<readonly Sample[]> {
  const text = await readFile(`${mediaDir}/streams.json`, 'utf8')
  return (JSON.parse(text) as { streams: Sample[] }).streams
}

/** What the page offers: the live channels first, then every recording. */
export function sampleStreams(samples: readonly Sample[]): Stream[] {
  return [
    ...samples
      .filter(sample => sample.live)
      .map(({ name, title, master }) => ({
        name: `live-${name}`,
        title: `Live: ${title}`,
        url: `/live/${master}`,
        live: true,
      })),
    ...samples.map(({ name, title, master }) => ({ name, title, url: `/${master}`, live: false })),
  ]
}
