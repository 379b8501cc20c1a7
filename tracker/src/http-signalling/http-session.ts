import type { ConnectionId } from '../registry/action.ts'

/** Bytes of events kept for a stream that breaks: its successor says which it saw last. */
const replayBytes = 65_536
/** Some proxies and virus scanners hold back a response until it has this many bytes. */
const padding = `:${' '.repeat(2_048)}\n\n`

interface Event {
  readonly id: number
  readonly text: string
}

/**
 * One client over HTTP: what it is to hear goes out as server-sent events, on whichever stream it has open now. Events
 * are numbered, so a stream that breaks is followed by another without a gap and without repetition.
 */
export class HttpSession {
  readonly id: ConnectionId
  readonly key: string
  readonly #backlogBytes: number
  /** What the client has not acknowledged, oldest first. */
  #events: Event[] = []
  #bytes = 0
  #lastId = 0
  /** The last event that went out on a stream. */
  #writtenId = 0
  #stream: Stream | null = null
  #ended = false
  /** Number of the last batch of messages taken, so that a repeated request does nothing. */
  lastBatch = 0
  /** When it last sent anything or lost its stream, monotonic ms. */
  heardAt: number

  constructor(id: ConnectionId, key: string, backlogBytes: number, now: number) {
    this.id = id
    this.key = key
    this.#backlogBytes = backlogBytes
    this.heardAt = now
  }

  get isListening(): boolean {
    return this.#stream !== null
  }

  /** False when the client does not read: then it is to be cut off. */
  push(type: 'message' | 'ping' | 'close', data: string): boolean {
    if (this.#ended) return true
    const head = type === 'message' ? '' : `event: ${type}\n`
    const id = ++this.#lastId
    // JSON text has no line break, so one `data` line is enough.
    const event = { id, text: `${head}id: ${id}\ndata: ${data}\n\n` }
    this.#events.push(event)
    this.#bytes += event.text.length
    this.#stream?.write(event)
    this.#writtenId = this.#stream === null ? this.#writtenId : id
    this.#trim()
    return this.#unwritten() + (this.#stream?.waiting ?? 0) <= this.#backlogBytes
  }

  /** Says that the session is over, after all that was pushed. */
  end(code: number, reason: string): void {
    this.push('close', JSON.stringify({ code, reason }))
    this.#ended = true
    this.#stream?.end()
    this.#stream = null
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Something that only keeps the stream alive. */
  beat(): void {
    this.#stream?.comment()
  }

  acknowledge(id: number): void {
    while ((this.#events[0]?.id ?? Number.POSITIVE_INFINITY) <= id) this.#drop()
  }

  /**
   * A new stream that goes on after event `after`; an earlier one ends. Null when events after it are gone.
   * `once`: it ends after the first events, for networks that hand over only whole responses.
   */
  listen(after: number, once: boolean, onCancelled: () => void): ReadableStream<Uint8Array> | null {
    this.acknowledge(after)
    const next = this.#events[0]?.id ?? this.#lastId + 1
    if (after > this.#lastId || next !== after + 1) return null
    this.#stream?.end()
    const stream: Stream = new Stream(this.#backlogBytes, once, () => {
      if (this.#stream !== stream) return
      this.#stream = null
      onCancelled()
    })
    for (const event of this.#events) stream.write(event)
    this.#writtenId = this.#lastId
    if (this.#ended) stream.end()
    else this.#stream = stream
    return stream.readable
  }

  close(): void {
    this.#stream?.end()
    this.#stream = null
    this.#ended = true
  }

  /** Of what went out, only so much is kept; of what did not, all. */
  #trim(): void {
    while (this.#bytes > replayBytes && (this.#events[0]?.id ?? Number.POSITIVE_INFINITY) <= this.#writtenId)
      this.#drop()
  }

  #drop(): void {
    this.#bytes -= this.#events.shift()?.text.length ?? 0
  }

  #unwritten(): number {
    return this.#writtenId >= this.#lastId ? 0 : this.#bytes
  }
}

/** One response. */
class Stream {
  readonly readable: ReadableStream<Uint8Array>
  readonly #encoder = new TextEncoder()
  readonly #highWater: number
  readonly #once: boolean
  readonly #onOver: () => void
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #ending: NodeJS.Timeout | null = null

  constructor(highWater: number, once: boolean, onOver: () => void) {
    this.#highWater = highWater
    this.#once = once
    this.#onOver = onOver
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          this.#controller = controller
        },
        cancel: () => this.#over(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: highWater }),
    )
    this.#enqueue(padding)
  }

  /** Bytes that the client has not read. */
  get waiting(): number {
    return this.#highWater - (this.#controller?.desiredSize ?? this.#highWater)
  }

  write(event: Event): void {
    this.#enqueue(event.text)
    // What comes in the same breath goes along.
    if (this.#once) this.#ending ??= setTimeout(() => this.end(), 5)
  }

  comment(): void {
    // Where only whole responses arrive, this one has waited long enough.
    if (this.#once) this.end()
    else this.#enqueue(':\n\n')
  }

  end(): void {
    const controller = this.#controller
    this.#over()
    try {
      controller?.close()
    } catch {
      // The client has gone already.
    }
  }

  #over(): void {
    if (this.#ending !== null) clearTimeout(this.#ending)
    this.#controller = null
    this.#onOver()
  }

  #enqueue(text: string): void {
    try {
      this.#controller?.enqueue(this.#encoder.encode(text))
    } catch {
      this.#over()
    }
  }
}
