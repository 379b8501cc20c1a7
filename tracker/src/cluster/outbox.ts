import type { Bus } from './hub.ts'
import type { NodeId, NodeMessage } from './node-message.ts'
import { writeBatch, writeNodeMessage } from './write-batch.ts'

export interface OutboxOptions {
  readonly node: NodeId
  /** How long a message may wait for others with the same way, ms. More saves publishes, and every handshake waits for it. @default 4 */
  readonly batchMs?: number
  /** Characters that go in one publish. @default 131072 */
  readonly batchChars?: number
}

/** Totals since start. */
export interface OutboxCounters {
  messages: number
  batches: number
  bytes: number
  /** Messages that did not leave: the bus was down. */
  dropped: number
  /** Batches to a node that nobody heard. */
  unheard: number
}

interface Waiting {
  texts: string[]
  chars: number
}

/**
 * Collects what goes to one node within a few ms, for one publish. Nothing waits for a bus that is down: what nodes tell
 * each other is stale when it is back.
 */
export class Outbox {
  readonly node: NodeId
  readonly counters: OutboxCounters = { messages: 0, batches: 0, bytes: 0, dropped: 0, unheard: 0 }
  readonly #batchMs: number
  readonly #batchChars: number
  readonly #waiting = new Map<NodeId | 'all', Waiting>()
  #timer: NodeJS.Timeout | null = null
  #bus: Bus | null = null
  #onUnheard: (node: NodeId) => void = () => {}

  constructor({ node, batchMs = 4, batchChars = 131_072 }: OutboxOptions) {
    this.node = node
    this.#batchMs = batchMs
    this.#batchChars = batchChars
  }

  /** Null: the bus is down, and what is posted is dropped. */
  connect(bus: Bus | null, onUnheard: (node: NodeId) => void = () => {}): void {
    this.#bus = bus
    this.#onUnheard = onUnheard
  }

  post(to: NodeId | 'all', message: NodeMessage): void {
    if (this.#bus === null) {
      this.counters.dropped++
      return
    }
    const text = writeNodeMessage(message)
    const waiting = this.#waiting.get(to) ?? { texts: [], chars: 0 }
    if (waiting.chars > 0 && waiting.chars + text.length > this.#batchChars) this.#send(to, waiting)
    waiting.texts.push(text)
    waiting.chars += text.length
    this.#waiting.set(to, waiting)
    this.#timer ??= setTimeout(() => this.flush(), this.#batchMs)
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const [to, waiting] of this.#waiting) {
      this.#waiting.delete(to)
      if (waiting.texts.length > 0) this.#send(to, waiting)
    }
  }

  close(): void {
    this.flush()
    this.connect(null)
  }

  #send(to: NodeId | 'all', waiting: Waiting): void {
    const texts = waiting.texts.splice(0)
    waiting.chars = 0
    const { counters } = this
    if (this.#bus === null) {
      counters.dropped += texts.length
      return
    }
    const batch = writeBatch(this.node, texts)
    counters.batches++
    counters.messages += texts.length
    counters.bytes += Buffer.byteLength(batch)
    this.#bus.publish(to, batch).then(
      isHeard => {
        if (isHeard || to === 'all') return
        counters.unheard++
        this.#onUnheard(to)
      },
      () => {
        counters.dropped += texts.length
      },
    )
  }
}
