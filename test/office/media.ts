import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Rendition, segmentSeconds } from '../../examples/demo/encode/clip.ts'
import { findFfmpeg, runFfmpeg } from '../../examples/demo/encode/ffmpeg.ts'
import { masterPlaylist, mediaPlaylist, type Variant } from '../../examples/demo/encode/playlist.ts'
import { cut, type Track } from '../../examples/demo/encode/segments.ts'

/** The clip that the lab plays, as recording and, in an endless loop, as live channel. */
export interface LabMedia {
  readonly dir: string
  /** Mean of the one rendition of `single.m3u8`, kbit/s, sound and container included. */
  readonly kbps: number
}

/** Longer than any run. */
const clipSeconds = 160
/**
 * Small pictures: six viewers decode them on two cores. Noise makes up the bytes. Without sound, for a browser without a sound
 * card plays by a clock that falls behind on a busy machine: that would be taken for latency.
 */
const renditions: readonly Rendition[] = [
  { name: 'low', width: 256, height: 144, kbps: 380 },
  { name: 'mid', width: 320, height: 180, kbps: 1440 },
  { name: 'high', width: 384, height: 216, kbps: 2890 },
]
const framesPerSecond = 25

/** Change it with the recipe: the folder of another version is made anew. */
const version = 2

/** Makes the clip once, in a folder for temporary files. Needs ffmpeg; throws with what to install. */
export function labMedia(): LabMedia {
  const dir = process.env['NEARCAST_LAB_MEDIA'] ?? join(tmpdir(), `nearcast-lab-media-${version}`)
  if (!existsSync(join(dir, 'ladder.m3u8'))) make(dir)
  return { dir, kbps: kbpsOf(join(dir, 'mid')) }
}

function kbpsOf(dir: string): number {
  const segments = readdirSync(dir).filter(file => file.endsWith('.ts'))
  const bytes = segments.reduce((sum, file) => sum + statSync(join(dir, file)).size, 0)
  return (bytes * 8) / 1000 / clipSeconds
}

function make(dir: string): void {
  const ffmpeg = findFfmpeg()
  console.error('Making the clip of the office lab (once, about a minute) …')
  const work = `${dir}.${process.pid}`
  try {
    mkdirSync(work, { recursive: true })
    const variants = renditions.map((rendition): Variant => {
      const track = cut(ffmpeg, [encode(ffmpeg, rendition, work)], 'ts', join(work, rendition.name))
      const entries = track.segments.map(({ file, seconds }) => ({ uri: file, seconds }))
      writeFileSync(join(track.dir, 'index.m3u8'), mediaPlaylist({ entries }))
      return variant(rendition, track)
    })
    writeFileSync(join(work, 'single.m3u8'), masterOf([variants[1]!]))
    writeFileSync(join(work, 'ladder.m3u8'), masterOf(variants))
    rmSync(dir, { recursive: true, force: true })
    renameSync(work, dir)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function variant({ name, width, height }: Rendition, track: Track): Variant {
  return { uri: `${name}/index.m3u8`, width, height, tracks: [track], demuxed: false }
}

function masterOf(variants: readonly Variant[]): string {
  return masterPlaylist(variants, null).replaceAll(',mp4a.40.2', '')
}

/** Constant bit rate, closed 2 s GOPs. */
function encode(ffmpeg: string, { name, width, height, kbps }: Rendition, dir: string): string {
  const out = join(dir, `${name}.mp4`)
  const gop = String(framesPerSecond * segmentSeconds)
  const rate = `${kbps}k`
  const source = `testsrc2=s=${width}x${height}:r=${framesPerSecond}:d=${clipSeconds},noise=alls=24:allf=t`
  runFfmpeg(ffmpeg, [
    ...['-f', 'lavfi', '-i', source, '-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline'],
    ...['-pix_fmt', 'yuv420p', '-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate],
    ...[
      '-x264-params',
      'nal-hrd=cbr',
      '-g',
      gop,
      '-keyint_min',
      gop,
      '-sc_threshold',
      '0',
      '-flags',
      '+cgop',
    ],
    ...['-video_track_timescale', '12800', out],
  ])
  return out
}
