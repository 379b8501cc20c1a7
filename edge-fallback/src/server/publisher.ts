import { systemTimers, type Timers } from '../source/timers.ts'
import { isPlaylist } from './content-type.ts'
import type { DigestStore } from './digest/digest-store.ts'
import { createPlaylistDigests, type TaggedPlaylist } from './digest/playlist-digests.ts'
import {
  isRefusal,
  type Library,
  memoryResource,
  type Quest,
  type Refusal,
  type Resource,
  readAll,
} from './resource.ts'
import { compressed, textResource } from './text-resource.ts'

export interface PublisherOptions {
  readonly shelf: Library
  readonly store: DigestStore
  readonly timers?: Timers
  readonly digests: boolean
  readonly waitMs: number
  readonly local: boolean
  /** Base URL of the origin: playlists that name it lead past this edge, so they are made relative. */
  readonly origin?: string
}

/** A shelf whose playlists carry digests, with the sidecars and lists that belong to them. */
export interface Publisher extends Library {
  /** The Repr-Digest field (RFC 9530 §3) of a resource: when it is known, or asked for. null: neither. */
  reprDigest(resource: Resource, request: Headers): Promise<string | null>
}

/** Longer than any playlist that a player would take. */
const playlistBytes = 8 << 20
/** How long a tagged playlist is given out without looking at its segments again, ms. */
const keepTaggedMs = 1_000
/** What is read only because somebody asked for its digest. */
const wantedBytes = 64 << 20

export function createPublisher(options: PublisherOptions): Publisher {
  const { shelf, store, digests, timers = systemTimers } = options
  const never = new AbortController().signal
  const find = async (url: URL): Promise<Resource | null> => {
    const found = await shelf.find({ url, range: null, head: false, acceptEncoding: null, signal: never })
    return isRefusal(found) ? null : found
  }
  const playlists = createPlaylistDigests({
    store,
    find,
    timers,
    waitMs: options.waitMs,
    local: options.local,
  })

  /** Tagged playlists of the last moment, and those being tagged: a room that presses play costs one tagging. */
  const recent = new Map<string, { tagged: Promise<TaggedPlaylist>; until: number }>()

  async function playlist(found: Resource, { url, range, acceptEncoding }: Quest): Promise<Resource> {
    const written = await textOf(found)
    if (written === null) return found
    const key = `${url.pathname}${url.search}\n${written}`
    let entry = recent.get(key)
    if (!entry || entry.until < timers.now()) {
      const fresh = { tagged: playlists.tag(ownPaths(written, url), url), until: Number.POSITIVE_INFINITY }
      entry = fresh
      recent.set(key, fresh)
      const done = (complete: boolean) => {
        fresh.until = complete ? timers.now() + keepTaggedMs : Number.NEGATIVE_INFINITY
        for (const [old, { until }] of recent) if (until < timers.now()) recent.delete(old)
      }
      fresh.tagged.then(
        ({ complete }) => done(complete),
        () => done(false),
      )
    }
    const { text } = await entry.tagged
    // A part is asked for by its place in the text.
    return compressed(text, textResource(text, found), range === null ? acceptEncoding : null)
  }

  function ownPaths(text: string, url: URL): string {
    if (options.origin === undefined) return text
    const base = options.origin.replace(/\/*$/, '/')
    return text.replaceAll(base, '../'.repeat(url.pathname.split('/').length - 2) || './')
  }

  async function sidecar(quest: Quest): Promise<Resource | null> {
    const url = new URL(quest.url)
    url.pathname = url.pathname.replace(/\.nearcast$/, '')
    const found = await shelf.find({ ...quest, url, range: null, head: false })
    if (isRefusal(found) || !isPlaylist(url.pathname, found.type)) return null
    const text = await textOf(found)
    return text === null ? null : playlists.sidecar(ownPaths(text, url), url)
  }

  async function hashList(root: string): Promise<Resource | null> {
    const list = await store.list(root)
    return (
      list &&
      memoryResource(list, {
        etag: `"${root}"`,
        modifiedMs: null,
        type: 'application/octet-stream',
        cacheControl: 'public, max-age=31536000, immutable',
        identity: root,
      })
    )
  }

  return {
    async find(quest): Promise<Resource | Refusal> {
      const { pathname } = quest.url
      if (!digests) return shelf.find(quest)
      const root = /\/nearcast\/hashes\/([0-9a-f]{64})$/.exec(pathname)?.[1]
      const list = root && (await hashList(root))
      if (list) return list
      const playlistName = /\.m3u8$/i.test(pathname)
      // A playlist is taken whole: the range asked for is one of the tagged text.
      const found = await shelf.find(playlistName ? { ...quest, range: null, head: false } : quest)
      if (isRefusal(found)) {
        const beside = pathname.endsWith('.nearcast') && found.status === 404 ? await sidecar(quest) : null
        return beside ?? found
      }
      if (root) return { ...found, cacheControl: 'public, max-age=31536000, immutable' }
      return isPlaylist(pathname, found.type) && !quest.head ? playlist(found, quest) : headOf(found, quest)
    },

    async reprDigest(resource, request) {
      const wanted = /\bsha-256\b/.test(request.get('want-repr-digest') ?? '')
      const readable =
        wanted && resource.identity !== '' && (resource.size ?? Number.POSITIVE_INFINITY) <= wantedBytes
      const digest =
        store.known(resource) ?? (readable ? await store.digest(async () => resource, null) : null)
      return digest ? `sha-256=:${Buffer.from(digest.sha256, 'hex').toString('base64')}:` : null
    },
  }

  /** HEAD of a playlist is that of the tagged text. */
  async function headOf(found: Resource, quest: Quest): Promise<Resource> {
    return /\.m3u8$/i.test(quest.url.pathname) ? playlist(found, quest) : found
  }
}

async function textOf(found: Resource): Promise<string | null> {
  const bytes = await readAll(found, playlistBytes)
  return bytes === null ? null : bytes.toString('utf8')
}
