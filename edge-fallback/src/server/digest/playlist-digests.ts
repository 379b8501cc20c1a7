import {
  type ByteRange,
  formatSidecarEntry,
  formatSidecarHeader,
  type SidecarEntry,
  scanPlaylist,
  sidecarPath,
  sidecarWidth,
} from '@nearcast/peer-core'
import { sleep, type Timers } from '../../source/timers.ts'
import { contentTypeOf } from '../content-type.ts'
import type { Resource } from '../resource.ts'
import type { DigestStore } from './digest-store.ts'
import type { Digest } from './digester.ts'
import { isTagged, type NamedBytes, namedBytes, tagPlaylist } from './tag-playlist.ts'

/** Finds what a playlist names; null when it is not there. */
type Finder = (url: URL) => Promise<Resource | null>

export interface PlaylistDigestsOptions {
  readonly store: DigestStore
  readonly find: Finder
  readonly timers: Timers
  /** Longest time a playlist waits for its digests, ms. What is late comes with the next request. */
  readonly waitMs: number
  /** Reading everything is cheap: go on after `waitMs`. From an origin it would pull whole films. */
  readonly local: boolean
}

export interface TaggedPlaylist {
  readonly text: string
  /** Nothing is left that a later look could add. */
  readonly complete: boolean
}

export interface PlaylistDigests {
  /** The playlist with tags for all that could be digested in time; as it is when its publisher tagged it. */
  tag(text: string, url: URL): Promise<TaggedPlaylist>
  /** The sidecar of a playlist; entries are computed for the pages that are read. null: it is no media playlist. */
  sidecar(text: string, url: URL): Resource | null
}

/** Simultaneous look-ups for one playlist. */
const workers = 8

export function createPlaylistDigests({
  store,
  find,
  timers,
  waitMs,
  local,
}: PlaylistDigestsOptions): PlaylistDigests {
  function digestOf(uri: string, range: ByteRange | null, playlist: URL): Promise<Digest | null> {
    if (!URL.canParse(uri, playlist)) return Promise.resolve(null)
    const url = new URL(uri, playlist)
    // Another host is another edge: whatever lies at the same path here is not what the playlist means.
    if (url.host !== playlist.host) return Promise.resolve(null)
    return store.digest(() => find(url), range).catch(() => null)
  }

  return {
    async tag(text, url) {
      if (isTagged(text)) return { text, complete: true }
      const names = namedBytes(text)
      if (!names) return { text, complete: true }
      const digests = new Map<string, Digest | null>()
      const deadline = timers.now() + waitMs
      // The newest first: in a live playlist the older ones are known from the last time.
      const queue = /^#EXT-X-ENDLIST/m.test(text) ? names : names.toReversed()
      let next = 0
      const work = async () => {
        while (next < queue.length && (local || timers.now() < deadline)) {
          const { uri, range } = queue[next++]!
          digests.set(keyOf(uri, range), await digestOf(uri, range, url))
        }
      }
      const enough = new AbortController()
      await Promise.race([
        Promise.all(Array.from({ length: workers }, work)),
        sleep(waitMs, timers, enough.signal),
      ])
      enough.abort()
      const known = ({ uri, range }: NamedBytes) => digests.get(keyOf(uri, range))
      return { text: tagPlaylist(text, hashesTemplate(url), known), complete: names.every(known) }
    },

    sidecar(text, url) {
      const entries = sidecarEntries(text)
      if (!entries) return null
      const hashes = hashesTemplate(url)
      const width = sidecarWidth(entries, hashes)
      const size = (entries.length + 1) * width
      const line = async (index: number): Promise<string> => {
        if (index === 0) return formatSidecarHeader({ width, count: entries.length, hashes })
        const { uri, ...entry } = entries[index - 1]!
        const digest = await digestOf(uri, entry.range, url)
        return formatSidecarEntry(
          { ...entry, ...(digest && { size: digest.size, root: digest.root }) },
          width,
        )
      }
      return {
        size,
        // Entries may be filled in later, so no validator could promise equal bytes.
        etag: '',
        modifiedMs: null,
        type: contentTypeOf('.nearcast'),
        cacheControl: 'no-cache',
        identity: '',
        read: range => linesBetween(range?.from ?? 0, range?.to ?? size, width, line),
      }
    },
  }
}

/** Entries of a media playlist as a sidecar lists them, without digests; `uri` as written. */
export function sidecarEntries(text: string): (SidecarEntry & { uri: string })[] | null {
  const playlist = scanPlaylist(text)
  if (!playlist) return null
  const blank = { size: 0, root: '', signature: '' }
  const seen = new Set<string>()
  const inits = playlist.maps.flatMap(({ uri, range }) => {
    const key = keyOf(uri, range)
    if (uri === '' || seen.has(key)) return []
    seen.add(key)
    return [{ ...blank, uri, path: sidecarPath(uri), range, sequence: -1, timeMs: 0 }]
  })
  const segments = playlist.segments
    .filter(({ gap }) => !gap)
    .map(({ uri, range, sequence, startMs }) => {
      return { ...blank, uri, path: sidecarPath(uri), range, sequence, timeMs: Math.round(startMs) }
    })
  return [...inits, ...segments]
}

/** Relative, so that it holds wherever the server is mounted. */
function hashesTemplate(playlist: URL): string {
  const depth = playlist.pathname.split('/').length - 2
  return `${'../'.repeat(Math.max(0, depth))}nearcast/hashes/{root}`
}

function keyOf(uri: string, range: ByteRange | null): string {
  return range ? `${uri} ${range.from}-${range.to}` : uri
}

function linesBetween(
  from: number,
  to: number,
  width: number,
  line: (index: number) => Promise<string>,
): ReadableStream<Uint8Array> {
  let at = from
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (at >= to) return controller.close()
        const index = Math.floor(at / width)
        const text = await line(index)
        const start = index * width
        controller.enqueue(new TextEncoder().encode(text.slice(at - start, to - start)))
        at = start + width
      },
    },
    { highWaterMark: 0 },
  )
}
