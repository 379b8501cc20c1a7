import { createHash } from 'node:crypto'
import { createHasher, type HasherKind } from '@nearcast/peer-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const kinds: readonly HasherKind[] = ['webcrypto', 'hash-wasm', 'noble']

describe.each(kinds)('hasher %s', kind => {
  const hasher = createHasher({ force: kind })

  it('names itself', () => {
    expect(hasher.name).toBe(kind)
  })

  it('agrees with the platform on any blocks, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }), async blocks => {
        const hashes = await hasher.sha256(blocks)
        expect(hashes.map(hash => Buffer.from(hash).toString('hex'))).toEqual(blocks.map(expected))
      }),
      { numRuns: 40 },
    )
  })

  it('hashes full blocks that are views of one larger buffer', async () => {
    const bytes = Uint8Array.from({ length: 40 * 16_384 + 5 }, (_, i) => (i * 31) >> 3)
    const blocks = Array.from({ length: 41 }, (_, i) => bytes.subarray(i * 16_384, (i + 1) * 16_384))
    const hashes = await hasher.sha256(blocks)
    expect(hashes.map(hash => Buffer.from(hash).toString('hex'))).toEqual(blocks.map(expected))
    expect(hashes.every(hash => hash.length === 32)).toBe(true)
  })

  it('keeps calls that overlap apart', async () => {
    const inputs = Array.from({ length: 8 }, (_, i) =>
      Array.from({ length: 40 }, (_, j) => new Uint8Array(16_384).fill(i * 8 + j)),
    )
    const results = await Promise.all(inputs.map(blocks => hasher.sha256(blocks)))
    for (const [i, hashes] of results.entries())
      expect(hashes.map(hash => Buffer.from(hash).toString('hex'))).toEqual(inputs[i]!.map(expected))
  })

  it('takes shared memory, and no blocks at all', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(7)
    const [hash] = await hasher.sha256([shared])
    expect(Buffer.from(hash!).toString('hex')).toBe(expected(shared))
    expect(await hasher.sha256([])).toEqual([])
  })
})

function expected(block: Uint8Array): string {
  return createHash('sha256').update(block).digest('hex')
}
