import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHasher } from '../adapters/hasher/create.ts'
import { blockBytes } from '../core/messages.ts'
import { toHex } from './hex.ts'
import {
  badBlocks,
  hashList,
  listBytes,
  listMatches,
  rootOfList,
  segmentRoot,
  splitBlocks,
} from './merkle.ts'

const hasher = createHasher()
const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The rule written down the slow way: lay out the whole leaf layer, zero hashes included, and fold it. */
function rootByDefinition(bytes: Uint8Array): string {
  let layer: Uint8Array[] = splitBlocks(bytes).map(block => sha256(block))
  while (!Number.isInteger(Math.log2(layer.length))) layer.push(new Uint8Array(32))
  while (layer.length > 1) {
    layer = Array.from({ length: layer.length / 2 }, (_, i) => sha256(layer[2 * i]!, layer[2 * i + 1]!))
  }
  return toHex(layer[0]!)
}

const bytesOf = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 131) >> 5)

describe('the Merkle root of a segment', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 23, 33])(
    'agrees with the definition for %i blocks',
    async count => {
      const bytes = bytesOf(count * blockBytes - 3)
      expect(await segmentRoot(bytes, hasher)).toBe(rootByDefinition(bytes))
    },
  )

  it("is the block's own hash when there is one block", async () => {
    const bytes = bytesOf(100)
    expect(await segmentRoot(bytes, hasher)).toBe(sha256(bytes).toString('hex'))
  })

  it('pads three leaves with one zero hash, as BEP 52 does', async () => {
    const bytes = bytesOf(3 * blockBytes)
    const [a, b, c] = splitBlocks(bytes).map(block => sha256(block))
    const root = sha256(sha256(a!, b!), sha256(c!, new Uint8Array(32)))
    expect(await segmentRoot(bytes, hasher)).toBe(root.toString('hex'))
  })

  it('is nothing for an empty segment, and an empty list is refused', async () => {
    expect(await segmentRoot(new Uint8Array(), hasher)).toBe('')
    await expect(rootOfList(new Uint8Array(), hasher)).rejects.toThrow(RangeError)
  })
})

describe('a block-hash list', () => {
  it('matches its own size and root, and no other list, size or root', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 * blockBytes }), fc.nat(), async (size, at) => {
        const list = await hashList(bytesOf(size), hasher)
        const root = toHex(await rootOfList(list, hasher))
        expect(list.length).toBe(listBytes(size))
        expect(await listMatches(list, size, root, hasher)).toBe(true)
        const flipped = list.slice()
        flipped[at % list.length]! ^= 1
        expect(await listMatches(flipped, size, root, hasher)).toBe(false)
        expect(await listMatches(list, size + blockBytes, root, hasher)).toBe(false)
        expect(await listMatches(list.subarray(1), size, root, hasher)).toBe(false)
        expect(await listMatches(list, size, root.slice(2), hasher)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('cannot be lengthened by the zero hashes that fill it', async () => {
    const size = 3 * blockBytes
    const list = await hashList(bytesOf(size), hasher)
    const root = toHex(await rootOfList(list, hasher))
    const filled = new Uint8Array(list.length + 32)
    filled.set(list)
    expect(toHex(await rootOfList(filled, hasher))).toBe(root)
    expect(await listMatches(filled, size, root, hasher)).toBe(false)
  })

  it('names exactly the blocks that were changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.uniqueArray(fc.nat({ max: 5 }), { maxLength: 6 }),
        fc.nat({ max: 5 }),
        async (count, spoilt, first) => {
          const bytes = bytesOf(count * blockBytes)
          const list = await hashList(bytes, hasher)
          for (const block of spoilt) if (block < count) bytes[block * blockBytes + 9]! ^= 4
          const blocks = splitBlocks(bytes).slice(first)
          const expected = spoilt.filter(block => block >= first && block < count).sort((a, b) => a - b)
          expect(await badBlocks(blocks, first, list, hasher)).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('calls a block beyond the list bad', async () => {
    const bytes = bytesOf(2 * blockBytes)
    const list = (await hashList(bytes, hasher)).subarray(0, 32)
    expect(await badBlocks(splitBlocks(bytes), 0, list, hasher)).toEqual([1])
  })
})
