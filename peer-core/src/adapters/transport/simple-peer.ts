import SimplePeer, { type Wrtc } from '#simple-peer'
import type { LinkStats } from '../../ports.ts'
import {
  type CandidateType,
  type CloseReason,
  type Connection,
  type ConnectionEvents,
  type ConnectOptions,
  candidateType,
  type Signals,
  type Transport,
} from './connection.ts'
import { networkOf } from './network-of.ts'
import { linkStats } from './stats.ts'

export interface SimplePeerTransportOptions {
  /** WebRTC itself, where the platform has none: `createWeriftWrtc()` in Node. @default the browser's */
  readonly wrtc?: Wrtc
  /** Longest wait for all candidates when not trickling, ms: a dead STUN server costs no more. @default 2000 */
  readonly gatherTimeoutMs?: number
}

/** simple-peer 9.11.1 as the transport, in browsers and in Node. */
export function createSimplePeerTransport(options: SimplePeerTransportOptions = {}): Transport {
  const { wrtc, gatherTimeoutMs = 2000 } = options
  return {
    available: () => wrtc !== undefined || 'RTCPeerConnection' in globalThis,
    connect: (connect, signals) => new SimplePeerConnection(connect, signals, wrtc, gatherTimeoutMs),
  }
}

type Event =
  | { readonly type: 'open' }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'close'; readonly reason: CloseReason }

/** Bytes that may wait for `listen`; a peer that sends more before its handshake was read is none of ours. */
const maxWaitingBytes = 1 << 20

class SimplePeerConnection implements Connection {
  #peer: SimplePeer
  #channel: RTCDataChannel | null = null
  #pc: RTCPeerConnection | null
  #signals: Signals
  #events: ConnectionEvents | null = null
  /** What happened before somebody listened. */
  #waiting: Event[] = []
  #waitingBytes = 0
  /** Data may come before simple-peer has found the candidate pair and says `connect`. */
  #early: Uint8Array[] = []
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #lowMark = 0
  #candidateTypes = new Set<CandidateType>()

