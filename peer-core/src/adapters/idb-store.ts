import { createStore, delMany, entries, getMany, keys, setMany, type UseStore } from 'idb-keyval'
import type { SegmentKey } from '../core/events.ts'
import type { Store, StoredSegment } from '../ports.ts'
import { SwarmError } from '../swarm.ts'

export interface IdbStoreOptions {
  /** Names the content, usually its info hash: keys of two contents may be equal. */
  readonly scope: string
  /**
   * Bytes that this origin keeps over all contents; the oldest go first. Raising it takes disk space.
   * 0 keeps nothing, `Infinity` leaves the limit to the browser.
   * @default 512 MiB
   */
  readonly maxBytes?: number
  /** Prefix of the two databases. @default 'nearcast' */
  readonly name?: string
}

/** What is known of one stored segment without reading it. */
interface IndexEntry {
  readonly segment: StoredSegment
  readonly size: number
  /** When it was put, ms since 1970. */
  readonly at: number
}

/**
 * Segments in IndexedDB, over visits. idb-keyval keeps neither sizes nor order, so an index lives beside the bytes,
 * in a database of its own (it supports one object store a database). Bytes are written before their index entry
 * and deleted after it: a crash leaves at most bytes that nobody names, which the next start removes.
 * Segments put in the same moment share one transaction, and so do reads (3 to 6 ms each otherwise).
 *
 * `put` rejects with `SwarmError` reason `store-quota` when the browser gives no room even for this segment alone.
 */
export function createIdbStore(options: IdbStoreOptions): Store {
  return new IdbStore(options)
}

class IdbStore implements Store {
  readonly #scope: string
  readonly #maxBytes: number
  readonly #bytes: UseStore
  readonly #index: UseStore
  readonly #known = new Map<string, IndexEntry>()
  readonly #loaded: Promise<void>
  /** One transaction at a time: two that both find the quota full would evict for each other. */
  #running: Promise<unknown> = Promise.resolve()
  /** The batch that the next call may still join; any other kind of call closes it, so order is kept. */
  #puts: PutItem[] | null = null
  #gets: GetItem[] | null = null

  constructor({ scope, maxBytes = 512 * 1024 * 1024, name = 'nearcast' }: IdbStoreOptions) {
    this.#scope = `${scope} `
    this.#maxBytes = maxBytes
    this.#bytes = createStore(`${name}-bytes`, 'segments')
    this.#index = createStore(`${name}-index`, 'segments')
    this.#loaded = this.#load()
    this.#loaded.catch(() => {}) // every method reports it to its own caller
  }

  put(segment: StoredSegment, bytes: Uint8Array): Promise<void> {
    const id = this.#scope + segment.entry.key
    const copy = bytes.slice()
    return new Promise((resolve, reject) => {
      const item = { id, segment, bytes: copy, settle: { resolve, reject } }
      if (this.#puts) return void this.#puts.push(item)
      const batch = [item]
      this.#run(() => this.#flushPuts(batch)).catch(reject)
      this.#puts = batch
    })
  }

  get(key: SegmentKey): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const item = { id: this.#scope + key, settle: { resolve, reject } }
      if (this.#gets) return void this.#gets.push(item)
      const batch = [item]
      this.#run(() => this.#flushGets(batch)).catch(reject)
      this.#gets = batch
    })
  }

  evict(key: SegmentKey): Promise<void> {
    return this.#run(() => this.#forget([this.#scope + key]))
  }

