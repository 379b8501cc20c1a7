/** What became of one GET for a small text. */
export type TextAnswer =
  | {
      readonly type: 'text'
      /** Where it came from after redirects: what relative references resolve against. */
      readonly url: string
      readonly text: string
      readonly etag: string
      /** Of the body, as it was decoded. */
      readonly bytes: number
    }
  | { readonly type: 'unchanged' }
  | { readonly type: 'failed'; readonly status: number; readonly detail: string }

export interface ReadOptions {
  readonly signal: AbortSignal
  /** Of the text we have: then `unchanged` may be the answer. */
  readonly etag?: string
  /** Bytes `[from, to)`. */
  readonly range?: { readonly from: number; readonly to: number }
  /** @default 8000 */
  readonly timeoutMs?: number
}

/** A playlist of a day in two-second segments is 4 MB; what is larger is no playlist. */
const mostBytes = 32 * 1024 * 1024

/** Never rejects. */
export async function readText(url: string, options: ReadOptions): Promise<TextAnswer> {
  const { etag = '', range, timeoutMs = 8_000 } = options
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)])
  const headers: Record<string, string> = {}
  if (etag !== '') headers['If-None-Match'] = etag
  if (range) headers['Range'] = `bytes=${range.from}-${range.to - 1}`
  try {
    const response = await fetch(url, { headers, signal })
    if (response.status === 304 && etag !== '') return { type: 'unchanged' }
    if (!response.ok) {
      await response.body?.cancel()
      return { type: 'failed', status: response.status, detail: `HTTP ${response.status}` }
    }
    const body = await readBody(response)
    if (!body) return { type: 'failed', status: response.status, detail: 'too large for a playlist' }
    // A server that knows no ranges gives all of it.
    const part = range && response.status === 200 ? body.subarray(range.from, range.to) : body
    return {
      type: 'text',
      url: response.url || url,
      text: new TextDecoder().decode(part),
      etag: response.headers.get('ETag') ?? '',
      bytes: body.length,
    }
  } catch (error) {
    return { type: 'failed', status: 0, detail: options.signal.aborted ? 'aborted' : why(error, timeoutMs) }
  }
}

async function readBody(response: Response): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > mostBytes) return null
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Node wraps what really happened twice. */
function why(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer in ${timeoutMs / 1000} s`
  const cause = error.cause as (NodeJS.ErrnoException & { errors?: Error[] }) | undefined
  return cause?.code ?? cause?.errors?.[0]?.message ?? cause?.message ?? error.message
}
