import type { Connection } from '../transport/connection.ts'
import { Allowance } from './allowance.ts'
import { lengthBytes } from './frames.ts'
import { id, pieceHeaderBytes } from './guard.ts'
import type { Range } from './request-table.ts'

interface Piece extends Range {
  readonly payload: Uint8Array
}

export interface OutboxEvents {
  /** Hand this piece to the protocol now; its bytes come back through `fromProtocol`. */
  onTurn(n: number, offset: number, payload: Uint8Array): void
  onDrained(queuedBytes: number): void
  /** The other side takes nothing any more, yet we owe it more and more. */
  onStalled(): void
}

/** Control messages of one turn of the event loop travel together, up to this size. */
const batchBytes = 16_384

/** Below this the next bytes should be on their way, however fast the channel: half of what the core gives a link. */
const refillBytes = 131_072

type Level = 'empty' | 'some' | 'full'

/** More control than this waiting in the channel means that nobody reads it. */
const maxBacklogBytes = 8 << 20

/**
 * What leaves a link. Control goes straight to the channel; pieces wait here, where control overtakes them, and
 * enter the channel only up to its allowance.
 */
export class Outbox {
  #connection: Connection
  #now: () => number
  #events: OutboxEvents
  #allowance = new Allowance()
  #pieces: Piece[] = []
  #pieceBytes = 0
  /** Given to the protocol and not yet back. */
  #atProtocolBytes = 0
  /** A piece's 13 bytes, whose block comes next. */
  #header: Uint8Array | null = null
  #batch: Uint8Array[] = []
  #batchLength = 0
  #flushing = false
  #level: Level = 'empty'
  /** A piece has left since the queue was last empty; control alone is nothing to tell of. */
  #pieceLeft = false

  constructor(connection: Connection, now: () => number, events: OutboxEvents) {
    this.#connection = connection
    this.#now = now
    this.#events = events
  }

  queuedBytes(): number {
    return this.#pieceBytes + this.#atProtocolBytes + this.#batchLength + this.#connection.bufferedBytes()
  }

  addPiece(range: Range, payload: Uint8Array): void {
    this.#pieces.push({ ...range, payload })
    this.#pieceBytes += payload.length
    this.pump()
  }

  /** Takes back a piece that has not left yet; false when it has. */
  removePiece(range: Range): boolean {
    const at = this.#pieces.findIndex(
      piece => piece.n === range.n && piece.offset === range.offset && piece.length === range.length,
    )
    const [piece] = at < 0 ? [] : this.#pieces.splice(at, 1)
    if (!piece) return false
    this.#pieceBytes -= piece.payload.length
    return true
  }

  /** Moves pieces into the channel as far as it has room. To be called whenever it may have got some. */
  pump(): void {
    const buffered = this.#connection.bufferedBytes()
    this.#allowance.observe(this.#now(), buffered)
    const allowance = this.#allowance.bytes()
    let held = buffered + this.#atProtocolBytes
    for (let piece = this.#pieces[0]; piece; piece = this.#pieces[0]) {
      const size = piece.payload.length + lengthBytes + pieceHeaderBytes
      if (held > 0 && held + size > allowance) break
      held += size
      this.#pieces.shift()
      this.#pieceBytes -= piece.payload.length
      this.#atProtocolBytes += size
      this.#events.onTurn(piece.n, piece.offset, piece.payload)
    }
    this.#connection.setLowMark(this.#lowMark(allowance))
    this.#look(allowance)
  }

  /** A chunk that bittorrent-protocol wants sent: a whole control frame, a piece's header, or its block. */
  fromProtocol(chunk: Uint8Array): void {
    if (this.#header) {
      const frame = new Uint8Array(this.#header.length + chunk.length)
      frame.set(this.#header)
      frame.set(chunk, this.#header.length)
      this.#header = null
      this.#pieceLeft = true
      this.#atProtocolBytes -= frame.length
      // Block hashes precede their first piece.
      this.#flush()
      this.#write(frame)
      // A channel that took it at once tells nobody that it has room.
      this.pump()
      return
    }
    if (chunk.length === lengthBytes + pieceHeaderBytes && chunk[lengthBytes] === id.piece) {
      this.#header = chunk
      return
    }
    if (this.#batchLength + chunk.length > batchBytes) this.#flush()
    this.#batch.push(chunk)
    this.#batchLength += chunk.length
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  /** Drops what waits. */
  clear(): void {
    this.#pieces = []
    this.#pieceBytes = 0
    this.#batch = []
    this.#batchLength = 0
  }

  #flush(): void {
    const [first] = this.#batch
    if (!first) return
    const length = this.#batchLength
    const batch = this.#batch
    this.#batch = []
    this.#batchLength = 0
    let message = first
    if (batch.length > 1) {
      message = new Uint8Array(length)
      let at = 0
      for (const chunk of batch) {
        message.set(chunk, at)
        at += chunk.length
      }
    }
    this.#write(message)
    if (this.#connection.bufferedBytes() > maxBacklogBytes) this.#events.onStalled()
  }

  #write(message: Uint8Array): void {
    const max = this.#connection.maxMessageBytes()
    for (let at = 0; at < message.length; at += max) {
      if (
        !this.#connection.send(at === 0 && message.length <= max ? message : message.subarray(at, at + max))
      )
        return
    }
    this.#allowance.sent(this.#now(), message.length, this.#connection.bufferedBytes())
    this.#look(this.#allowance.bytes())
  }

  /** Where the channel should call: when the next piece fits, else when it wants more, else when it is empty. */
  #lowMark(allowance: number): number {
    const next = this.#pieces[0]
    if (next)
      return Math.max(
        0,
        Math.min(allowance >> 1, allowance - next.payload.length - lengthBytes - pieceHeaderBytes),
      )
    const line = refillLine(allowance)
    return this.#connection.bufferedBytes() > line ? line : 0
  }

  /** Tells when the queue has fallen below the line, and when it has gone. */
  #look(allowance: number): void {
    const queued = this.queuedBytes()
    const before = this.#level
    this.#level = queued === 0 ? 'empty' : queued > refillLine(allowance) ? 'full' : 'some'
    const emptied = this.#level === 'empty' && before !== 'empty' && this.#pieceLeft
    if (queued === 0) this.#pieceLeft = false
    if (emptied || (before === 'full' && this.#level === 'some')) this.#events.onDrained(queued)
  }
}

function refillLine(allowance: number): number {
  return Math.min(allowance >> 1, refillBytes)
}
