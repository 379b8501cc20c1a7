import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileStore } from '@nearcast/peer-core/node'
import { afterEach, describe, it } from 'vitest'
import { storeContract } from './store-contract.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

describe('the file store', () => {
  for (const { name, run } of storeContract) {
    it(name, async () => {
      const dir = await mkdtemp(join(tmpdir(), 'nearcast-store-'))
      cleanups.push(() => rm(dir, { recursive: true, force: true }))
      const store = await createFileStore({ dir })
      cleanups.push(() => store.close())
      await run({
        store,
        async reopen() {
          await store.close()
          const later = await createFileStore({ dir })
          cleanups.push(() => later.close())
          return later
        },
      })
    })
  }
})
