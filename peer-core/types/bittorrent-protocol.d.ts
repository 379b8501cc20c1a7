/** bittorrent-protocol 5.0.9, as much of it as we use. */
declare module 'bittorrent-protocol' {
  interface WireEvents {
    /** Bytes for the other side. */
    data: [Uint8Array]
    handshake: [infoHash: string, peerId: string, extensions: { dht: boolean; fast: boolean; extended: boolean }]
    /** `name` is 'handshake', or an extension's name, or the number of one that is unknown. */
    extended: [name: string | number, payload: Uint8Array | Record<string, unknown>]
    choke: []
    unchoke: []
    have: [index: number]
    request: [index: number, offset: number, length: number, respond: unknown]
    piece: [index: number, offset: number, block: Uint8Array]
    cancel: [index: number, offset: number, length: number]
    reject: [index: number, offset: number, length: number]
    error: [Error]
    close: []
  }

  /** A BEP 10 extension; `prototype.name` is required. */
  export type Extension = { new (wire: Wire): object; prototype: { name?: string } }

  export default class Wire {
    constructor(type?: string)
    readonly peerChoking: boolean
    /** Outgoing and incoming requests as the package keeps them. */
    readonly requests: unknown[]
    readonly peerRequests: unknown[]
    extendedHandshake: Record<string, number>

    use(extension: Extension): void
    handshake(infoHash: string, peerId: string, extensions: { fast: boolean }): void
    unchoke(): void
    interested(): void
    haveNone(): void
    have(index: number): void
    request(index: number, offset: number, length: number, done?: (error: Error | null) => void): void
    piece(index: number, offset: number, block: Uint8Array): void
    cancel(index: number, offset: number, length: number): void
    reject(index: number, offset: number, length: number): void
    extended(name: string, payload: Uint8Array): void

    /** Bytes of the other side. */
    write(data: Uint8Array): boolean
    destroy(): void
    on<K extends keyof WireEvents>(event: K, listener: (...args: WireEvents[K]) => void): this
  }
}