  constructor(options: ConnectOptions, signals: Signals, wrtc: Wrtc | undefined, gatherTimeoutMs: number) {
    this.#signals = signals
    this.#peer = new SimplePeer({
      initiator: options.initiator,
      trickle: options.trickle,
      // Always given: simple-peer's own default asks two public STUN servers.
      config: { iceServers: options.iceServers.map(server => ({ urls: server.urls })) },
      iceCompleteTimeout: gatherTimeoutMs,
      ...(wrtc ? { wrtc } : {}),
    })
    this.#pc = this.#peer._pc
    this.#pc?.addEventListener('icecandidate', this.#noteCandidate)
    this.#peer
      .on('signal', signal => {
        if (signal.type === 'offer' || signal.type === 'answer')
          this.#signals.onDescription(signal.type, signal.sdp)
        else if (signal.type === 'candidate') this.#signals.onCandidate(JSON.stringify(signal.candidate))
        // Renegotiation is for media tracks, of which we have none.
      })
      .on('connect', () => this.#opened())
      .on('data', chunk => this.#received(chunk))
      .on('error', error => this.#closed(closeReason(error)))
      .on('close', () => this.#closed('remote-closed'))
  }

  describe(type: 'offer' | 'answer', sdp: string): void {
    this.#signal({ type, sdp })
  }

  addCandidate(candidate: string): void {
    const parsed = parseCandidate(candidate)
    if (parsed) this.#signal({ candidate: parsed })
  }

  #signal(signal: Parameters<SimplePeer['signal']>[0]): void {
    if (this.#state === 'closed') return
    try {
      this.#peer.signal(signal)
    } catch {
      // The platform's constructors throw on what they cannot parse.
      this.#end('bad-signal')
    }
  }

  listen(events: ConnectionEvents): void {
    this.#events = events
    const waiting = this.#waiting
    this.#waiting = []
    for (const event of waiting) this.#tell(event)
  }

  send(bytes: Uint8Array): boolean {
    if (this.#state !== 'open') return false
    try {
      this.#peer.send(bytes)
      return true
    } catch {
      // The channel closed under us, or its buffer (16 MiB in Chromium) is full.
      this.#end('failed')
      return false
    }
  }

  bufferedBytes(): number {
    return this.#state === 'open' ? (this.#channel?.bufferedAmount ?? 0) : 0
  }

  setLowMark(bytes: number): void {
    this.#lowMark = bytes
    if (this.#channel) this.#channel.bufferedAmountLowThreshold = bytes
  }

  maxMessageBytes(): number {
    // 64 KiB is what RFC 8841 §6.1 says when the other side says nothing; some platforms lack `sctp`.
    return this.#pc?.sctp?.maxMessageSize || 65_536
  }

  async stats(): Promise<LinkStats | null> {
    if (this.#state !== 'open' || !this.#pc) return null
    return this.#pc.getStats().then(linkStats, () => null)
  }

  close(): void {
    this.#end('closed')
  }

  #opened(): void {
    const channel = this.#peer._channel
    if (!channel || this.#state !== 'connecting') return
    this.#state = 'open'
    // simple-peer has no public way to the channel, and its stream would let bulk data wait where nothing can
    // overtake it; so its marks and its buffer are ours.
    this.#channel = channel
    channel.bufferedAmountLowThreshold = this.#lowMark
    channel.addEventListener('bufferedamountlow', this.#low)
    this.#stopGatherTimer()
    this.#tell({ type: 'open' })
    const early = this.#early
    this.#early = []
    for (const bytes of early) this.#tell({ type: 'data', bytes })
  }

  #received(chunk: Uint8Array): void {
    // Plain views: a Buffer's `subarray` is several times slower in browsers.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#state === 'open') this.#tell({ type: 'data', bytes })
    else if (this.#state === 'connecting' && this.#roomFor(bytes)) this.#early.push(bytes)
  }

  #low = (): void => {
    if (this.#state === 'open') this.#events?.onLow()
  }

  #noteCandidate = (event: RTCPeerConnectionIceEvent): void => {
    const line = event.candidate?.candidate ?? ''
    const type = candidateType(line)
    // An interface of a machine's own may be that of its containers; what a server saw is where others can be, too.
    const { lan } = networkOf(type === 'srflx' ? line.trim().split(/\s+/)[4] : null)
    if (lan !== null && this.#state !== 'closed') this.#signals.onLan?.(lan)
    if (!type || this.#candidateTypes.has(type)) return
    this.#candidateTypes.add(type)
    this.#signals.onCandidateType(type)
  }

  #tell(event: Event): void {
    const events = this.#events
    if (!events) {
      if (event.type !== 'data' || this.#roomFor(event.bytes)) this.#waiting.push(event)
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

  #roomFor(bytes: Uint8Array): boolean {
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes <= maxWaitingBytes) return true
    this.#end('failed')
    return false
  }

  /** We end it: simple-peer's own `close` event then finds nothing left to tell. */
  #end(reason: CloseReason): void {
    if (this.#state === 'closed') return
    this.#closed(reason)
  }

  #closed(reason: CloseReason): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#early = []
    this.#channel?.removeEventListener('bufferedamountlow', this.#low)
    this.#pc?.removeEventListener('icecandidate', this.#noteCandidate)
    this.#peer.destroy()
    this.#stopGatherTimer()
    this.#channel = null
    this.#pc = null
    // Never from inside a call of the receiver's own: whoever closes is told like everybody else.
    queueMicrotask(() => this.#tell({ type: 'close', reason }))
  }

  /** simple-peer leaves this timer running, which keeps a Node process alive for seconds. */
  #stopGatherTimer(): void {
    if (this.#peer._iceCompleteTimer) clearTimeout(this.#peer._iceCompleteTimer)
  }
}

/** "User-Initiated Abort" (RFC 9260 §3.3.10.12): what close() on the other side sends, and so a normal end. */
const userAbort = 12

function closeReason(error: Error & { code?: string; sctpCauseCode?: number | null }): CloseReason {
  if (error.sctpCauseCode === userAbort || /User-Initiated Abort/.test(error.message)) return 'remote-closed'
  switch (error.code) {
    case 'ERR_ICE_CONNECTION_FAILURE':
    case 'ERR_CONNECTION_FAILURE':
    case 'ERR_ICE_CONNECTION_CLOSED':
      return 'ice-failed'
    case 'ERR_SET_REMOTE_DESCRIPTION':
    case 'ERR_ADD_ICE_CANDIDATE':
    case 'ERR_SIGNALING':
      return 'bad-signal'
    default:
      return 'failed'
  }
}

const maxCandidateChars = 1024

/** A candidate of a stranger: a JSON object with the three fields that addIceCandidate needs, or null. */
function parseCandidate(json: string): RTCIceCandidateInit | null {
  if (json.length > maxCandidateChars) return null
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { candidate, sdpMid, sdpMLineIndex } = value as Record<string, unknown>
  // An empty candidate means "no more" (RFC 8838 §8.2); simple-peer takes null alone for that and needs neither.
  if (typeof candidate !== 'string' || !candidateType(candidate)) return null
  return {
    candidate,
    sdpMid: typeof sdpMid === 'string' ? sdpMid : null,
    sdpMLineIndex: typeof sdpMLineIndex === 'number' ? sdpMLineIndex : 0,
  }
}
