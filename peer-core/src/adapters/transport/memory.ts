import type { LinkStats } from '../../ports.ts'
import type {
  CloseReason,
  Connection,
  ConnectionEvents,
  ConnectOptions,
  Signals,
  Transport,
} from './connection.ts'

/**
 * The transport without a network: what one side sends the other gets, in order, in later turns of the event loop,
 * through a channel that holds back like a real one.
 */
export interface MemoryNetworkOptions {
  /** Bytes that the channel takes over in one turn; the rest counts as buffered. @default 262144 */
  readonly bytesPerTurn?: number
  /** @default 262144, as Chromium's */
  readonly maxMessageBytes?: number
  /** Runs `turn` later. @default setTimeout with 0 ms */
  readonly schedule?: (turn: () => void) => void
}

/** Two ends of one channel, open at once. */
export function createMemoryConnections(
  options: MemoryNetworkOptions = {},
): [MemoryConnection, MemoryConnection] {
  const a = new MemoryConnection(options)
  const b = new MemoryConnection(options)
  a.join(b)
  b.join(a)
  a.open()
  b.open()
  return [a, b]
}

/** Transports that reach each other: descriptions name the connection that made them. */
export function createMemoryNetwork(options: MemoryNetworkOptions = {}): { transport(): Transport } {
  const offers = new Map<string, MemoryConnection>()
  let next = 0
  return {
    transport: () => ({
      available: () => true,
      connect(connect: ConnectOptions, signals: Signals): Connection {
        const connection = new MemoryConnection(options)
        const name = `memory ${next++}`
        offers.set(name, connection)
        connection.onDescribe = (type, sdp) => {
          const other = offers.get(sdp)
          if (!other) connection.end('bad-signal')
          else if (type === 'offer') {
            connection.join(other)
            queueMicrotask(() => signals.onDescription('answer', name))
          } else {
            connection.join(other)
            connection.open()
            other.open()
          }
        }
        if (connect.initiator) queueMicrotask(() => signals.onDescription('offer', name))
        queueMicrotask(() => signals.onCandidateType('host'))
        return connection
      },
    }),
  }
}

type Event =
  | { readonly type: 'open' }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'close'; readonly reason: CloseReason }

export class MemoryConnection implements Connection {
  onDescribe: (type: 'offer' | 'answer', sdp: string) => void = () => {}
  #bytesPerTurn: number
  #maxMessageBytes: number
  #schedule: (turn: () => void) => void
  #other: MemoryConnection | null = null
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #events: ConnectionEvents | null = null
  #waiting: Event[] = []
  #queue: Uint8Array[] = []
  #buffered = 0
  #lowMark = 0
  #turning = false
  #held = false

  constructor({ bytesPerTurn = 262_144, maxMessageBytes = 262_144, schedule = later }: MemoryNetworkOptions) {
    this.#bytesPerTurn = bytesPerTurn
    this.#maxMessageBytes = maxMessageBytes
    this.#schedule = schedule
  }

  join(other: MemoryConnection): void {
    this.#other = other
  }

  open(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    queueMicrotask(() => this.#tell({ type: 'open' }))
  }

  /** The network takes nothing any more, as when the other side has stopped reading, until released. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#turn()
  }

  describe(type: 'offer' | 'answer', sdp: string): void {
    if (this.#state !== 'closed') this.onDescribe(type, sdp)
  }

  addCandidate(): void {}

  listen(events: ConnectionEvents): void {
    this.#events = events
    for (const event of this.#waiting.splice(0)) this.#tell(event)
  }

  send(bytes: Uint8Array): boolean {
    if (this.#state !== 'open') return false
    if (bytes.length > this.#maxMessageBytes) {
      this.end('failed')
      return false
    }
    // A channel copies: the sender may use its buffer again.
    this.#queue.push(bytes.slice())
    this.#buffered += bytes.length
    this.#turn()
    return true
  }

  bufferedBytes(): number {
    return this.#buffered
  }

  setLowMark(bytes: number): void {
    this.#lowMark = bytes
  }

  maxMessageBytes(): number {
    return this.#maxMessageBytes
  }

  async stats(): Promise<LinkStats | null> {
    return this.#state === 'open' ? { local: 'host', remote: 'host', rttMs: 0 } : null
  }

  close(): void {
    this.end('closed')
  }

  end(reason: CloseReason): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const other = this.#other
    // What was sent before arrives before the end does.
    const rest = this.#held ? [] : this.#queue
    this.#queue = []
    this.#buffered = 0
    queueMicrotask(() => this.#tell({ type: 'close', reason }))
    this.#schedule(() => {
      for (const bytes of rest) other?.arrive(bytes)
      other?.end('remote-closed')
    })
  }

  arrive(bytes: Uint8Array): void {
    if (this.#state === 'open') this.#tell({ type: 'data', bytes })
  }

  #turn(): void {
    if (this.#turning || this.#held || this.#queue.length === 0) return
    this.#turning = true
    this.#schedule(() => {
      this.#turning = false
      if (this.#held) return
      const before = this.#buffered
      let room = this.#bytesPerTurn
      const taken: Uint8Array[] = []
      for (let first = this.#queue[0]; first && room > 0; first = this.#queue[0]) {
        room -= first.length
        this.#buffered -= first.length
        taken.push(first)
        this.#queue.shift()
      }
      for (const bytes of taken) this.#other?.arrive(bytes)
      if (before > this.#lowMark && this.#buffered <= this.#lowMark && this.#state === 'open')
        this.#events?.onLow()
      this.#turn()
    })
  }

  #tell(event: Event): void {
    const events = this.#events
    if (!events) {
      this.#waiting.push(event)
      return
    }
    switch (event.type) {
      case 'open':
        events.onOpen()
        break
      case 'data':
        events.onData(event.bytes)
        break
      case 'close':
        events.onClose(event.reason)
        break
    }
  }
}

function later(turn: () => void): void {
  setTimeout(turn, 0)
}
