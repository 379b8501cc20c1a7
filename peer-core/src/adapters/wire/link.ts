import Wire from 'bittorrent-protocol'
import { decodeMessage, encodeMessage, helloFields, parseHello } from '../../core/codec.ts'
import type { Hello, PeerId, PeerMessage } from '../../core/messages.ts'
import type { Link, LinkEvents, LinkStats } from '../../ports.ts'
import type { Connection } from '../transport/connection.ts'
import { FrameReader, lengthBytes } from './frames.ts'
import { ControlMeter, id, inspect, maxLength } from './guard.ts'
import { Outbox } from './outbox.ts'
import { type Range, RequestTable } from './request-table.ts'

export interface LinkOptions {
  /** Our own peer id. */
  readonly self: PeerId
  /** 40 lower-case hex digits; the other side must name the same swarm. */
  readonly infoHash: string
  /** Whom the tracker named; null when only the handshake tells (a speculative offer). */
  readonly peer: PeerId | null
  /** Ours; `reqq` caps what the other side may have outstanding here. */
  readonly hello: Hello
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

export interface LinkOutcome {
  /** The handshake is done; `hello` is theirs. */
  onReady(link: Link, hello: Hello): void
  /** It ended before that. Reasons as in `LinkEvents.onClose`. */
  onFail(reason: string): void
  /** It ended after that; told before the link's listener is. */
  onEnd?(reason: string): void
}

/** Speaks our wire on a connection: handshakes now, a `Link` when both sides are ready. */
export function createLink(
  connection: Connection,
  options: LinkOptions,
  outcome: LinkOutcome,
): { close(reason: string): void } {
  return new WireLink(connection, options, outcome)
}

/** Registers the extension's name with the package (BEP 10); its messages are taken from the wire's events. */
class Nearcast {}
Object.assign(Nearcast.prototype, { name: 'nearcast' })

/** What may wait for `listen`. */
const maxWaitingMessages = 1000

/** A payload's view may pin this much more than itself; otherwise it is copied. */
const slackBytes = 1024

class WireLink implements Link {
  #connection: Connection
  #options: LinkOptions
  #outcome: LinkOutcome
  #wire = new Wire('webrtc')
  #frames: FrameReader
  #meter: ControlMeter
  #outbox: Outbox
  /** Ours at them, and theirs at us. */
  #asked = new RequestTable()
  #owed = new RequestTable()
  #state: 'handshake' | 'ready' | 'closed' = 'handshake'
  #peer: PeerId = ''
  #hello: Hello | null = null
  #events: LinkEvents | null = null
  #waiting: { readonly message: PeerMessage; readonly payload: Uint8Array | undefined }[] = []
  #closeReason: string | null = null
  /** Both ways; of it media. */
  #wireBytes = 0
  #mediaBytes = 0
  #sentBytes = 0

