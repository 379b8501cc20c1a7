import type { Refusal } from '../resource.ts'

/** The head of an upstream answer that may be served. */
export interface UpstreamHead {
  /** Where in the resource the body lies; `to` null while unknown. */
  readonly from: number
  readonly to: number | null
  /** Whole resource, null unknown. */
  readonly total: number | null
  readonly etag: string
  readonly modifiedMs: number | null
  readonly type: string
  /** How long it may be served from the cache, ms; 0 not at all. null: the origin does not say. */
  readonly freshMs: number | null
  readonly body: ReadableStream<Uint8Array> | null
}

export interface UpstreamRequest {
  readonly url: string
  readonly method: 'GET' | 'HEAD'
  readonly range: string | null
  readonly signal: AbortSignal
}

/** One request to the origin. Everything that cannot be served as it is becomes a refusal. */
export async function askUpstream(
  fetcher: typeof fetch,
  { url, method, range, signal }: UpstreamRequest,
): Promise<UpstreamHead | Refusal> {
  let response: Response
  try {
    response = await fetcher(url, {
      method,
      signal,
      // Lengths and ranges of a compressed body would be those of the compression.
      headers: { 'accept-encoding': 'identity', ...(range !== null && { range }) },
    })
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError'
    return { status: late ? 504 : 502 }
  }
  const { status, headers } = response
  if (status !== 200 && status !== 206) {
    response.body?.cancel().catch(() => {})
    return refusalOf(status, headers)
  }
  const encoded = (headers.get('content-encoding') ?? 'identity') !== 'identity'
  const length = encoded ? null : (integer(headers.get('content-length')) ?? null)
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '')
  if (status === 206 && (!match || encoded)) {
    response.body?.cancel().catch(() => {})
    return { status: 502 }
  }
  const etag = headers.get('etag') ?? ''
  const modifiedMs = Date.parse(headers.get('last-modified') ?? '')
  return {
    from: match ? Number(match[1]) : 0,
    to: match ? Number(match[2]) + 1 : length,
    total: match ? integer(match[3] ?? null) : length,
    etag: !encoded && /^"[^"]*"$/.test(etag) ? etag : '',
    modifiedMs: Number.isNaN(modifiedMs) ? null : modifiedMs,
    type: headers.get('content-type') ?? 'application/octet-stream',
    freshMs: freshMsOf(headers),
    body: response.body,
  }
}

function refusalOf(status: number, headers: Headers): Refusal {
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 410:
    case 500:
    case 503:
    case 504:
    case 429: {
      const retryAfter = headers.get('retry-after')
      return { status, ...(retryAfter !== null && { retryAfter }) }
    }
    default:
      return { status: status >= 400 && status < 500 ? 404 : 502 }
  }
}

/** RFC 9111 §5.2.2, as far as a shared cache of media needs it. */
function freshMsOf(headers: Headers): number | null {
  if (headers.has('set-cookie')) return 0
  const control = headers.get('cache-control')?.toLowerCase() ?? ''
  if (/\b(no-store|private|no-cache)\b/.test(control)) return 0
  const age = integer(headers.get('age')) ?? 0
  const seconds = integer(
    /\bs-maxage=(\d+)/.exec(control)?.[1] ?? /\bmax-age=(\d+)/.exec(control)?.[1] ?? null,
  )
  return seconds === null ? null : Math.max(0, seconds - age) * 1000
}

function integer(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null
}
