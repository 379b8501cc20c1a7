import type { HlsLike, LoaderCallbacksLike, LoaderConfigLike, LoaderContextLike } from './hls-like.ts'

/**
 * Bytes `[from, to)` of a small text beside the stream, by the player's own loader, so that whatever lets the player
 * in lets us in. Null for any failure.
 */
export function readByPlayer(hls: HlsLike, url: string, from: number, to: number): Promise<string | null> {
  return new Promise(resolve => {
    const loader = new hls.config.loader(hls.config as never)
    const finish = (text: string | null) => {
      resolve(text)
      queueMicrotask(() => loader.destroy())
    }
    const context = { url, responseType: 'arraybuffer', headers: {}, rangeStart: from, rangeEnd: to }
    const policy = { maxTimeToFirstByteMs: 8000, maxLoadTimeMs: 20_000, timeoutRetry: null, errorRetry: null }
    const config = { loadPolicy: policy, timeout: 20_000, maxRetry: 0, retryDelay: 0, maxRetryDelay: 0 }
    const callbacks: LoaderCallbacksLike = {
      onSuccess: ({ data, code }) => {
        if (!(data instanceof ArrayBuffer)) return finish(null)
        // A server that knows no ranges gives all of it.
        const bytes = new Uint8Array(data)
        const part = code === 200 && bytes.length > to - from ? bytes.subarray(from, to) : bytes
        finish(new TextDecoder().decode(part))
      },
      onError: () => finish(null),
      onTimeout: () => finish(null),
      onAbort: () => finish(null),
    }
    try {
      loader.load(context as unknown as LoaderContextLike, config as LoaderConfigLike, callbacks)
    } catch {
      finish(null)
    }
  })
}
