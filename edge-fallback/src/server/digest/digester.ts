import { createHash } from 'node:crypto'
import { type ByteRange, blockBytes, type Hasher, hashBytes, rootOfList, toHex } from '@nearcast/peer-core'
import type { Resource } from '../resource.ts'

export interface Digest {
  /** Bytes of the segment. */
  readonly size: number
  /** Merkle root, 64 hex digits. */
  readonly root: string
  /** SHA-256 of the whole, 64 hex digits. */
  readonly sha256: string
}

export interface DigestedSegment extends Digest {
  /** Block-hash list. */
  readonly list: Uint8Array<ArrayBuffer>
}

/** Synchronous and without the round trips that a million small hashes do not need. */
const nodeHasher: Hasher = {
  name: 'node',
  sha256: blocks => Promise.resolve(blocks.map(block => createHash('sha256').update(block).digest())),
}

/** Reads a resource, or a range of it, once and in chunks, whatever its size. null when it is empty. */
export async function digestResource(
  resource: Resource,
  range: ByteRange | null,
): Promise<DigestedSegment | null> {
  const hashes: Buffer[] = []
  const whole = createHash('sha256')
  let block = createHash('sha256')
  let filled = 0
  let size = 0
  for await (const chunk of resource.read(range)) {
    whole.update(chunk)
    size += chunk.length
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + blockBytes - filled)
      block.update(part)
      filled += part.length
      at += part.length
      if (filled < blockBytes) continue
      hashes.push(block.digest())
      block = createHash('sha256')
      filled = 0
    }
  }
  if (filled > 0) hashes.push(block.digest())
  const expected = range ? range.to - range.from : resource.size
  if (expected !== null && size !== expected) throw new Error(`${size} bytes read of ${expected}`)
  if (size === 0) return null
  const list = new Uint8Array(hashes.length * hashBytes)
  for (const [i, hash] of hashes.entries()) list.set(hash, i * hashBytes)
  return { size, root: toHex(await rootOfList(list, nodeHasher)), sha256: whole.digest('hex'), list }
}
