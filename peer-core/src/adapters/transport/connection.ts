import type { LinkStats } from '../../ports.ts'

/**
 * One WebRTC connection with one reliable, ordered data channel, as the wire and the mesh see it. What makes it
 * (simple-peer over a browser's WebRTC, over werift, or nothing in a test) stays behind `Transport`.
 */

/** Our own words for candidate types: `mdns` is a host candidate whose address is hidden behind a `.local` name. */
export type CandidateType = 'host' | 'mdns' | 'srflx' | 'prflx' | 'relay'

/** Why a connection is no more. */
export type CloseReason =
  | 'closed' // by us
  | 'remote-closed'
  | 'ice-failed' // no path, or the path was lost
  | 'bad-signal' // a description or candidate nobody could use
  | 'failed' // anything else of the platform

export interface ConnectOptions {
  /** Makes the offer and the channel. */
  readonly initiator: boolean
  /** Candidates follow the description one by one; otherwise the description waits for all of them. */
  readonly trickle: boolean
  readonly iceServers: readonly { readonly urls: string }[]
}

/** What must reach the other side by way of the tracker. */
export interface Signals {
  onDescription(type: 'offer' | 'answer', sdp: string): void
  /** JSON of an RTCIceCandidateInit. Only when trickling. */
  onCandidate(candidate: string): void
  /** Each type the first time it is seen among our own candidates. */
  onCandidateType(type: CandidateType): void
  /** A private /24 in which we are, as a STUN server inside it saw us: `10.2.3`. Not to be told to anybody as it is. */
  onLan?(network: string): void
}

export interface ConnectionEvents {
  onOpen(): void
  /** In order, after `onOpen`, and never torn: one call a message of the channel. */
  onData(bytes: Uint8Array): void
  /** `bufferedBytes` fell to the low mark. */
  onLow(): void
  /** Once, and nothing after it. */
  onClose(reason: CloseReason): void
}

export interface Connection {
  /** The other side's description. */
  describe(type: 'offer' | 'answer', sdp: string): void
  /** One of the other side's candidates, JSON of an RTCIceCandidateInit. */
  addCandidate(candidate: string): void
  /** Attach the receiver. What happened before is told now, in order. */
  listen(events: ConnectionEvents): void
  /** One message. False when the channel is not open or refuses it; a refusal closes the connection. */
  send(bytes: Uint8Array): boolean
  /** Bytes given to `send` that the platform still holds. */
  bufferedBytes(): number
  /** `onLow` fires when `bufferedBytes` falls from above this to it or below. */
  setLowMark(bytes: number): void
  /** Largest message that both sides take. */
  maxMessageBytes(): number
  stats(): Promise<LinkStats | null>
  /** May be called twice. `onClose('closed')` follows. */
  close(): void
}

export interface Transport {
  /** Whether this platform has WebRTC at all. Asked when needed, never at import. */
  available(): boolean
  connect(options: ConnectOptions, signals: Signals): Connection
}

/** Type of a candidate line (RFC 8839 §5.1), or null when it is none. */
export function candidateType(line: string): CandidateType | null {
  const fields = line.trim().split(/\s+/)
  const type = fields[fields.indexOf('typ') + 1]
  if (fields.indexOf('typ') < 5) return null
  if (type === 'host') return fields[4]?.endsWith('.local') ? 'mdns' : 'host'
  return type === 'srflx' || type === 'prflx' || type === 'relay' ? type : null
}