  list(): Promise<readonly StoredSegment[]> {
    return this.#run(async () => {
      const own = [...this.#known].filter(([id]) => id.startsWith(this.#scope)).map(([, entry]) => entry)
      return own.sort((a, b) => a.at - b.at).map(({ segment }) => segment)
    })
  }

  async #load(): Promise<void> {
    for (const [id, entry] of await entries<string, IndexEntry>(this.#index)) this.#known.set(id, entry)
    const orphans = (await keys<string>(this.#bytes)).filter(id => !this.#known.has(id))
    if (orphans.length > 0) await delMany(orphans, this.#bytes)
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    this.#puts = null
    this.#gets = null
    const done = this.#running.then(() => this.#loaded).then(work)
    this.#running = done.catch(() => {})
    return done
  }

  async #flushPuts(batch: PutItem[]): Promise<void> {
    if (this.#puts === batch) this.#puts = null
    const newest = new Map(batch.map(put => [put.id, put]))
    const items = [...newest.values()]
    try {
      await this.#makeRoom(
        items.reduce((sum, { bytes }) => sum + bytes.length, 0),
        newest,
      )
      await this.#insert(items)
      for (const { settle } of batch) settle.resolve()
    } catch (cause) {
      const error = isQuotaError(cause)
        ? new SwarmError('store-quota', 'IndexedDB has no room for a segment', cause)
        : new SwarmError('store-failed', 'IndexedDB refused a segment', cause)
      for (const { settle } of batch) settle.reject(error)
    }
  }

  async #insert(items: readonly { id: string; segment: StoredSegment; bytes: Uint8Array }[]): Promise<void> {
    const written = items.map(({ id, bytes }): [string, Uint8Array] => [id, bytes])
    const kept = new Map(items.map(item => [item.id, item]))
    let hasFreed = false
    for (let tries = 0; ; tries++) {
      try {
        await setMany(written, this.#bytes)
        break
      } catch (error) {
        if (!isQuotaError(error)) throw error
        // The browser's estimate does not warn, and what was deleted counts until its files are gone: by turns more is
        // deleted and time is given.
        const isWaitingTurn = hasFreed && tries % 2 === 1
        if (!isWaitingTurn && (await this.#evictOldest(sumOf(items), kept))) hasFreed = true
        else if (hasFreed && tries < mostQuotaTries) await pause(50 * 2 ** Math.floor(tries / 2))
        else throw error
      }
    }
    const at = Date.now()
    const rows = items.map(({ id, segment, bytes }): [string, IndexEntry] => [
      id,
      { segment, size: bytes.length, at },
    ])
    await setMany(rows, this.#index)
    for (const [id, entry] of rows) {
      this.#known.delete(id)
      this.#known.set(id, entry)
    }
  }

  async #makeRoom(incoming: number, keep: ReadonlyMap<string, unknown>): Promise<void> {
    if (incoming > this.#maxBytes) throw new DOMException('over maxBytes', 'QuotaExceededError')
    let total = incoming
    for (const [id, { size }] of this.#known) if (!keep.has(id)) total += size
    if (total > this.#maxBytes) await this.#evictOldest(total - this.#maxBytes, keep)
  }

  /** Whether anything could be freed. */
  async #evictOldest(bytes: number, keep: ReadonlyMap<string, unknown>): Promise<boolean> {
    const oldest = [...this.#known].filter(([id]) => !keep.has(id)).sort((a, b) => a[1].at - b[1].at)
    const gone: string[] = []
    let freed = 0
    for (const [id, { size }] of oldest) {
      if (freed >= bytes) break
      gone.push(id)
      freed += size
    }
    await this.#forget(gone)
    return gone.length > 0
  }

  async #forget(ids: string[]): Promise<void> {
    if (ids.length === 0) return
    await delMany(ids, this.#index)
    for (const id of ids) this.#known.delete(id)
    await delMany(ids, this.#bytes)
  }

  async #flushGets(batch: GetItem[]): Promise<void> {
    if (this.#gets === batch) this.#gets = null
    try {
      const ids = [...new Set(batch.map(({ id }) => id))]
      const found = new Map<string, Uint8Array | undefined>()
      const values = await getMany<Uint8Array>(ids, this.#bytes)
      for (const [i, id] of ids.entries()) {
        const known = this.#known.get(id)
        const value = values[i]
        // A value without its index entry, or of another size, is a write that did not finish.
        found.set(id, known && value instanceof Uint8Array && value.length === known.size ? value : undefined)
      }
      const given = new Set<string>()
      for (const { id, settle } of batch) {
        const value = found.get(id)
        settle.resolve(given.has(id) ? value?.slice() : value)
        given.add(id)
      }
    } catch (cause) {
      for (const { settle } of batch)
        settle.reject(new SwarmError('store-failed', 'IndexedDB could not be read', cause))
    }
  }
}

/** The pauses between them add up to some seconds: longer than Chromium takes to delete files. */
const mostQuotaTries = 13

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

interface PutItem {
  readonly id: string
  readonly segment: StoredSegment
  readonly bytes: Uint8Array
  readonly settle: Settle<void>
}

interface GetItem {
  readonly id: string
  readonly settle: Settle<Uint8Array | undefined>
}

interface Settle<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

function sumOf(items: readonly { bytes: Uint8Array }[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

/** Chromium made it a class of its own in 2025; the name is the same everywhere. */
function isQuotaError(error: unknown): boolean {
  return error instanceof Error && error.name === 'QuotaExceededError'
}
