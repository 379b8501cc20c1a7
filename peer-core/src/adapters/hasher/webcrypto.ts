import type { Hasher } from '../../ports.ts'

/** null where `crypto.subtle` is absent, as on every plain-http origin but localhost. */
export function createWebCryptoHasher(): Hasher | null {
  const subtle = globalThis.crypto?.subtle
  if (!subtle) return null
  return {
    name: 'webcrypto',
    sha256: blocks =>
      // All at once: the platform hashes off the main thread, and one round trip a block would dominate.
      Promise.all(blocks.map(async block => new Uint8Array(await subtle.digest('SHA-256', unshared(block))))),
  }
}

/** WebCrypto refuses views of a SharedArrayBuffer. */
function unshared(block: Uint8Array): Uint8Array<ArrayBuffer> {
  return block.buffer instanceof ArrayBuffer ? (block as Uint8Array<ArrayBuffer>) : new Uint8Array(block)
}
