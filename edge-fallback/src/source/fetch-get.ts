import { type HttpGet, rangeHeader } from './http-get.ts'

/** What hls.js hands to `fetchSetup`; `rangeEnd` exclusive, both 0 without a range. */
export interface FetchContext {
  readonly url: string
  readonly responseType: 'arraybuffer'
  readonly headers: Record<string, string>
  readonly rangeStart: number
  readonly rangeEnd: number
}

export type FetchSetup = (context: FetchContext, init: RequestInit) => Request | Promise<Request>

/** GET by fetch, streaming. */
export function createFetchGet(fetcher: typeof fetch, setup: FetchSetup | null): HttpGet {
  return async ({ url, range, headers, signal }) => {
    const sent = new Headers(headers)
    if (range) sent.set('Range', rangeHeader(range))
    // As hls.js's own fetch loader has it, so that a working fetchSetup goes on working.
    const init: RequestInit = {
      method: 'GET',
      mode: 'cors',
      credentials: 'same-origin',
      signal,
      headers: sent,
    }
    const context: FetchContext = {
      url,
      responseType: 'arraybuffer',
      headers: { ...headers },
      rangeStart: range?.from ?? 0,
      rangeEnd: range?.to ?? 0,
    }
    const response = await (setup ? fetcher(await setup(context, init)) : fetcher(url, init))
    const reader = response.body?.getReader()
    let whole: Promise<ArrayBuffer> | null = null
    return {
      status: response.status,
      crossOrigin: response.type === 'cors',
      header: name => response.headers.get(name),
      async read() {
        if (reader) {
          const { done, value } = await reader.read()
          return done ? null : value
        }
        // No stream (old WebKit): the whole body at once.
        if (whole) return null
        whole = response.arrayBuffer()
        return new Uint8Array(await whole)
      },
      cancel() {
        reader?.cancel().catch(() => {})
      },
    }
  }
}
