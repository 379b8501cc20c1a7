import { createMemoryLinks } from '@nearcast/peer-core'
import { describe } from 'vitest'
import { linkContract } from './link-contract.ts'

describe('a link in memory', () => {
  linkContract(async () => ({ links: (await createMemoryLinks()).links }))
})

describe('a link in memory over a channel that takes small messages only', () => {
  linkContract(async () => ({
    links: (await createMemoryLinks({ maxMessageBytes: 1200, bytesPerTurn: 20_000 })).links,
  }))
})
