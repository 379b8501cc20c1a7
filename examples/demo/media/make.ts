/**
 * Makes the sample media of the demo and the tests (`npm run media`). Two synthetic clips, encoded once; every form
 * that real streams take is cut from those encodes. Writes streams.json, the list that tests iterate over.
 */
import { createCipheriv } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeAudio, encodeVideo, type Look, type Rendition, segmentSeconds } from '../encode/clip.ts'
import { findFfmpeg } from '../encode/ffmpeg.ts'
import { type Entry, masterPlaylist, mediaPlaylist, type Variant } from '../encode/playlist.ts'
import { cut, joinParts, type Track } from '../encode/segments.ts'

/** The main clip and a shorter one that is another video altogether. */
const aurora: Look = {
  name: 'aurora', seconds: 40, seed: 7, hertz: 110, centre: [-0.743643887, 0.131825904],
  colours: ['0x0d1b2a', '0x1b6b72', '0x4a5aa8', '0x0f2436'],
}
const ember: Look = {
  name: 'ember', seconds: 16, seed: 11, hertz: 147, centre: [-1.25066, 0.02012],
  colours: ['0x2a1410', '0x8a3b1e', '0xb8862b', '0x301a24'],
}
const high: Rendition = { name: 'high', width: 480, height: 270, kbps: 285 }
const low: Rendition = { name: 'low', width: 320, height: 180, kbps: 115 }

interface Stream {
  readonly name: string
  readonly title: string
  /** Path of what a player loads, relative to this folder, query included. */
  readonly master: string
  readonly covers: readonly string[]
  readonly container: 'ts' | 'fmp4'
  readonly audio: 'muxed' | 'demuxed'
  readonly renditions: number
  readonly segments: number
  readonly durationSeconds: number
  readonly segmentSeconds: number
  /** Whether the demo also runs it as an endless live channel. */
  readonly live: boolean
}

const here = fileURLToPath(new URL('.', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'nearcast-media-'))
const streams: Stream[] = []

try {
  make(findFfmpeg())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}

function make(ffmpeg: string): void {
  for (const name of ['ts', 'fmp4', 'aes', 'byterange', 'discontinuity', 'query']) rmSync(join(here, name), { recursive: true, force: true })
  const video = { high: encodeVideo(ffmpeg, aurora, high, work), low: encodeVideo(ffmpeg, aurora, low, work) }
  const audio = encodeAudio(ffmpeg, aurora, work)
  const other = { low: encodeVideo(ffmpeg, ember, low, work), audio: encodeAudio(ffmpeg, ember, work) }

  const ts = {
    high: cut(ffmpeg, [video.high, audio], 'ts', join(here, 'ts/high')),
    low: cut(ffmpeg, [video.low, audio], 'ts', join(here, 'ts/low')),
  }
  for (const track of Object.values(ts)) write(track.dir, 'index.m3u8', mediaPlaylist({ entries: entriesOf(track) }))
  write(join(here, 'ts'), 'master.m3u8', masterPlaylist([variant('high/index.m3u8', high, ts.high), variant('low/index.m3u8', low, ts.low)], null))
  add('ts', 'MPEG-TS, two renditions', 'ts/master.m3u8', ['ts', 'muxed-audio', 'renditions'], ts.high, { renditions: 2, live: true })

  const fmp4 = {
    high: cut(ffmpeg, [video.high], 'fmp4', join(here, 'fmp4/high')),
    low: cut(ffmpeg, [video.low], 'fmp4', join(here, 'fmp4/low')),
    audio: cut(ffmpeg, [audio], 'fmp4', join(here, 'fmp4/audio')),
  }
  for (const track of Object.values(fmp4)) {
    write(track.dir, 'index.m3u8', mediaPlaylist({ entries: entriesOf(track), init: { uri: 'init.mp4' } }))
  }
  write(
    join(here, 'fmp4'), 'master.m3u8',
    masterPlaylist([variant('high/index.m3u8', high, fmp4.high, fmp4.audio), variant('low/index.m3u8', low, fmp4.low, fmp4.audio)], 'audio/index.m3u8'),
  )
  add('fmp4', 'fMP4, two renditions, audio apart', 'fmp4/master.m3u8', ['fmp4', 'demuxed-audio', 'renditions'], fmp4.high, { container: 'fmp4', audio: 'demuxed', renditions: 2, live: true })

  encrypt(first(ts.low, 12))
  byteRange(fmp4.low, fmp4.audio)

  const ember1 = cut(ffmpeg, [other.low, other.audio], 'ts', join(here, 'query/8'))
  discontinuity(ts.low, ember1)
  byQuery(ts.low, ember1)

  write(here, 'streams.json', `${JSON.stringify({ streams }, null, 2)}\n`)
  console.log(`${streams.length} streams written to ${here}`)
}

