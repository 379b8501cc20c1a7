/** The npm package has no types; these are the parts that the tests use. */
declare module 'bittorrent-tracker' {
  import type { Duplex } from 'node:stream'

  export interface ClientOptions {
    readonly infoHash: string
    readonly peerId: string
    readonly announce: readonly string[]
    /** Required outside browsers; means nothing to a WebSocket tracker. */
    readonly port: number
    readonly rtcConfig?: { readonly iceServers: readonly { readonly urls: string }[] }
  }

  export interface Counts {
    readonly infoHash: string
    readonly complete: number
    readonly incomplete: number
    readonly downloaded?: number
    readonly interval?: number
  }

  export class Client {
    constructor(options: ClientOptions)
    on(event: 'update' | 'scrape', listener: (counts: Counts) => void): this
    on(event: 'peer', listener: (peer: Duplex & { readonly id: string }) => void): this
    on(event: 'warning' | 'error', listener: (error: Error) => void): this
    start(options?: object): void
    update(options?: object): void
    complete(options?: object): void
    stop(options?: object): void
    scrape(options?: { readonly infoHash?: string | readonly string[] }): void
    destroy(done?: (error: Error | null) => void): void
  }

  export class Server {
    constructor(options: {
      readonly http: boolean
      readonly udp: boolean
      readonly ws: boolean
      readonly stats: boolean
      readonly trustProxy?: boolean
    })
    /** The \`ws\` server inside. */
    readonly ws: { address(): { readonly port: number } }
    on(event: 'warning' | 'error', listener: (error: Error) => void): this
    listen(port: number, host: string, done: () => void): void
    close(done: () => void): void
  }
}
