import type { Edge } from '@nearcast/peer-core'
import { createFetchGet } from './fetch-get.ts'
import type { HttpGet } from './http-get.ts'
import { createMirrors } from './mirrors.ts'
import { type EdgeSourceOptions, type FetchSourceOptions, resolveOptions } from './options.ts'
import { Transfer, type TransferContext } from './transfer.ts'

/**
 * HTTP by fetch: bytes are given as they arrive. Every request ends in exactly one `onDone` or `onFail`; after
 * `abort()` that is `onFail('aborted')`, and no data comes any more.
 */
export function createEdgeSource(options: FetchSourceOptions = {}): Edge {
  const fetcher = options.fetch ?? globalThis.fetch.bind(globalThis)
  return createEdgeOver(createFetchGet(fetcher, options.fetchSetup ?? null), options)
}

/** The same over any way to GET. */
export function createEdgeOver(get: HttpGet, options: EdgeSourceOptions): Edge {
  const resolved = resolveOptions(options)
  const context: TransferContext = {
    get,
    options: resolved,
    mirrors: createMirrors(resolved.baseUrls),
    compressing: new Set(),
  }
  return {
    fetch(request, sink) {
      const transfer = new Transfer(context, request, sink)
      void transfer.run()
      return { abort: () => transfer.abort() }
    },
  }
}
