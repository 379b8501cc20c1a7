import type { Edge } from '@nearcast/peer-core'
import { createEdgeOver } from './edge-source.ts'
import { type HttpAnswer, type HttpCall, type HttpGet, rangeHeader } from './http-get.ts'
import type { EdgeSourceOptions } from './options.ts'
import { systemTimers, type Timers } from './timers.ts'

/** The part of hls.js's `Loader` that is used; any loader of that shape does. */
export interface PlayerLoader {
  readonly stats: { readonly loaded: number }
  load(context: PlayerLoaderContext, config: PlayerLoaderConfig, callbacks: PlayerLoaderCallbacks): void
  abort(): void
  destroy(): void
}

export interface PlayerLoaderContext {
  url: string
  responseType: string
  headers?: Record<string, string>
  /** `rangeEnd` exclusive; absent without a range. */
  rangeStart?: number
  rangeEnd?: number
}

export interface PlayerLoaderConfig {
  loadPolicy: {
    maxTimeToFirstByteMs: number
    maxLoadTimeMs: number
    timeoutRetry: null
    errorRetry: null
  }
  timeout: number
  maxRetry: number
  retryDelay: number
  maxRetryDelay: number
}

export interface PlayerLoaderCallbacks {
  onSuccess(
    response: { url: string; data?: unknown; code?: number },
    stats: unknown,
    context: unknown,
    networkDetails: unknown,
  ): void
  onError(
    error: { code: number; text: string },
    context: unknown,
    networkDetails: unknown,
    stats: unknown,
  ): void
  onTimeout(stats: unknown, context: unknown, networkDetails: unknown): void
  onAbort?(stats: unknown, context: unknown, networkDetails: unknown): void
}

export interface LoaderEdgeOptions extends EdgeSourceOptions {
  /** Makes one loader for one load, such as `() => new config.loader(config)`. */
  readonly createLoader: () => PlayerLoader
  /** Longest time one load may take, ms. @default 120_000 */
  readonly maxLoadTimeMs?: number
}

/**
 * HTTP by the player's own loader, for pages whose `xhrSetup` or `loader` carries authentication that fetch would
 * lose. Such a loader hands out whole bodies only: nothing can be relayed while it arrives.
 */
export function createLoaderEdge(options: LoaderEdgeOptions): Edge {
  const timers = options.timers ?? systemTimers
  return createEdgeOver(
    createLoaderGet(options.createLoader, options.maxLoadTimeMs ?? 120_000, timers),
    options,
  )
}

/** How often a loader is asked whether bytes moved, ms. */
const pulseMs = 250

function createLoaderGet(createLoader: () => PlayerLoader, maxLoadTimeMs: number, timers: Timers): HttpGet {
  return call =>
    new Promise((resolve, reject) => {
      const loader = createLoader()
      let seen = 0
      let disarm = () => {}
      const pulse = () => {
        if (loader.stats.loaded > seen) call.alive()
        seen = loader.stats.loaded
        disarm = timers.after(pulseMs, pulse)
      }
      const finish = (end: () => void) => {
        disarm()
        call.signal.removeEventListener('abort', onAbort)
        end()
        // Not in the loader's own callback: it still touches itself when that returns.
        queueMicrotask(() => loader.destroy())
      }
      const onAbort = () => {
        loader.abort()
        finish(() => reject(new Error('aborted')))
      }
      call.signal.addEventListener('abort', onAbort)
      pulse()
      loader.load(contextOf(call), configOf(maxLoadTimeMs), {
        onSuccess: (response, _stats, _context, details) =>
          finish(() => resolve(answerOf(response, details, call.url))),
        onError: ({ code, text }, _context, details) =>
          finish(() =>
            code > 0
              ? resolve(answerOf({ url: call.url, code }, details, call.url))
              : reject(new Error(text || 'network error')),
          ),
        onTimeout: () => finish(() => reject(new Error(`not loaded in ${maxLoadTimeMs} ms`))),
      })
    })
}

function contextOf({ url, range, headers }: HttpCall): PlayerLoaderContext {
  const context = { url, responseType: 'arraybuffer' }
  if (!range) return { ...context, headers: { ...headers } }
  // hls.js's loaders know no open-ended range: that one goes in as a header.
  if (range.to === 0) return { ...context, headers: { ...headers, Range: rangeHeader(range) } }
  return { ...context, headers: { ...headers }, rangeStart: range.from, rangeEnd: range.to }
}

/** No repetition inside the loader: the edge source repeats, and knows what it got. */
function configOf(maxLoadTimeMs: number): PlayerLoaderConfig {
  return {
    loadPolicy: {
      maxTimeToFirstByteMs: maxLoadTimeMs,
      maxLoadTimeMs,
      timeoutRetry: null,
      errorRetry: null,
    },
    timeout: maxLoadTimeMs,
    maxRetry: 0,
    retryDelay: 0,
    maxRetryDelay: 0,
  }
}

function answerOf(
  response: { url: string; data?: unknown; code?: number },
  details: unknown,
  asked: string,
): HttpAnswer {
  const headers = headersOf(details)
  let body = response.data instanceof ArrayBuffer ? new Uint8Array(response.data) : null
  return {
    status: response.code ?? (headers.has('content-range') ? 206 : 200),
    crossOrigin: isCrossOrigin(response.url || asked),
    header: name => headers.get(name),
    read() {
      const chunk = body
      body = null
      return Promise.resolve(chunk)
    },
    cancel() {},
  }
}

/** From the XMLHttpRequest or Response that the loader used. */
function headersOf(details: unknown): Headers {
  if (typeof Response !== 'undefined' && details instanceof Response) return details.headers
  const headers = new Headers()
  if (typeof XMLHttpRequest === 'undefined' || !(details instanceof XMLHttpRequest)) return headers
  // Not getResponseHeader: asking for a header that is not exposed fills the console with errors.
  for (const line of details.getAllResponseHeaders().split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}

function isCrossOrigin(url: string): boolean {
  return typeof location !== 'undefined' && URL.canParse(url) && new URL(url).origin !== location.origin
}
