/** What we use of a WebSocket: the browser's, Node's own and the `ws` package's all fit. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: { readonly data: unknown } & never) => void) | null
  onclose: ((event: { readonly code: number; readonly reason: string } & never) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string) => WebSocketLike
