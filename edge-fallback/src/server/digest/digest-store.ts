import type { ByteRange } from '@nearcast/peer-core'
import type { Resource } from '../resource.ts'
import { type Digest, type DigestedSegment, digestResource } from './digester.ts'

/** Digests computed so far, by the identity of what they describe, and the lists by their root. */
export interface DigestStore {
  /** Computes it, once however many ask. null: empty, or not readable. */
  digest(find: () => Promise<Resource | null>, range: ByteRange | null): Promise<Digest | null>
  /** Of a whole resource, when it was computed before. */
  known(resource: Resource): Digest | undefined
  /** The block-hash list of a root, computed again when it was dropped. */
  list(root: string): Promise<Uint8Array<ArrayBuffer> | null>
}

/** Simultaneous reads: enough to keep a disk or a line busy, few enough not to starve the viewers' own. */
const atOnce = 4

/**
 * @param keepListBytes Lists kept in memory: 0.2 % of the media they describe, so 64 MiB stand for 32 GB.
 * @param keepDigests Digests kept, some 300 bytes each.
 */
export function createDigestStore(keepListBytes = 64 << 20, keepDigests = 200_000): DigestStore {
  const digests = new Map<string, Digest>()
  const computing = new Map<string, Promise<Digest | null>>()
  const lists = new Map<string, Uint8Array<ArrayBuffer>>()
  /** Where to read a root's bytes again. */
  const origins = new Map<string, { find: () => Promise<Resource | null>; range: ByteRange | null }>()
  let listBytes = 0
  let busy = 0
  const waiting: (() => void)[] = []

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (busy >= atOnce) await new Promise<void>(resolve => waiting.push(resolve))
    busy++
    try {
      return await work()
    } finally {
      busy--
      waiting.shift()?.()
    }
  }

  function keep(digested: DigestedSegment): void {
    listBytes += digested.list.length - (lists.get(digested.root)?.length ?? 0)
    lists.delete(digested.root)
    lists.set(digested.root, digested.list)
    for (const [root, list] of lists) {
      if (listBytes <= keepListBytes || root === digested.root) break
      lists.delete(root)
      listBytes -= list.length
    }
  }

  return {
    async digest(find, range) {
      const resource = await find()
      if (!resource) return null
      const key = keyOf(resource, range)
      const known = digests.get(key)
      if (known) return known
      let work = computing.get(key)
      if (!work) {
        work = turn(async () => {
          const digested = await digestResource(resource, range).catch(() => null)
          if (!digested) return null
          const { list: _, ...digest } = digested
          digests.set(key, digest)
          origins.set(digest.root, { find, range })
          for (const oldest of digests.keys()) {
            if (digests.size <= keepDigests) break
            const root = digests.get(oldest)!.root
            digests.delete(oldest)
            origins.delete(root)
          }
          keep(digested)
          return digest
        }).finally(() => computing.delete(key))
        computing.set(key, work)
      }
      return work
    },

    known: resource => digests.get(keyOf(resource, null)),

    async list(root) {
      const held = lists.get(root)
      if (held) {
        lists.delete(root)
        lists.set(root, held)
        return held
      }
      const origin = origins.get(root)
      const resource = origin && (await origin.find())
      if (!resource) return null
      const again = await turn(() => digestResource(resource, origin.range).catch(() => null))
      // The file may have changed since: then nobody can have the list of this root any more.
      if (again?.root !== root) return null
      keep(again)
      return again.list
    },
  }
}

function keyOf(resource: Resource, range: ByteRange | null): string {
  return range ? `${resource.identity} ${range.from}-${range.to}` : resource.identity
}
