import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { segmentSeconds } from './clip.ts'
import { runFfmpeg } from './ffmpeg.ts'

interface Segment {
  readonly file: string
  readonly seconds: number
  readonly bytes: number
}

export interface Track {
  readonly dir: string
  /** File name of the init segment, or null for TS. */
  readonly init: string | null
  readonly segments: readonly Segment[]
}

/** Cuts the inputs (copied, not encoded again) into 2 s segments in `dir`: 000.ts … or init.mp4, 000.m4s …. */
export function cut(ffmpeg: string, inputs: readonly string[], container: 'ts' | 'fmp4', dir: string): Track {
  mkdirSync(dir, { recursive: true })
  const list = join(dir, 'cut.m3u8')
  const extension = container === 'ts' ? 'ts' : 'm4s'
  runFfmpeg(ffmpeg, [
    ...inputs.flatMap(input => ['-i', input]),
    ...inputs.flatMap((_, index) => ['-map', String(index)]),
    '-c',
    'copy',
    ...(container === 'fmp4' && inputs.some(input => input.endsWith('.aac'))
      ? ['-bsf:a', 'aac_adtstoasc']
      : []),
    '-flags',
    '+bitexact',
    '-fflags',
    '+bitexact',
    '-f',
    'hls',
    '-hls_time',
    String(segmentSeconds),
    '-hls_list_size',
    '0',
    '-hls_playlist_type',
    'vod',
    '-hls_segment_type',
    container === 'ts' ? 'mpegts' : 'fmp4',
    '-hls_fmp4_init_filename',
    'init.mp4',
    '-hls_segment_filename',
    join(dir, `%03d.${extension}`),
    list,
  ])
  const seconds = [...readFileSync(list, 'utf8').matchAll(/#EXTINF:([\d.]+)/g)].map(match => Number(match[1]))
  rmSync(list)
  const files = readdirSync(dir)
    .filter(file => file.endsWith(`.${extension}`))
    .sort()
  if (files.length !== seconds.length)
    throw new Error(`${dir}: ${files.length} files for ${seconds.length} entries`)
  return {
    dir,
    init: container === 'ts' ? null : 'init.mp4',
    segments: files.map((file, index) => ({
      file,
      seconds: seconds[index]!,
      bytes: statSync(join(dir, file)).size,
    })),
  }
}

/** Joins init and segments into one file; returns each part's place in it. */
export function joinParts(track: Track, file: string): { readonly from: number; readonly bytes: number }[] {
  const parts = [track.init, ...track.segments.map(segment => segment.file)].filter(part => part !== null)
  const bodies = parts.map(part => readFileSync(join(track.dir, part)))
  writeFileSync(file, Buffer.concat(bodies))
  let from = 0
  return bodies.map(body => {
    const place = { from, bytes: body.length }
    from += body.length
    return place
  })
}
