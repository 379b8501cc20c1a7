/** The little of Bun that we use, declared by need: its types would redefine Node's for the whole project. */
export interface BunRuntime {
  serve(options: {
    readonly port: number
    /** @default all addresses */
    readonly hostname?: string
    /** Seconds. */
    readonly idleTimeout: number
    readonly fetch: BunFetch
    readonly websocket?: BunWebSocketHandlers
  }): BunServer
}

export type BunFetch = (
  request: Request,
  server: BunServer,
) => Response | undefined | Promise<Response | undefined>

export interface BunServer {
  readonly address: { readonly address: string; readonly family: string; readonly port: number }
  requestIP(request: Request): { readonly address: string } | null
  upgrade(request: Request, options: { readonly data: unknown }): boolean
  /** Seconds that a request may be quiet; 0 for ever. */
  timeout(request: Request, seconds: number): void
  stop(closeActive: boolean): Promise<void>
}

export interface BunSocket {
  data: unknown
  readonly readyState: number
  /** Bytes sent; -1: they wait for the reader; 0: they were dropped. */
  sendText(text: string): number
  cork(write: () => void): void
  getBufferedAmount(): number
  ping(): void
  close(code: number, reason: string): void
  terminate(): void
}

export interface BunWebSocketHandlers {
  readonly maxPayloadLength: number
  readonly backpressureLimit: number
  readonly idleTimeout: number
  readonly sendPings: boolean
  readonly perMessageDeflate: boolean
  open(socket: BunSocket): void
  message(socket: BunSocket, data: string | Buffer): void
  pong(socket: BunSocket): void
  close(socket: BunSocket, code: number, reason: string): void
}

/** Null where something else runs us. */
export const bun = (globalThis as { readonly Bun?: BunRuntime }).Bun ?? null
