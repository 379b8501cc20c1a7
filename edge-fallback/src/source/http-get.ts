/** One GET, whatever performs it: fetch, or a player's own loader. */
export interface HttpCall {
  readonly url: string
  /** Range to ask for, `to` 0 for the end; null for no Range header. */
  readonly range: { readonly from: number; readonly to: number } | null
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** To be called when bytes move that cannot be given yet: the silence timeout starts anew. */
  readonly alive: () => void
}

export interface HttpAnswer {
  readonly status: number
  /** Cross-origin: headers that the server did not expose look absent. */
  readonly crossOrigin: boolean
  /** null when absent, or hidden. */
  header(name: string): string | null
  /** The next bytes of the body, null at its end. Rejects when the connection breaks. */
  read(): Promise<Uint8Array | null>
  /** Drops the rest. Never throws. */
  cancel(): void
}

/** Resolves with the head of the answer, whatever its status; rejects when there is none. */
export type HttpGet = (call: HttpCall) => Promise<HttpAnswer>

/** `Range` of RFC 9110 §14.2. */
export function rangeHeader(range: { readonly from: number; readonly to: number }): string {
  return `bytes=${range.from}-${range.to === 0 ? '' : range.to - 1}`
}