/** AES-128 of whole TS segments; the IV is the sequence number. The key is no secret here. */
function encrypt(track: Track): void {
  const dir = join(here, 'aes')
  const key = Buffer.from('nearcast-demokey')
  write(dir, 'key.bin', key)
  track.segments.forEach((segment, index) => {
    const iv = Buffer.alloc(16)
    iv.writeUInt32BE(index, 12)
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    write(dir, segment.file, Buffer.concat([cipher.update(readFileSync(join(track.dir, segment.file))), cipher.final()]))
  })
  write(dir, 'index.m3u8', mediaPlaylist({ entries: entriesOf(track), key: 'key.bin' }))
  write(dir, 'master.m3u8', masterPlaylist([variant('index.m3u8', low, track)], null))
  add('aes', 'MPEG-TS, AES-128', 'aes/master.m3u8', ['ts', 'muxed-audio', 'aes-128'], track, {})
}

/** One file a track; the playlist names ranges of it. */
function byteRange(video: Track, audio: Track): void {
  const dir = join(here, 'byterange')
  mkdirSync(dir, { recursive: true })
  const tracks = { low: first(video, 12), audio: first(audio, 12) }
  for (const [name, track] of Object.entries(tracks)) {
    const [init, ...ranges] = joinParts(track, join(dir, `${name}.mp4`))
    const entries = track.segments.map((segment, index) => ({ uri: `${name}.mp4`, seconds: segment.seconds, range: ranges[index]! }))
    write(dir, `${name}.m3u8`, mediaPlaylist({ entries, init: { uri: `${name}.mp4`, range: init! } }))
  }
  write(dir, 'master.m3u8', masterPlaylist([variant('low.m3u8', low, tracks.low, tracks.audio)], 'audio.m3u8'))
  add('byterange', 'fMP4 in one file, byte ranges', 'byterange/master.m3u8', ['fmp4', 'demuxed-audio', 'byterange'], tracks.low, { container: 'fmp4', audio: 'demuxed' })
}

/** The main clip, interrupted by four segments of the other one: time stamps jump twice. */
function discontinuity(main: Track, insert: Track): void {
  const dir = join(here, 'discontinuity')
  mkdirSync(dir, { recursive: true })
  const parts = [
    { track: main, from: 0, to: 4, prefix: 'main' },
    { track: insert, from: 0, to: 4, prefix: 'insert' },
    { track: main, from: 4, to: 8, prefix: 'main' },
  ]
  const entries: Entry[] = parts.flatMap(({ track, from, to, prefix }, part) =>
    track.segments.slice(from, to).map((segment, index) => {
      cpSync(join(track.dir, segment.file), join(dir, `${prefix}-${segment.file}`))
      return { uri: `${prefix}-${segment.file}`, seconds: segment.seconds, discontinuity: part > 0 && index === 0 }
    }),
  )
  write(dir, 'index.m3u8', mediaPlaylist({ entries }))
  write(dir, 'master.m3u8', masterPlaylist([variant('index.m3u8', low, main)], null))
  add('discontinuity', 'MPEG-TS with a discontinuity', 'discontinuity/master.m3u8', ['ts', 'muxed-audio', 'discontinuity'], { ...main, segments: main.segments.slice(0, 12) }, {})
}

/**
 * Two videos whose every URL, segments too, differs only in the query. The server maps `query/NAME?id=N` to the
 * file `query/N/NAME`.
 */
function byQuery(seven: Track, eight: Track): void {
  const tracks = { 7: first(seven, eight.segments.length), 8: eight }
  for (const [id, track] of Object.entries(tracks)) {
    const dir = join(here, 'query', id)
    mkdirSync(dir, { recursive: true })
    if (track.dir !== dir) for (const { file } of track.segments) cpSync(join(track.dir, file), join(dir, file))
    const entries = entriesOf(track).map(entry => ({ ...entry, uri: `${entry.uri}?id=${id}` }))
    write(dir, 'watch.m3u8', mediaPlaylist({ entries }))
    add(`query-${id}`, `Named by its query, id=${id}`, `query/watch.m3u8?id=${id}`, ['ts', 'muxed-audio', 'query'], track, {})
  }
}

function entriesOf(track: Track): Entry[] {
  return track.segments.map(segment => ({ uri: segment.file, seconds: segment.seconds }))
}

function first(track: Track, count: number): Track {
  return { ...track, segments: track.segments.slice(0, count) }
}

function variant(uri: string, { width, height }: Rendition, track: Track, audio?: Track): Variant {
  return { uri, width, height, tracks: audio ? [track, audio] : [track], demuxed: audio !== undefined }
}

function add(name: string, title: string, master: string, covers: readonly string[], track: Track, more: Partial<Stream>): void {
  const seconds = track.segments.reduce((sum, segment) => sum + segment.seconds, 0)
  streams.push({
    name, title, master, covers, container: 'ts', audio: 'muxed', renditions: 1, segments: track.segments.length,
    durationSeconds: Math.round(seconds * 1000) / 1000, segmentSeconds, live: false, ...more,
  })
}

function write(dir: string, file: string, body: string | Uint8Array): void {
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, file), body)
}
