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

/** Takes the handlers off a socket that nobody is to hear of any more. */
export function silence(socket: WebSocketLike): void {
  socket.onopen = null
  socket.onmessage = null
  socket.onclose = null
  // ws throws when an error finds no listener, and closing while connecting is one.
  socket.onerror = () => {}
}

export function closeSocket(socket: WebSocketLike): void {
  try {
    socket.close(1000)
  } catch {
    // Some implementations refuse to close while connecting; the end comes by itself then.
  }
}
