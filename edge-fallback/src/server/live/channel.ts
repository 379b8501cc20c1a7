import { readFile, realpath } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { parseAttributes } from '@nearcast/peer-core'
import { contentTypeOf } from '../content-type.ts'
import { createDirectory } from '../directory.ts'
import type { Library, Refusal, Resource } from '../resource.ts'
import { safePath } from '../safe-path.ts'
import { textResource } from '../text-resource.ts'
import { createLiveTrack, type LiveTrack, parseLoopPath, segmentEnds } from './live-track.ts'
import { type RecordedTrack, readRecording } from './recording.ts'

export interface LiveChannelOptions {
  /** File of the recorded playlist, multivariant or media; what it names lies beside and below it. */
  readonly playlist: string
  /** Length of the sliding window in target durations. @default 6 */
  readonly windowSegments?: number
  /** Wall clock, ms. @default Date.now */
  readonly wallNow?: () => number
}

/** Segments that left the playlist stay available for so many windows (RFC 8216 §6.2.2 asks for one). */
const keepWindows = 3

/**
 * An endless simulated live channel over recorded HLS, for `mounts` of an edge. The playlists stand at the paths of
 * the recorded ones; TS, fMP4, AES-128, BYTERANGE, several renditions and demuxed audio keep in step. When it is made,
 * a whole window has already been broadcast. Rejects when the recording cannot be read.
 */
export async function createLiveChannel(options: LiveChannelOptions): Promise<Library> {
  const wallNow = options.wallNow ?? Date.now
  const root = await realpath(dirname(options.playlist))
  const name = posix.basename(options.playlist)
  const master = await readFile(options.playlist, 'utf8')
  const variants = variantUris(master)
  const recorded = new Map<string, RecordedTrack>()
  for (const path of variants.length > 0 ? variants : [name]) {
    const track = readRecording(await readFile(join(root, path), 'utf8'))
    if (!track) throw new Error(`${path} of ${options.playlist} is no media playlist with segments`)
    recorded.set(path, track)
  }
  const loopMs = Math.max(...[...recorded.values()].map(track => track.totalMs))
  const targetS = Math.max(...[...recorded.values()].map(track => track.targetDurationS))
  const windowMs = Math.max(3, options.windowSegments ?? 6) * targetS * 1000
  const ends = segmentEnds([...recorded.values()], loopMs)
  const tracks = new Map(
    [...recorded].map(([path, track], i) => [path, createLiveTrack(track, ends[i]!, windowMs)]),
  )
  const epoch = wallNow() - windowMs

  const files = createDirectory(root)
  const extras = new Set<string>()
  const segments = new Map<string, { readonly track: LiveTrack; readonly index: number }[]>()
  for (const [playlist, track] of recorded) {
    for (const uri of track.extras) extras.add(pathBeside(playlist, uri))
    for (const [index, { uri }] of track.segments.entries()) {
      const path = pathBeside(playlist, uri)
      segments.set(path, [...(segments.get(path) ?? []), { track: tracks.get(playlist)!, index }])
    }
  }

  function playlistAt(path: string): string | null {
    const track = tracks.get(path)
    if (track) return track.playlist(wallNow() - epoch, epoch)
    return path === name ? master.replace(/^#EXT-X-I-FRAME-STREAM-INF:.*(\r?\n|$)/gm, '') : null
  }

  /** A segment is there from its end on (of a file of ranges: its first one), and not for ever. */
  function available(path: string, loop: number): boolean {
    const elapsedMs = wallNow() - epoch
    const readyAt = segments.get(path)?.map(({ track, index }) => track.readyAt({ loop, index })) ?? []
    return (
      readyAt.some(at => at <= elapsedMs) && readyAt.some(at => at > elapsedMs - (1 + keepWindows) * windowMs)
    )
  }

  return {
    async find(quest): Promise<Resource | Refusal> {
      const path = safePath(quest.url.pathname)?.join('/')
      if (path === undefined) return { status: 400 }
      const text = playlistAt(path)
      if (text !== null) return textResource(text, playlistLike)
      const looped = parseLoopPath(path)
      if (looped ? !available(looped.path, looped.loop) : !extras.has(path)) return { status: 404 }
      const url = new URL(quest.url)
      url.pathname = `/${(looped?.path ?? path).split('/').map(encodeURIComponent).join('/')}`
      return files.find({ ...quest, url })
    },
  }
}

const playlistLike = { type: contentTypeOf('.m3u8'), cacheControl: 'no-cache' }

/** Playlists of all renditions, once each, in the order of the multivariant playlist; none in a media playlist. */
function variantUris(text: string): string[] {
  const uris = new Set<string>()
  const lines = text.split(/\r?\n/)
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('#EXT-X-MEDIA:')) {
      const uri = parseAttributes(line.slice('#EXT-X-MEDIA:'.length)).get('URI')
      if (uri) uris.add(pathBeside('', uri))
    } else if (line.startsWith('#EXT-X-STREAM-INF:')) {
      const uri = lines.slice(i + 1).find(each => each.trim() !== '' && !each.startsWith('#'))
      if (uri) uris.add(pathBeside('', uri.trim()))
    }
  }
  return [...uris]
}

/** Path below the root of what a playlist there names, query cut off. */
function pathBeside(playlist: string, uri: string): string {
  const path = decodeURIComponent(uri.replace(/[?#].*$/s, ''))
  return posix.normalize(posix.join(posix.dirname(playlist), path))
}
