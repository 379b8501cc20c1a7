import { createMemoryStore } from '@nearcast/peer-core'
import { describe, it } from 'vitest'
import { storeContract } from './store-contract.ts'

describe('the memory store', () => {
  for (const { name, run } of storeContract) {
    it(name, () => run({ store: createMemoryStore(), reopen: async () => null }))
  }
})
