import { blockBytes } from '../core/messages.ts'
import type { Hasher } from '../ports.ts'
import { equalBytes, fromHex, toHex } from './hex.ts'

/**
 * The tree of BEP 52 ("pieces root"), for one segment:
 *
 * - a leaf is SHA-256 of one 16 KiB block; the last block may be shorter and is hashed as it is;
 * - the leaf layer is filled with hashes of 32 zero bytes up to the next power of two;
 * - a node is SHA-256(left ‖ right);
 * - so the root of a segment of one block is that block's hash. An empty segment has no root.
 *
 * A *list* is the leaves without the filling: `count × 32` bytes.
 */

export const hashBytes = 32

/** Blocks of a segment of `size` bytes. */
export function blockCount(size: number): number {
  return Math.ceil(size / blockBytes)
}

/** Length in bytes of the block-hash list of a segment of `size` bytes. */
export function listBytes(size: number): number {
  return blockCount(size) * hashBytes
}

/** The blocks of a segment, as views. */
export function splitBlocks(bytes: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += blockBytes) blocks.push(bytes.subarray(at, at + blockBytes))
  return blocks
}

/** The block-hash list of a whole segment. */
export async function hashList(bytes: Uint8Array, hasher: Hasher): Promise<Uint8Array<ArrayBuffer>> {
  return join(await hasher.sha256(splitBlocks(bytes)))
}

/** The root over a list. Throws when `list` is empty or no whole number of hashes. */
export async function rootOfList(list: Uint8Array, hasher: Hasher): Promise<Uint8Array> {
  if (list.length === 0 || list.length % hashBytes !== 0) throw new RangeError('not a block-hash list')
  let layer: Uint8Array[] = []
  for (let at = 0; at < list.length; at += hashBytes) layer.push(list.subarray(at, at + hashBytes))
  // The filling of each layer is one hash repeated, so it is computed once a layer and never laid out.
  let filling: Uint8Array = new Uint8Array(hashBytes)
  while (layer.length > 1) {
    if (layer.length % 2 === 1) layer.push(filling)
    const pairs: Uint8Array[] = []
    for (let i = 0; i < layer.length; i += 2) pairs.push(join([layer[i]!, layer[i + 1]!]))
    pairs.push(join([filling, filling]))
    layer = await hasher.sha256(pairs)
    filling = layer.pop()!
  }
  return layer[0]!
}

/** The root of a whole segment as 64 hex digits, or '' when it is empty. */
export async function segmentRoot(bytes: Uint8Array, hasher: Hasher): Promise<string> {
  return bytes.length === 0 ? '' : toHex(await rootOfList(await hashList(bytes, hasher), hasher))
}

/** Whether `list` is the block-hash list of a segment of `size` bytes with this root. Any bytes may be given. */
export async function listMatches(
  list: Uint8Array,
  size: number,
  root: string,
  hasher: Hasher,
): Promise<boolean> {
  const expected = fromHex(root)
  if (expected?.length !== hashBytes || list.length === 0 || list.length !== listBytes(size)) return false
  return equalBytes(await rootOfList(list, hasher), expected)
}

/** Of `blocks`, which are blocks `first`… of the segment, the absolute indices that do not match a verified list. */
export async function badBlocks(
  blocks: readonly Uint8Array[],
  first: number,
  list: Uint8Array,
  hasher: Hasher,
): Promise<number[]> {
  const hashes = await hasher.sha256(blocks)
  const bad: number[] = []
  for (const [i, hash] of hashes.entries()) {
    const at = (first + i) * hashBytes
    if (!equalBytes(hash, list.subarray(at, at + hashBytes))) bad.push(first + i)
  }
  return bad
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
