import type { Store, StoredSegment } from '@nearcast/peer-core'

/**
 * What every `Store` promises. Plain functions that throw, so the same cases run in Node and inside a page.
 * `reopen` gives the store that a later visit would find, or null where nothing outlives the page.
 */
export interface StoreUnderTest {
  readonly store: Store
  reopen(): Promise<Store | null>
}

export const storeContract: readonly {
  readonly name: string
  run(subject: StoreUnderTest): Promise<void>
}[] = [
  {
    name: 'gives back exactly the bytes that were put',
    async run({ store }) {
      const bytes = pattern(100_003, 1)
      await store.put(segment('a'), bytes)
      same(await store.get('a'), bytes)
    },
  },
  {
    name: 'knows nothing of what was never put',
    async run({ store }) {
      check((await store.get('missing')) === undefined, 'get of a missing key')
      await store.evict('missing')
      check((await store.list()).length === 0, 'list of an empty store')
    },
  },
  {
    name: 'shares no memory with its callers',
    async run({ store }) {
      const bytes = pattern(1000, 2)
      const putting = store.put(segment('a'), bytes)
      bytes.fill(0)
      await putting
      const [first, second] = await Promise.all([store.get('a'), store.get('a')])
      same(first, pattern(1000, 2))
      first?.fill(9)
      same(second, pattern(1000, 2))
      same(await store.get('a'), pattern(1000, 2))
    },
  },
  {
    name: 'stores a view, not the larger buffer beneath it',
    async run({ store }) {
      const large = pattern(10_000, 3)
      await store.put(segment('a'), large.subarray(100, 200))
      const back = await store.get('a')
      same(back, large.slice(100, 200))
      check(back?.buffer.byteLength === 100, 'buffer is larger than the segment')
    },
  },
  {
    name: 'lists segments with their track and entry, oldest first',
    async run({ store }) {
      await store.put(segment('a', 1), pattern(10, 1))
      await pause()
      await store.put(segment('b', 2), pattern(20, 2))
      const listed = await store.list()
      check(
        JSON.stringify(listed) === JSON.stringify([segment('a', 1), segment('b', 2)]),
        JSON.stringify(listed),
      )
    },
  },
  {
    name: 'replaces a segment put twice, and lists it once',
    async run({ store }) {
      await store.put(segment('a'), pattern(10, 1))
      await store.put(segment('a'), pattern(30, 2))
      same(await store.get('a'), pattern(30, 2))
      check((await store.list()).length === 1, 'listed twice')
    },
  },
  {
    name: 'forgets what was evicted and keeps the rest',
    async run({ store }) {
      await Promise.all([store.put(segment('a'), pattern(10, 1)), store.put(segment('b'), pattern(10, 2))])
      await store.evict('a')
      check((await store.get('a')) === undefined, 'evicted bytes came back')
      same(await store.get('b'), pattern(10, 2))
      check((await store.list()).length === 1, 'evicted segment is listed')
    },
  },
  {
    name: 'orders put, get and evict of one key as they were called',
    async run({ store }) {
      const put = store.put(segment('a'), pattern(10, 1))
      const got = store.get('a')
      const evicted = store.evict('a')
      const after = store.get('a')
      await Promise.all([put, evicted])
      same(await got, pattern(10, 1))
      check((await after) === undefined, 'get after evict')
    },
  },
  {
    name: 'takes a hundred segments at once',
    async run({ store }) {
      const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
      await Promise.all(keys.map((key, i) => store.put(segment(key, i), pattern(5000 + i, i))))
      const all = await Promise.all(keys.map(key => store.get(key)))
      for (const [i, bytes] of all.entries()) same(bytes, pattern(5000 + i, i))
      check((await store.list()).length === 100, 'not all are listed')
    },
  },
  {
    name: 'accepts an empty segment',
    async run({ store }) {
      await store.put(segment('a'), new Uint8Array(0))
      same(await store.get('a'), new Uint8Array(0))
    },
  },
  {
    name: 'finds everything again on the next visit, where there is one',
    async run({ store, reopen }) {
      await store.put(segment('a', 5), pattern(50_000, 7))
      const later = await reopen()
      if (!later) return
      same(await later.get('a'), pattern(50_000, 7))
      check(JSON.stringify(await later.list()) === JSON.stringify([segment('a', 5)]), 'list after reopening')
    },
  },
]

export function segment(key: string, seq = 0): StoredSegment {
  const entry = { key, seq, slot: seq, startMs: seq * 2000, durationMs: 2000, size: 0, root: '' }
  return { track: '/v.m3u8', entry }
}

export function pattern(length: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255)
}

export function same(actual: Uint8Array | undefined, expected: Uint8Array): void {
  check(actual !== undefined, 'no bytes')
  check(actual?.length === expected.length, `${actual?.length} bytes instead of ${expected.length}`)
  const wrong = expected.findIndex((byte, i) => actual?.[i] !== byte)
  check(wrong < 0, `byte ${wrong} differs`)
}

export function check(ok: boolean, message: string): void {
  if (!ok) throw new Error(message)
}

const pause = () => new Promise(resolve => setTimeout(resolve, 3))
