import { appendFile, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileResource } from './directory.ts'

let folder: string
let file: string
let opened: Awaited<ReturnType<typeof open>>[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nearcast-directory-'))
  file = join(folder, 'segment.ts')
  await writeFile(file, new Uint8Array(200_000))
  opened = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const counting: typeof open = async (...parameters) => {
  const handle = await open(...parameters)
  opened.push(handle)
  return handle
}

/** Descriptors of handles that were opened and not closed; a closed one has -1. */
const left = () => opened.filter(({ fd }) => fd >= 0).length

const read = async (range = { from: 0, to: 200_000 }) => {
  const resource = await fileResource(file, counting)
  return resource!.read(range).getReader()
}

describe('the body of a file', () => {
  it('closes the file at its end', async () => {
    const reader = await read({ from: 10, to: 100_000 })
    let bytes = 0
    for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += next.value.length
    expect(bytes).toBe(99_990)
    expect([opened.length, left()]).toEqual([1, 0])
  })

  it('closes the file when its reader leaves while it is being opened', async () => {
    const reader = await read()
    const reading = reader.read()
    await reader.cancel()
    expect(await reading).toEqual({ done: true, value: undefined })
    // What the pull was about to do when the reader left.
    await new Promise(resolve => setTimeout(resolve, 20))
    expect([opened.length, left()]).toEqual([1, 0])
  })

  it('closes the file when its reader leaves in the middle', async () => {
    const reader = await read()
    await reader.read()
    const reading = reader.read()
    await reader.cancel()
    await reading
    expect([opened.length, left()]).toEqual([1, 0])
  })

  it('opens nothing for a reader that leaves before', async () => {
    await (await read()).cancel()
    expect(opened).toEqual([])
  })

  it('closes the file when it changed since, or is cut while it is read', async () => {
    const changed = await read()
    await appendFile(file, 'more')
    await expect(changed.read()).rejects.toThrow('changed')
    const cut = (await fileResource(file, counting))!.read(null).getReader()
    await cut.read()
    await truncate(file, 70)
    await expect(cut.read()).rejects.toThrow('cut')
    expect([opened.length, left()]).toEqual([2, 0])
  })
})
