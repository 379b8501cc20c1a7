import type { Input, Output, SegmentKey, TrackPath } from '../core/events.ts'
import { blockBytes } from '../core/messages.ts'
import { fromHex } from '../integrity/hex.ts'
import { badBlocks, hashList, listMatches } from '../integrity/merkle.ts'
import type { Hasher, Store } from '../ports.ts'
import type { SegmentSource } from '../swarm.ts'
import type { Payloads } from './payloads.ts'

export interface ShelfOptions {
  readonly store: Store | null
  readonly hasher: Hasher
  readonly payloads: Payloads
  readonly sourceOf: (key: SegmentKey) => SegmentSource | undefined
  readonly feed: (input: Input) => void
}

/** Segments' bytes, in memory and in the store: held against their hashes, kept, and brought back. */
export class Shelf {
  #options: ShelfOptions
  #loads = new Map<SegmentKey, Promise<void>>()

  constructor(options: ShelfOptions) {
    this.#options = options
  }

  /** `payload`: the list itself, where a list is to be verified. */
  async verify(
    { job, key, what, first, count }: Extract<Output, { type: 'verify' }>,
    payload: Uint8Array | undefined,
  ): Promise<void> {
    const { hasher, payloads, sourceOf, feed } = this.#options
    const source = sourceOf(key)
    // What is missing here is no lie of whoever sent the rest.
    const unknown = (blocks: readonly number[]) => feed({ type: 'verified', job, bad: [], unknown: blocks })
    if (what === 'hashes') {
      if (!source || !payload) return unknown([0])
      const list = payload.slice()
      const good = await listMatches(list, source.size, source.root, hasher)
      if (good && sourceOf(key)?.root === source.root) payloads.setList(key, list)
      return feed({ type: 'verified', job, bad: good ? [] : [0] })
    }
    const list = source && (source.size <= blockBytes ? fromHex(source.root) : payloads.list(key))
    if (!source || !list) return unknown(range(first, count))
    const blocks = payloads.blocks(key, first, count, source.size)
    const lost = range(first, count).filter((_, i) => !blocks[i])
    const found = await badBlocks(
      blocks.map(block => block ?? new Uint8Array(0)),
      first,
      list,
      hasher,
    )
    const bad = found.filter(index => !lost.includes(index))
    feed({ type: 'verified', job, bad, ...(lost.length > 0 ? { unknown: lost } : {}) })
  }

  async keep(track: TrackPath, source: SegmentSource, size: number): Promise<void> {
    const { store, payloads } = this.#options
    const bytes = payloads.view(source.key, 0, size)
    if (!store || !bytes) return
    const { url: _url, range: _range, hashesUrl: _hashes, ...plain } = source
    try {
      await store.put({ track, entry: { ...plain, size } }, bytes)
      payloads.back(source.key, bytes)
    } catch {
      // Full or forbidden storage: the segment stays in memory, which is all a page without storage ever has.
    }
  }

  evict(key: SegmentKey): void {
    this.#options.payloads.evict(key)
    this.#options.store?.evict(key).catch(() => {})
  }

  /** Into memory, once for all who wait for it, in their order. */
  load(key: SegmentKey): Promise<void> {
    const loading = this.#loads.get(key) ?? this.#read(key).finally(() => this.#loads.delete(key))
    this.#loads.set(key, loading)
    return loading
  }

  /** What the store kept from before. */
  async kept(): Promise<Awaited<ReturnType<Store['list']>>> {
    return (await this.#options.store?.list().catch(() => [])) ?? []
  }

  /** A store outlives what it was filled from: its bytes count only when they still match the root. */
  async #read(key: SegmentKey): Promise<void> {
    const { store, hasher, payloads, sourceOf } = this.#options
    const bytes = await store?.get(key).catch(() => undefined)
    if (!bytes) return
    const root = sourceOf(key)?.root ?? ''
    if (root !== '' && !payloads.list(key)) {
      const list = await hashList(bytes, hasher)
      if (!(await listMatches(list, bytes.length, root, hasher))) return
      payloads.setList(key, list)
    }
    payloads.restore(key, bytes)
  }
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
