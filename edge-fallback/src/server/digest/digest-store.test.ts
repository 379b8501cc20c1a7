import { createHasher, listMatches } from '@nearcast/peer-core'
import { expect, it } from 'vitest'
import { memoryResource, type Resource } from '../resource.ts'
import { createDigestStore } from './digest-store.ts'

const hasher = createHasher()

/** A resource that counts how often it is read. */
function counted(bytes: Uint8Array<ArrayBuffer>, identity: string) {
  const reads = { count: 0 }
  const plain = memoryResource(bytes, { etag: '', modifiedMs: null, type: '', cacheControl: '', identity })
  const resource: Resource = {
    ...plain,
    read(range) {
      reads.count++
      return plain.read(range)
    },
  }
  return { reads, resource, find: () => Promise.resolve(resource) }
}

const filled = (size: number, byte: number) => new Uint8Array(size).fill(byte)

it('reads once, however many ask at one time and later', async () => {
  const store = createDigestStore()
  const { find, reads, resource } = counted(filled(50_000, 1), 'a')
  const digests = await Promise.all([store.digest(find, null), store.digest(find, null)])
  expect(digests[0]).toEqual(digests[1])
  expect(await store.digest(find, null)).toEqual(digests[0])
  expect(store.known(resource)).toEqual(digests[0])
  expect(reads.count).toBe(1)
})

it('tells ranges and versions of one resource apart', async () => {
  const store = createDigestStore()
  const { find } = counted(filled(50_000, 1), 'a v1')
  const newer = counted(filled(50_000, 2), 'a v2')
  const range = { from: 5, to: 20_000 }
  const roots = [
    await store.digest(find, null),
    await store.digest(find, range),
    await store.digest(newer.find, null),
  ].map(digest => digest!.root)
  expect(new Set(roots).size).toBe(3)
})

it('computes a dropped list again, and has none when the bytes have changed', async () => {
  const store = createDigestStore(64)
  const first = counted(filled(40_000, 1), 'a')
  const second = counted(filled(40_000, 2), 'b')
  const digest = (await store.digest(first.find, null))!
  await store.digest(second.find, null)
  const list = await store.list(digest.root)
  expect(first.reads.count).toBe(2)
  expect(await listMatches(list!, digest.size, digest.root, hasher)).toBe(true)

  let bytes = filled(40_000, 3)
  const changing = async () => counted(bytes, `c ${bytes[0]}`).resource
  const before = (await store.digest(changing, null))!
  bytes = filled(40_000, 4)
  await store.digest(second.find, { from: 0, to: 40_000 })
  await store.digest(first.find, { from: 0, to: 40_000 })
  expect(await store.list(before.root)).toBeNull()
  expect(await store.list('f'.repeat(64))).toBeNull()
})

it('has no digest of what is empty, absent, broken or cut short, and tries again', async () => {
  const store = createDigestStore()
  expect(await store.digest(async () => null, null)).toBeNull()
  expect(await store.digest(counted(filled(0, 0), 'empty').find, null)).toBeNull()
  const { resource } = counted(filled(100, 1), 'short')
  expect(await store.digest(async () => ({ ...resource, size: 101 }), null)).toBeNull()
  let broken = true
  const flaky: Resource = {
    ...resource,
    identity: 'flaky',
    read: range =>
      broken ? new ReadableStream({ pull: () => Promise.reject(new Error('disk')) }) : resource.read(range),
  }
  expect(await store.digest(async () => flaky, null)).toBeNull()
  broken = false
  expect((await store.digest(async () => flaky, null))?.size).toBe(100)
})
