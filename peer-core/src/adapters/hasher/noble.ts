import { sha256 } from '@noble/hashes/sha2.js'
import type { Hasher } from '../../ports.ts'
import { inSlices } from './slices.ts'

/** Plain JavaScript: works everywhere, about 73 MB/s in Chromium. */
export function createNobleHasher(): Hasher {
  // 256 KiB takes some 4 ms: short enough that no frame is missed.
  return { name: 'noble', sha256: blocks => inSlices(blocks, 256 * 1024, block => sha256(block)) }
}
