import type { SegmentKey } from '../core/events.ts'
import type { Store, StoredSegment } from '../ports.ts'

/** Keeps segments as long as the page lives. Bytes are copied in and out, so nobody else's edit reaches them. */
export function createMemoryStore(): Store {
  const segments = new Map<SegmentKey, { segment: StoredSegment; bytes: Uint8Array }>()
  return {
    async put(segment, bytes) {
      segments.delete(segment.entry.key)
      segments.set(segment.entry.key, { segment, bytes: bytes.slice() })
    },
    async get(key) {
      return segments.get(key)?.bytes.slice()
    },
    async evict(key) {
      segments.delete(key)
    },
    async list() {
      return [...segments.values()].map(({ segment }) => segment)
    },
  }
}
