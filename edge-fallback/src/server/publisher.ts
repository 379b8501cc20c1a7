import { systemTimers, type Timers } from '../source/timers.ts'
import { isPlaylist } from './content-type.ts'
import type { DigestStore } from './digest/digest-store.ts'
import { createPlaylistDigests, textResource } from './digest/playlist-digests.ts'
import {
  isRefusal,
  type Library,
  memoryResource,
  type Quest,
  type Refusal,
  type Resource,
  readAll,
} from './resource.ts'

export interface PublisherOptions {
  readonly shelf: Library
  readonly store: DigestStore
  readonly timers?: Timers
  readonly digests: boolean
  readonly waitMs: number
  readonly local: boolean
}

/** A shelf whose playlists carry digests, with the sidecars and lists that belong to them. */
export interface Publisher extends Library {
  /** The Repr-Digest field (RFC 9530 §3) of a resource: when it is known, or asked for. null: neither. */
  reprDigest(resource: Resource, request: Headers): Promise<string | null>
}

/** Longer than any playlist that a player would take. */
const playlistBytes = 8 << 20
/** What is read only because somebody asked for its digest. */
const wantedBytes = 64 << 20

export function createPublisher(options: PublisherOptions): Publisher {
  const { shelf, store, digests, timers = systemTimers } = options
  const never = new AbortController().signal
  const find = async (url: URL): Promise<Resource | null> => {
    const found = await shelf.find({ url, range: null, head: false, signal: never })
    return isRefusal(found) ? null : found
  }
  const playlists = createPlaylistDigests({
    store,
    find,
    timers,
    waitMs: options.waitMs,
    local: options.local,
  })

  async function playlist(found: Resource, url: URL): Promise<Resource> {
    const text = await textOf(found)
    return text === null ? found : textResource(await playlists.tag(text, url), found)
  }

  async function sidecar(quest: Quest): Promise<Resource | null> {
    const url = new URL(quest.url)
    url.pathname = url.pathname.replace(/\.nearcast$/, '')
    const found = await shelf.find({ ...quest, url, range: null, head: false })
    if (isRefusal(found) || !isPlaylist(url.pathname, found.type)) return null
    const text = await textOf(found)
    return text === null ? null : playlists.sidecar(text, url)
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
      return isPlaylist(pathname, found.type) && !quest.head
        ? playlist(found, quest.url)
        : headOf(found, quest)
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
    return /\.m3u8$/i.test(quest.url.pathname) ? playlist(found, quest.url) : found
  }
}

async function textOf(found: Resource): Promise<string | null> {
  const bytes = await readAll(found, playlistBytes)
  return bytes === null ? null : bytes.toString('utf8')
}
