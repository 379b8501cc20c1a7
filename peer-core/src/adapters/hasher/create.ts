import type { Hasher } from '../../ports.ts'
import { createNobleHasher } from './noble.ts'
import { createWasmHasher } from './wasm.ts'
import { createWebCryptoHasher } from './webcrypto.ts'

export type HasherKind = 'webcrypto' | 'hash-wasm' | 'noble'

/**
 * The fastest SHA-256 there is here: WebCrypto where the origin is secure (about 900 MB/s), else WebAssembly
 * (300), else plain JavaScript (73). Pages on plain http, common in offices, have no `crypto.subtle`; pages with a
 * strict content security policy have no WebAssembly. `force` takes that one or throws, for tests and comparisons.
 */
export function createHasher(options: { readonly force?: HasherKind } = {}): Hasher {
  switch (options.force) {
    case 'webcrypto': {
      const hasher = createWebCryptoHasher()
      if (!hasher) throw new Error('WebCrypto is not available here: the origin is not secure')
      return hasher
    }
    case 'hash-wasm':
      return createWasmHasher(null)
    case 'noble':
      return createNobleHasher()
    default:
      return createWebCryptoHasher() ?? createWasmHasher(createNobleHasher())
  }
}
