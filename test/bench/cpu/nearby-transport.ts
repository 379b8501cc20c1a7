import {
  type Connection,
  type ConnectionEvents,
  type ConnectOptions,
  createMemoryNetwork,
  createSimplePeerTransport,
  type LinkStats,
  type Signals,
  type Transport,
} from '@nearcast/peer-core'

/** A guess at what a busy page takes to answer over WebRTC: at once, and nobody would ask the one that is measured. */
const hopMs = 5

/**
 * For many viewers in one page: among themselves they are linked in memory, with whoever dials from elsewhere over
 * WebRTC. Sixty-six encrypted links of one page would take the cores from what is measured. They cannot dial
 * elsewhere: who offers does not know to whom.
 */
export function createNearbyNetwork(): { transport(): Transport } {
  const memory = createMemoryNetwork({ schedule: turn => setTimeout(turn, hopMs) })
  return {
    transport() {
      const near = memory.transport()
      const far = createSimplePeerTransport()
      return {
        available: () => true,
        connect: (options, signals) =>
          options.initiator ? near.connect(options, signals) : new Answering(near, far, options, signals),
      }
    },
  }
}

/** Becomes one or the other when it hears the offer. */
class Answering implements Connection {
  #choose: (sdp: string) => Connection
  #inner: Connection | null = null
  #events: ConnectionEvents | null = null
  #isClosed = false

  constructor(near: Transport, far: Transport, options: ConnectOptions, signals: Signals) {
    this.#choose = sdp => (sdp.startsWith('memory ') ? near : far).connect(options, signals)
  }

  describe(type: 'offer' | 'answer', sdp: string): void {
    if (this.#isClosed) return
    if (!this.#inner) {
      this.#inner = this.#choose(sdp)
      if (this.#events) this.#inner.listen(this.#events)
    }
    this.#inner.describe(type, sdp)
  }

  addCandidate(candidate: string): void {
    this.#inner?.addCandidate(candidate)
  }

  listen(events: ConnectionEvents): void {
    this.#events = events
    this.#inner?.listen(events)
  }

  send(bytes: Uint8Array): boolean {
    return this.#inner?.send(bytes) ?? false
  }

  bufferedBytes(): number {
    return this.#inner?.bufferedBytes() ?? 0
  }

  setLowMark(bytes: number): void {
    this.#inner?.setLowMark(bytes)
  }

  maxMessageBytes(): number {
    return this.#inner?.maxMessageBytes() ?? 65_536
  }

  async stats(): Promise<LinkStats | null> {
    return this.#inner?.stats() ?? null
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#inner) this.#inner.close()
    else queueMicrotask(() => this.#events?.onClose('closed'))
  }
}
