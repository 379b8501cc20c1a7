import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredSegment } from '@nearcast/peer-core'
import { createFileStore, type FileStore } from '@nearcast/peer-core/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDiskShelf, createMemoryShelf } from './shelf.ts'

const root = 'ab'.repeat(32)
const segment = (key: string, digest = root): StoredSegment => ({
  track: '/v.m3u8',
  entry: { key, seq: 1, slot: 1, startMs: 0, durationMs: 2000, size: 3, root: digest },
})
const bytes = new Uint8Array([1, 2, 3])

let dir: string
let files: FileStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nearcast-shelf-'))
  files = await createFileStore({ dir })
})
afterEach(async () => {
  await files.close()
  await rm(dir, { recursive: true, force: true })
})

describe('the disk shelf', () => {
  it('gives nothing of an earlier run before the playlists confirmed it', async () => {
    await files.put(segment('same'), bytes)
    await files.put(segment('other'), bytes)
    await files.put(segment('unproven', ''), bytes)
    const shelf = createDiskShelf(files)
    expect(shelf.has('same')).toBe(false)
    let listed: readonly StoredSegment[] | null = null
    const listing = shelf.store.list().then(found => {
      listed = found
    })
    await Promise.resolve()
    expect(listed).toBeNull()
    await shelf.confirm(({ entry }) => entry.key !== 'other')
    await listing
    expect(listed).toEqual([segment('same')])
    expect(shelf.has('same')).toBe(true)
    expect(shelf.usage()).toEqual({ segments: 1, bytes: 3 })
  })

  it('does not offer to restore what this run has put', async () => {
    const shelf = createDiskShelf(files)
    await shelf.store.put(segment('new', ''), bytes)
    await shelf.confirm(() => false)
    expect(await shelf.store.list()).toEqual([])
    expect(shelf.has('new')).toBe(true)
    await shelf.store.evict('new')
    expect(shelf.has('new')).toBe(false)
  })

  it('remembers why a segment could not be kept until one can', async () => {
    let isFull = true
    const full: FileStore = {
      put: (...given) => (isFull ? Promise.reject(new Error('full')) : files.put(...given)),
      get: key => files.get(key),
      evict: key => files.evict(key),
      list: () => files.list(),
      usage: () => files.usage(),
      close: () => files.close(),
    }
    const shelf = createDiskShelf(full)
    await expect(shelf.store.put(segment('a'), bytes)).rejects.toThrow('full')
    expect(shelf.trouble()).toMatchObject({ message: 'full' })
    expect(shelf.has('a')).toBe(false)
    isFull = false
    await shelf.store.put(segment('a'), bytes)
    expect(shelf.trouble()).toBeNull()
  })

  it('ends a swarm’s wait when it closes unconfirmed', async () => {
    const shelf = createDiskShelf(files)
    const listing = shelf.store.list()
    await shelf.close()
    expect(await listing).toEqual([])
  })
})

describe('the memory shelf', () => {
  it('keeps names and sizes', async () => {
    const shelf = createMemoryShelf()
    await shelf.store.put(segment('a'), bytes)
    await shelf.store.put(segment('a'), bytes.subarray(1))
    await shelf.store.put(segment('b'), bytes)
    expect(shelf.usage()).toEqual({ segments: 2, bytes: 5 })
    await shelf.store.evict('a')
    await shelf.store.evict('a')
    expect(shelf.usage()).toEqual({ segments: 1, bytes: 3 })
    expect(shelf.has('a')).toBe(false)
    expect(await shelf.store.get('b')).toBeUndefined()
  })
})
