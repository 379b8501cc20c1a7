import { join } from 'node:path'
import { runFfmpeg } from './ffmpeg.ts'

/** A synthetic clip: what it looks like, and how long it runs. */
export interface Look {
  readonly name: string
  readonly seconds: number
  readonly colours: readonly [string, string, string, string]
  readonly seed: number
  /** Where the slow zoom starts, in the complex plane. */
  readonly centre: readonly [number, number]
  /** Pitch of the pad, Hz. */
  readonly hertz: number
}

export interface Rendition {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly kbps: number
}

export const segmentSeconds = 2
const framesPerSecond = 25
const sampleRate = 48_000
const aacFrame = 1024

/** Encodes one rendition: video only, closed 2 s GOPs, time code burnt in. Same ffmpeg, same bytes. */
export function encodeVideo(ffmpeg: string, look: Look, rendition: Rendition, dir: string): string {
  const { width, height, kbps } = rendition
  const [c0, c1, c2, c3] = look.colours
  const size = `${width}x${height}`
  const unit = height / 270
  const px = (n: number) => Math.round(n * unit)
  const text = (value: string, options: string) =>
    `drawtext=font='DejaVu Sans Mono':text='${value}':fontcolor=white:${options}`
  const graph = [
    `[1]format=gbrp,hue=s=0[zoom]`,
    `[0]format=gbrp[colour]`,
    `[colour][zoom]blend=all_mode=screen:all_opacity=0.30,format=yuv420p[back]`,
    `[back]${[
      text(
        '%{pts\\:hms}',
        `fontsize=${px(46)}:x=(w-tw)/2:y=(h-th)/2-${px(8)}:borderw=${px(3)}:bordercolor=black@0.75`,
      ),
      text(
        'segment %{eif\\:trunc(t/2)\\:d\\:3}',
        `fontsize=${px(20)}:x=(w-tw)/2:y=h/2+${px(26)}:borderw=${px(2)}:bordercolor=black@0.75`,
      ),
      text(
        `${look.name}  ${size}`,
        `fontsize=${px(15)}:x=${px(14)}:y=${px(12)}:borderw=${px(2)}:bordercolor=black@0.6`,
      ),
      `drawbox=x=0:y=ih-${px(8)}:w=iw:h=${px(8)}:color=black@0.55:t=fill`,
    ].join(',')}[marked]`,
    // A bar that crosses the picture once a segment, so that a lost or repeated one is seen at once.
    `[marked][2]overlay=x='-w+w*mod(t,${segmentSeconds})/${segmentSeconds}':y=H-h,format=yuv420p[out]`,
  ].join(';')
  const out = join(dir, `${look.name}-${rendition.name}.mp4`)
  runFfmpeg(ffmpeg, [
    '-f',
    'lavfi',
    '-i',
    `gradients=s=${size}:r=${framesPerSecond}:n=4:c0=${c0}:c1=${c1}:c2=${c2}:c3=${c3}:seed=${look.seed}:speed=0.011`,
    '-f',
    'lavfi',
    '-i',
    `mandelbrot=s=${size}:r=${framesPerSecond}:start_x=${look.centre[0]}:start_y=${look.centre[1]}:start_scale=2.2:end_scale=0.02:end_pts=${look.seconds * framesPerSecond}:maxiter=240`,
    '-f',
    'lavfi',
    '-i',
    `color=c=white@0.9:s=${width}x${px(8)}:r=${framesPerSecond}`,
    '-filter_complex',
    graph,
    '-map',
    '[out]',
    '-frames:v',
    String(look.seconds * framesPerSecond),
    '-c:v',
    'libx264',
    '-preset',
    'veryslow',
    '-bf',
    '0',
    '-profile:v',
    'main',
    '-level',
    '2.1',
    '-threads',
    '1',
    '-b:v',
    `${kbps}k`,
    '-maxrate',
    `${Math.round(kbps * 1.25)}k`,
    '-bufsize',
    `${kbps * 2}k`,
    '-g',
    String(framesPerSecond * segmentSeconds),
    '-keyint_min',
    String(framesPerSecond * segmentSeconds),
    '-sc_threshold',
    '0',
    '-flags',
    '+cgop+bitexact',
    '-fflags',
    '+bitexact',
    '-video_track_timescale',
    '12800',
    out,
  ])
  return out
}

/**
 * Encodes the sound: a quiet pad, a tick each second, a higher one where a segment starts. Raw AAC frames from time 0, so that
 * no edit list moves audio against video; 8 s are exactly 375 frames, so a loop of a multiple of 8 s has no gap.
 */
export function encodeAudio(ffmpeg: string, look: Look, dir: string): string {
  const f = look.hertz
  const pad = [1, 1.5, 2.0, 2.52]
    .map((k, i) => `${0.045 / (1 + i * 0.5)}*sin(2*PI*${Math.round(f * k)}*t)`)
    .join('+')
  const tick = `0.30*sin(2*PI*if(lt(mod(t,${segmentSeconds}),0.5),${f * 8},${f * 4})*t)*exp(-mod(t,1)*28)`
  const out = join(dir, `${look.name}.aac`)
  runFfmpeg(ffmpeg, [
    '-f',
    'lavfi',
    '-i',
    `aevalsrc='(${pad})*(0.75+0.25*sin(2*PI*t/8))+${tick}':s=${sampleRate}:d=${look.seconds + 1}`,
    '-frames:a',
    String((look.seconds * sampleRate) / aacFrame),
    '-c:a',
    'aac',
    '-b:a',
    '48k',
    '-ac',
    '1',
    '-flags',
    '+bitexact',
    '-fflags',
    '+bitexact',
    out,
  ])
  return out
}
