import type { Hasher } from '../../ports.ts'
import { inSlices } from './slices.ts'

/**
 * WebAssembly, about 300 MB/s in Chromium; loaded at the first use. When it cannot be (left out of the bundle, or
 * refused by the page's content security policy) `fallback` does the work, or without one the call rejects.
 */
export function createWasmHasher(fallback: Hasher | null): Hasher {
  let loading: Promise<((block: Uint8Array) => Uint8Array) | null> | null = null
  let name = 'hash-wasm'
  return {
    get name() {
      return name
    },
    async sha256(blocks) {
      loading ??= load().catch(error => {
        if (!fallback) throw error
        name = fallback.name
        return null
      })
      const hash = await loading
      return hash ? inSlices(blocks, 1024 * 1024, hash) : fallback!.sha256(blocks)
    },
  }
}

async function load(): Promise<(block: Uint8Array) => Uint8Array> {
  const { createSHA256 } = await import('./wasm-sha256.ts')
  const state = await createSHA256()
  return block => state.init().update(block).digest('binary')
}
