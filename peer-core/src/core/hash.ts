import type { KeyHash, PeerId } from './messages.ts'

/**
 * A 32-bit string hash (FNV-1a over UTF-16 units, finished with murmur3's mixer). Not cryptographic: it names and
 * orders things. What a forged name could do is bounded by the Merkle root, not by this.
 */
export function hash32(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) | 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

/** How a segment's key travels on the wire. */
export function keyHash(key: string): KeyHash {
  return hex8(hash32(key, 0)) + hex8(hash32(key, 0x5bd1e995))
}

/**
 * Whose turn it is (rendezvous hashing, Thaler & Ravishankar 1998): of several peers the one with the lowest number
 * fetches the segments of `slot`. Every viewer computes the same number, and one peer leaving moves only its turns.
 */
export function turnOf(slot: number, peer: PeerId): number {
  return hash32(peer, mix(slot | 0))
}

function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