  constructor(connection: Connection, options: LinkOptions, outcome: LinkOutcome) {
    this.#connection = connection
    this.#options = options
    this.#outcome = outcome
    this.#meter = new ControlMeter(options.now())
    this.#frames = new FrameReader(maxLength, {
      onHandshake: handshake => this.#wire.write(handshake),
      onFrame: frame => this.#inspect(frame),
    })
    this.#outbox = new Outbox(connection, options.now, {
      onTurn: (n, offset, payload) => {
        this.#mediaBytes += payload.length
        this.#sentBytes += payload.length
        this.#wire.piece(n, offset, payload)
      },
      onDrained: queuedBytes => this.#events?.onDrained(queuedBytes),
      onStalled: () => this.close('stalled'),
    })
    this.#wire.use(Nearcast)
    this.#wire.extendedHandshake = helloFields(options.hello)
    this.#hear()
    connection.listen({
      onOpen: () => this.#wire.handshake(options.infoHash, options.self, { fast: true }),
      onData: bytes => this.#received(bytes),
      onLow: () => this.#outbox.pump(),
      onClose: reason => this.#closed(reason),
    })
  }

  get peer(): PeerId {
    return this.#peer
  }

  send(message: PeerMessage, payload?: Uint8Array): void {
    if (this.#state !== 'ready' || this.#closeReason !== null) return
    switch (message.type) {
      case 'request':
        this.#request(message)
        break
      case 'cancel':
        if (this.#asked.cancel(message)) this.#wire.cancel(message.n, message.offset, message.length)
        break
      case 'piece':
        this.#piece(message, payload)
        break
      case 'reject':
        this.#reject(message)
        break
      case 'have':
        this.#wire.have(message.n)
        break
      default: {
        const bytes = encodeMessage(message, payload)
        if (bytes) this.#wire.extended('nearcast', bytes)
      }
    }
    if (message.type !== 'withdraw') return
    // Whoever waits for what we took back must hear so, or it waits for ever.
    const from = message.reason === 'evicted' || message.reason === 'renumber' ? 0 : message.offset
    for (const range of this.#owed.beyond(message.n, from)) this.#reject(range)
  }

  queuedBytes(): number {
    return this.#state === 'ready' ? this.#outbox.queuedBytes() : 0
  }

  listen(events: LinkEvents): void {
    this.#events = events
    const waiting = this.#waiting
    this.#waiting = []
    for (const { message, payload } of waiting) events.onMessage(message, payload)
    if (this.#state === 'closed') this.#tellClosed()
  }

  sentBytes(): number {
    return this.#sentBytes
  }

  controlBytes(): number {
    return this.#wireBytes - this.#mediaBytes
  }

  stats(): Promise<LinkStats | null> {
    return this.#connection.stats()
  }

  close(reason: string): void {
    if (this.#closeReason !== null) return
    this.#closeReason = reason
    // What was said last (a goaway) is still on its way through the package's stream.
    void turns(4).then(() => this.#connection.close())
  }

  // Outgoing

  #request(range: Range): void {
    // Asked of a peer that would not answer, or beyond what it said it takes: refused here and now.
    if (this.#wire.peerChoking || this.#asked.size >= (this.#hello?.reqq ?? 0)) {
      const { n, offset, length } = range
      queueMicrotask(() => this.#deliver({ type: 'reject', n, offset, length }))
      return
    }
    this.#asked.add(range)
    this.#wire.request(range.n, range.offset, range.length)
    this.#wire.requests.length = 0
  }

  #piece(range: Range, payload: Uint8Array | undefined): void {
    // A piece of another length than the one asked for would be no answer at all.
    if (payload?.length !== range.length) this.#reject(range)
    // None owed: cancelled or withdrawn meanwhile, and so rejected already.
    else if (this.#owed.answer(range) !== null) this.#outbox.addPiece(range, payload)
  }

  #reject(range: Range): void {
    if (this.#owed.answer(range) !== null) this.#wire.reject(range.n, range.offset, range.length)
  }

  // Incoming

  #received(bytes: Uint8Array): void {
    if (this.#state === 'closed' || this.#closeReason !== null) return
    this.#wireBytes += bytes.length
    if (!this.#frames.push(bytes)) this.#violation()
    const keepAlives = this.#frames.takeKeepAlives()
    if (keepAlives > 0) this.#meterControl(keepAlives, keepAlives * lengthBytes)
  }

  #inspect(frame: Uint8Array): void {
    if (this.#closeReason !== null) return
    const verdict = inspect(frame)
    if (frame[lengthBytes] !== id.piece && !this.#meterControl(1, frame.length)) return
    if (verdict.type === 'violation') this.#violation()
    else if (verdict.type === 'pass') this.#wire.write(verdict.frame)
  }

  #meterControl(messages: number, bytes: number): boolean {
    if (this.#meter.take(this.#options.now(), messages, bytes)) return true
    this.#violation()
    return false
  }

  #violation(): void {
    this.#closeReason ??= 'protocol-error'
    this.#connection.close()
  }

  /** The package's events; each comes from a frame that passed the guard. */
  #hear(): void {
    this.#wire
      .on('data', chunk => {
        this.#wireBytes += chunk.length
        this.#outbox.fromProtocol(chunk)
      })
      .on('handshake', (infoHash, peer, extensions) => this.#handshake(infoHash, peer, extensions))
      .on('extended', (name, payload) => this.#extended(name, payload))
      .on('unchoke', () => this.#readyIfDone())
      .on('have', n => this.#deliver({ type: 'have', n }))
      .on('request', (n, offset, length) => {
        this.#wire.peerRequests.length = 0
        this.#owed.add({ n, offset, length })
        if (this.#owed.size > this.#options.hello.reqq) this.#violation()
        else this.#deliver({ type: 'request', n, offset, length })
      })
      .on('cancel', (n, offset, length) => {
        const range = { n, offset, length }
        if (this.#owed.answer(range) === null && !this.#outbox.removePiece(range)) return
        this.#wire.reject(n, offset, length)
        this.#deliver({ type: 'cancel', ...range })
      })
      .on('piece', (n, offset, block) => {
        const length = block.length
        this.#mediaBytes += length
        // Bytes nobody asked for are an attack on our memory or on our books.
        if (this.#asked.answer({ n, offset, length }) === null) this.#violation()
        else this.#deliver({ type: 'piece', n, offset, length }, owned(block))
      })
      .on('reject', (n, offset, length) => {
        // BEP 6: "If a peer receives a reject for a request that was never sent then it SHOULD close the connection."
        if (this.#asked.answer({ n, offset, length }) === null) this.#violation()
        // Also of what was cancelled: only then may it be asked again.
        else this.#deliver({ type: 'reject', n, offset, length })
      })
      .on('error', () => this.#violation())
  }

  #handshake(infoHash: string, peer: PeerId, extensions: { fast: boolean; extended: boolean }): void {
    const { infoHash: ours, self, peer: expected } = this.#options
    if (infoHash !== ours) this.close('wrong-swarm')
    else if (peer === self || (expected !== null && peer !== expected)) this.close('wrong-peer')
    else if (!extensions.fast || !extensions.extended) this.#violation()
    else {
      this.#peer = peer
      this.#wire.haveNone()
      this.#wire.unchoke()
      this.#wire.interested()
    }
  }

  #extended(name: string | number, payload: Uint8Array | Record<string, unknown>): void {
    if (name === 'handshake' && !ArrayBuffer.isView(payload)) {
      // A second one could change the numbers under our feet; BEP 10 allows it, we have no use for it.
      this.#hello ??= parseHello(payload as Record<string, unknown>)
      this.#readyIfDone()
    } else if (name === 'nearcast' && this.#state === 'ready') {
      const decoded = decodeMessage(payload as Uint8Array)
      if (decoded.type === 'invalid') this.#violation()
      else if (decoded.type === 'message')
        this.#deliver(decoded.message, decoded.payload ? owned(decoded.payload) : undefined)
    }
  }

  #readyIfDone(): void {
    if (this.#state !== 'handshake' || !this.#hello || this.#wire.peerChoking || this.#peer === '') return
    if (this.#closeReason !== null) return
    this.#state = 'ready'
    this.#outcome.onReady(this, this.#hello)
  }

  #deliver(message: PeerMessage, payload?: Uint8Array): void {
    if (this.#state !== 'ready' || this.#closeReason !== null) return
    if (this.#events) this.#events.onMessage(message, payload)
    else if (this.#waiting.push({ message, payload }) > maxWaitingMessages) this.#violation()
  }

  #closed(reason: string): void {
    const wasReady = this.#state === 'ready'
    this.#closeReason ??= reason
    this.#state = 'closed'
    this.#outbox.clear()
    this.#wire.destroy()
    if (!wasReady) {
      this.#outcome.onFail(this.#closeReason)
      return
    }
    this.#outcome.onEnd?.(this.#closeReason)
    if (this.#events) this.#tellClosed()
  }

  #tellClosed(): void {
    const events = this.#events
    // Nobody is told twice, not even one who listens again.
    if (this.#closeReason !== null) events?.onClose(this.#closeReason)
    this.#events = null
  }
}

/** bittorrent-protocol's stream and our batching each take a microtask or two. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

/** A view that may be kept: on its own buffer, or on one hardly larger. */
function owned(bytes: Uint8Array): Uint8Array {
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return plain.buffer.byteLength - plain.byteLength > slackBytes ? plain.slice() : plain
}
