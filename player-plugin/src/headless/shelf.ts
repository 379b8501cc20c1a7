import type { SegmentKey, Store, StoredSegment } from '@nearcast/peer-core'
import type { FileStore } from '@nearcast/peer-core/node'

/** What a peer keeps, and what it knows of that without asking the disk. */
export interface Shelf {
  /** For the swarm. Its `list` waits for `confirm`. */
  readonly store: Store
  has(key: SegmentKey): boolean
  usage(): { readonly segments: number; readonly bytes: number }
  /** Why the last segment could not be kept; null when it could. */
  trouble(): unknown
  /** Says which segments of an earlier run are still what the playlists mean; the others are removed. */
  confirm(isCurrent: (segment: StoredSegment) => boolean): Promise<void>
  close(): Promise<void>
}

/**
 * On disk, over runs. A name may stand for other bytes by now: an encoder began anew, a recording was published again.
 * So nothing of an earlier run is given to anyone before a playlist has confirmed its digest, and what never had a
 * digest is not taken over at all.
 */
export function createDiskShelf(files: FileStore): Shelf {
  const held = new Set<SegmentKey>()
  let trouble: unknown = null
  let confirmed: (segments: readonly StoredSegment[]) => void = () => {}
  const current = new Promise<readonly StoredSegment[]>(resolve => {
    confirmed = resolve
  })
  return {
    store: {
      async put(segment, bytes) {
        try {
          await files.put(segment, bytes)
          held.add(segment.entry.key)
          trouble = null
        } catch (error) {
          trouble = error
          throw error
        }
      },
      get: key => files.get(key),
      async evict(key) {
        held.delete(key)
        await files.evict(key)
      },
      list: () => current,
    },
    has: key => held.has(key),
    usage: () => files.usage(),
    trouble: () => trouble,
    async confirm(isCurrent) {
      const same: StoredSegment[] = []
      for (const segment of await files.list()) {
        const { key } = segment.entry
        // Put by this run already.
        if (held.has(key)) continue
        if (segment.entry.root !== '' && isCurrent(segment)) {
          held.add(key)
          same.push(segment)
        } else await files.evict(key)
      }
      confirmed(same)
    },
    async close() {
      confirmed([])
      await files.close()
    },
  }
}

/**
 * In memory alone: the bytes stay with the swarm, whose `memoryBytes` must be unlimited, and this keeps their names.
 */
export function createMemoryShelf(): Shelf {
  const held = new Map<SegmentKey, number>()
  let bytes = 0
  const forget = (key: SegmentKey) => {
    bytes -= held.get(key) ?? 0
    held.delete(key)
  }
  return {
    store: {
      async put({ entry }, { length }) {
        forget(entry.key)
        held.set(entry.key, length)
        bytes += length
      },
      async get() {
        return undefined
      },
      async evict(key) {
        forget(key)
      },
      async list() {
        return []
      },
    },
    has: key => held.has(key),
    usage: () => ({ segments: held.size, bytes }),
    trouble: () => null,
    async confirm() {},
    async close() {},
  }
}
