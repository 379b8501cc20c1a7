import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredSegment } from '../ports.ts'
import { createFileStore, type FileStore } from './file-store.ts'

let dir: string
const open: FileStore[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nearcast-files-'))
})
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function store(): Promise<FileStore> {
  const made = await createFileStore({ dir, indexDelayMs: 0 })
  open.push(made)
  return made
}

function segment(key: string, seq = 0): StoredSegment {
  const entry = { key, seq, slot: seq, startMs: 0, durationMs: 2000, size: 0, root: 'ab'.repeat(32) }
  return { track: '/v.m3u8', entry }
}

const bytesOf = (fill: number, length = 5000) => new Uint8Array(length).fill(fill)
const files = async () => (await readdir(dir)).filter(name => name.endsWith('.segment')).sort()

/**
 * What a crash leaves: the files as they are, no index written at the end, the lock of a process that is gone. The index
 * may be renamed under our eyes: its part file is then gone before it is read.
 */
async function crash(): Promise<void> {
  const kept = new Map<string, Buffer>()
  for (const name of await readdir(dir)) {
    const bytes = await readFile(join(dir, name)).catch(cause => {
      if (cause.code !== 'ENOENT' || !/^index\.\d+\.part$/.test(name)) throw cause
    })
    if (bytes) kept.set(name, bytes)
  }
  for (const each of open.splice(0)) await each.close()
  for (const name of await readdir(dir)) await rm(join(dir, name))
  for (const [name, bytes] of kept) await writeFile(join(dir, name), bytes)
  const gone = spawnSync(process.execPath, ['-e', '']).pid
  await writeFile(join(dir, 'lock'), `${gone}\n`)
}

describe('the file store', () => {
  it('counts segments and bytes through puts, replacements and evictions', async () => {
    const first = await store()
    await first.put(segment('a'), bytesOf(1, 1000))
    await first.put(segment('b'), bytesOf(2, 500))
    await first.put(segment('a'), bytesOf(3, 200))
    expect(first.usage()).toEqual({ segments: 2, bytes: 700 })
    await first.evict('b')
    expect(first.usage()).toEqual({ segments: 1, bytes: 200 })
    await first.close()
    expect((await store()).usage()).toEqual({ segments: 1, bytes: 200 })
    expect(await files()).toHaveLength(1)
  })

  it('finds everything again after a crash without an index, in the order it was put', async () => {
    const first = await store()
    for (const key of ['c', 'a', 'b']) await first.put(segment(key), bytesOf(key.charCodeAt(0)))
    await first.put(segment('c'), bytesOf(9))
    await crash()
    await rm(join(dir, 'index.json'), { force: true })
    const second = await store()
    expect((await second.list()).map(({ entry }) => entry.key)).toEqual(['a', 'b', 'c'])
    expect(await second.get('c')).toEqual(bytesOf(9))
  })

  it.each(['', '{', '[]', '{"version":1,"rows":[null,{"header":{}}]}', '{"version":7,"rows":[]}'])(
    'rebuilds a damaged index: %j',
    async damage => {
      const first = await store()
      await first.put(segment('a'), bytesOf(1))
      await crash()
      await writeFile(join(dir, 'index.json'), damage)
      const second = await store()
      expect(await second.get('a')).toEqual(bytesOf(1))
      await second.close()
      expect(JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'))).toMatchObject({ rows: [{}] })
    },
  )

  it('forgets what the index names and the folder lacks', async () => {
    const first = await store()
    await first.put(segment('a'), bytesOf(1))
    await first.close()
    for (const name of await files()) await rm(join(dir, name))
    const second = await store()
    expect(await second.list()).toEqual([])
    expect(second.usage()).toEqual({ segments: 0, bytes: 0 })
  })

  it('removes files that were cut short, foreign files under its names, and what a crash left half written', async () => {
    const first = await store()
    await first.put(segment('a'), bytesOf(1))
    await first.put(segment('b'), bytesOf(2))
    await first.close()
    const [cut] = await files()
    await truncate(join(dir, cut!), 1000)
    await writeFile(join(dir, `${'0'.repeat(40)}.segment`), 'not one of ours')
    await writeFile(join(dir, `${'1'.repeat(40)}.segment`), '')
    await writeFile(join(dir, `${'2'.repeat(40)}.7.part`), 'half')
    await writeFile(join(dir, 'notes.txt'), 'somebody else’s')
    const second = await store()
    expect(await second.list()).toHaveLength(1)
    expect(await files()).toHaveLength(1)
    const names = await readdir(dir)
    expect(names.filter(name => name.endsWith('.part'))).toEqual([])
    expect(names).toContain('notes.txt')
  })

  it('removes a file that was renamed to another segment’s name', async () => {
    const first = await store()
    await first.put(segment('a'), bytesOf(1))
    await first.close()
    const [name] = await files()
    await writeFile(join(dir, `${'3'.repeat(40)}.segment`), await readFile(join(dir, name!)))
    const second = await store()
    expect((await second.list()).map(({ entry }) => entry.key)).toEqual(['a'])
    expect(await files()).toEqual([name])
  })

  it('gives no byte of a file that changed behind its back, and removes it', async () => {
    const first = await store()
    await first.put(segment('a'), bytesOf(1))
    const [name] = await files()
    const raw = await readFile(join(dir, name!))
    raw[raw.length - 1]! ^= 1
    await writeFile(join(dir, name!), raw)
    expect(await first.get('a')).toBeUndefined()
    expect(await files()).toEqual([])
    expect(first.usage()).toEqual({ segments: 0, bytes: 0 })
  })

  it('refuses a folder that another store has, and takes over one whose process is gone', async () => {
    await store()
    await expect(createFileStore({ dir })).rejects.toMatchObject({ reason: 'store-in-use' })
    await crash()
    await expect(store()).resolves.toBeDefined()
  })

  it('refuses a folder that another process has', async () => {
    await writeFile(join(dir, 'lock'), `${process.ppid}\n`)
    await expect(createFileStore({ dir })).rejects.toMatchObject({ reason: 'store-in-use' })
  })

  it('says so when the folder cannot be made', async () => {
    await writeFile(join(dir, 'file'), '')
    await expect(createFileStore({ dir: join(dir, 'file/cache') })).rejects.toMatchObject({
      reason: 'store-forbidden',
    })
  })

  it('closes twice, and then takes nothing more', async () => {
    const first = await store()
    const putting = first.put(segment('a'), bytesOf(1))
    await Promise.all([first.close(), first.close()])
    await putting
    await expect(first.put(segment('b'), bytesOf(2))).rejects.toMatchObject({ reason: 'store-closed' })
    expect(await (await store()).get('a')).toEqual(bytesOf(1))
  })
})
