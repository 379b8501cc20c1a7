import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type {
  Hello,
  Mode,
  OfferMessage,
  OfferSource,
  PeerMessage,
  PositionMessage,
  WithdrawReason,
} from './messages.ts'

/**
 * The payload of our BEP 10 extension: one type byte, then the message's fields in a fixed order. Later versions
 * append fields (a reader ignores what follows the ones it knows) and add types (a reader ignores those too).
 */

/** What BEP 3 and BEP 6 have no message for. */
export type ExtensionMessage = Exclude<
  PeerMessage,
  { type: 'request' | 'piece' | 'cancel' | 'reject' | 'have' }
>

export type Decoded =
  | { readonly type: 'message'; readonly message: ExtensionMessage; readonly payload: Uint8Array | null }
  /** A message of a later version: to be ignored. */
  | { readonly type: 'unknown' }
  /** No version of ours sends this. */
  | { readonly type: 'invalid' }

/** What a message may hold. Every bound is far above what a player needs and far below what would hurt. */
export const wireLimits = {
  /** bittorrent-protocol forgets any `have` from 400,000 on, so no offer is numbered so high. */
  offers: 400_000,
  /** The package reads 32-bit fields as signed. */
  bytes: 0x7fff_ffff,
  /** Rates, durations, epochs, and sequence numbers plus one: whole numbers, exact. */
  count: Number.MAX_SAFE_INTEGER,
  tracks: 0xffff,
  pathBytes: 4096,
  etagBytes: 256,
  reasonBytes: 128,
  /** Tracks that one viewer plays at once. */
  playing: 16,
  /** Block hashes in one message: 64 MB of media, 128 KiB of hashes. */
  hashes: 4096,
  hops: 255,
} as const

const hashBytes = 32
const peerIdBytes = 20
const sources: readonly OfferSource[] = ['held', 'edge', 'relay']
const modes: readonly Mode[] = ['share', 'leech', 'off']
const reasons: readonly WithdrawReason[] = ['evicted', 'yielded', 'failed', 'cancelled', 'void', 'renumber']
const types = [
  'track',
  'offer',
  'grow',
  'withdraw',
  'hashes',
  'position',
  'beacon',
  'busy',
  'ping',
  'pong',
  'goaway',
  'doubled',
] as const satisfies readonly ExtensionMessage['type'][]

/**
 * Bytes of a message; fractions are rounded and numbers held within `wireLimits`. Null when a peer could not accept
 * it: a path too long, an offer number too high, a payload that is not what the message announces.
 */
export function encodeMessage(message: ExtensionMessage, payload?: Uint8Array): Uint8Array | null {
  const writer = new ByteWriter()
  writer.byte(types.indexOf(message.type) + 1)
  switch (message.type) {
    case 'track':
      writer.varint(message.id)
      writer.utf8(message.path)
      break
    case 'offer':
      writeOffer(writer, message)
      break
    case 'grow':
      writer.varint(whole(message.n))
      writer.varint(whole(message.frontier))
      writer.varint(whole(message.size))
      writer.varint(whole(message.rateBps))
      break
    case 'withdraw':
      writer.varint(whole(message.n))
      writer.varint(whole(message.offset))
      writer.byte(reasons.indexOf(message.reason))
      break
    case 'hashes':
      if (payload?.length !== message.count * hashBytes) return null
      writer.varint(whole(message.n))
      writer.varint(whole(message.first))
      writer.varint(whole(message.count))
      writer.bytes(payload)
      break
    case 'position':
      writePosition(writer, message)
      break
    case 'beacon':
      writer.varint(whole(message.epoch))
      writer.varint(whole(message.hops))
      break
    case 'busy':
      writer.byte(message.on ? 1 : 0)
      break
    case 'ping':
    case 'pong':
      writer.varint(whole(message.id))
      break
    case 'goaway':
      writer.utf8(message.reason)
      break
    case 'doubled':
      writer.varint(whole(message.n))
      writer.hex(message.by)
      break
  }
  const bytes = writer.finish()
  // One set of rules: what the reader refuses is not sent.
  return decodeMessage(bytes).type === 'message' ? bytes : null
}

function writeOffer(writer: ByteWriter, offer: OfferMessage): void {
  writer.varint(whole(offer.n))
  writer.varint(whole(offer.track))
  // −1 is an init segment.
  writer.varint(whole(offer.seq + 1))
  writer.hex(offer.key)
  writer.varint(whole(offer.size))
  writer.byte(offer.root === '' ? 0 : 1)
  writer.hex(offer.root)
  writer.utf8(offer.etag)
  writer.varint(whole(offer.from))
  writer.varint(whole(offer.frontier))
  writer.varint(whole(offer.to))
  writer.byte(sources.indexOf(offer.source))
  writer.varint(whole(offer.hops))
  writer.varint(whole(offer.etaMs))
  writer.varint(whole(offer.rateBps))
  writer.varint(whole(offer.epoch))
}

function writePosition(writer: ByteWriter, position: PositionMessage): void {
  writer.varint(position.tracks.length)
  for (const track of position.tracks) writer.varint(whole(track))
  writer.varint(whole(position.seq + 1))
  writer.varint(whole(position.bufferMs))
  writer.varint(whole(position.rate))
  writer.byte((position.paused ? 1 : 0) | (position.hidden ? 2 : 0))
  writer.byte(modes.indexOf(position.mode))
  writer.varint(whole(position.edgeBps))
  writer.varint(whole(position.uplinkBps))
}

/** A measured value as the wire carries it. */
function whole(value: number): number {
  return value > 0 ? Math.min(Math.round(value), wireLimits.count) : 0
}

/** Never throws, whatever the bytes. A payload is a view of them. */
export function decodeMessage(bytes: Uint8Array): Decoded {
  const reader = new ByteReader(bytes)
  const type = types[reader.byte() - 1]
  if (!reader.ok) return { type: 'invalid' }
  if (type === undefined) return { type: 'unknown' }
  let payload: Uint8Array | null = null
  let message: ExtensionMessage | null
  switch (type) {
    case 'track':
      message = { type, id: reader.varint(wireLimits.tracks), path: reader.utf8(wireLimits.pathBytes) }
      break
    case 'offer':
      message = readOffer(reader)
      break
    case 'grow': {
      const n = offerNumber(reader)
      const frontier = reader.varint(wireLimits.bytes)
      const size = reader.varint(wireLimits.bytes)
      message =
        size > 0 && frontier > size
          ? null
          : { type, n, frontier, size, rateBps: reader.varint(wireLimits.count) }
      break
    }
    case 'withdraw': {
      const n = offerNumber(reader)
      const offset = reader.varint(wireLimits.bytes)
      const reason = reasons[reader.byte()]
      message = reason ? { type, n, offset, reason } : null
      break
    }
    case 'hashes': {
      const n = offerNumber(reader)
      const first = reader.varint(wireLimits.bytes)
      const count = reader.varint(wireLimits.hashes)
      payload = reader.bytes(count * hashBytes)
      message = count > 0 ? { type, n, first, count } : null
      break
    }
    case 'position':
      message = readPosition(reader)
      break
    case 'beacon':
      message = { type, epoch: reader.varint(wireLimits.count), hops: reader.varint(wireLimits.hops) }
      break
    case 'busy':
      message = { type, on: reader.byte() === 1 }
      break
    case 'ping':
    case 'pong':
      message = { type, id: reader.varint(wireLimits.count) }
      break
    case 'goaway':
      message = { type, reason: reader.utf8(wireLimits.reasonBytes) }
      break
    case 'doubled':
      message = { type, n: offerNumber(reader), by: reader.hex(peerIdBytes) }
      break
  }
  return message && reader.ok ? { type: 'message', message, payload } : { type: 'invalid' }
}

function offerNumber(reader: ByteReader): number {
  return reader.varint(wireLimits.offers - 1)
}

function readOffer(reader: ByteReader): OfferMessage | null {
  const n = offerNumber(reader)
  const track = reader.varint(wireLimits.tracks)
  const seq = reader.varint(wireLimits.count) - 1
  const key = reader.hex(8)
  const size = reader.varint(wireLimits.bytes)
  const root = reader.byte() === 0 ? '' : reader.hex(hashBytes)
  const etag = reader.utf8(wireLimits.etagBytes)
  const from = reader.varint(wireLimits.bytes)
  const frontier = reader.varint(wireLimits.bytes)
  const to = reader.varint(wireLimits.bytes)
  const source = sources[reader.byte()]
  const hops = reader.varint(wireLimits.hops)
  const etaMs = reader.varint(wireLimits.count)
  const rateBps = reader.varint(wireLimits.count)
  const epoch = reader.varint(wireLimits.count)
  if (!source || from > frontier) return null
  if (size > 0 && (frontier > size || to > size)) return null
  return {
    type: 'offer',
    n,
    track,
    seq,
    key,
    size,
    root,
    etag,
    from,
    frontier,
    to,
    source,
    hops,
    etaMs,
    rateBps,
    epoch,
  }
}

function readPosition(reader: ByteReader): PositionMessage | null {
  const tracks: number[] = []
  const count = reader.varint(wireLimits.playing)
  for (let i = 0; i < count && reader.ok; i++) tracks.push(reader.varint(wireLimits.tracks))
  const seq = reader.varint(wireLimits.count) - 1
  const bufferMs = reader.varint(wireLimits.count)
  const rate = reader.varint(wireLimits.count)
  const flags = reader.byte()
  const mode = modes[reader.byte()]
  const edgeBps = reader.varint(wireLimits.count)
  // Who speaks an earlier form ends here.
  const uplinkBps = reader.isAtEnd ? 0 : reader.varint(wireLimits.count)
  if (!mode) return null
  const paused = (flags & 1) !== 0
  const hidden = (flags & 2) !== 0
  return { type: 'position', tracks, seq, bufferMs, rate, paused, hidden, mode, edgeBps, uplinkBps }
}

/** Our fields of the BEP 10 handshake: bencode knows no other numbers than integers. */
export function helloFields(hello: Hello): { v: number; mode: number; reqq: number } {
  return { v: hello.v, mode: modes.indexOf(hello.mode), reqq: hello.reqq }
}

/** The other side's, or null when it speaks no version of ours. The lower of both versions is spoken. */
export function parseHello(fields: Readonly<Record<string, unknown>>): Hello | null {
  const { v, mode, reqq } = fields
  if (!isWhole(v) || !isWhole(mode) || !isWhole(reqq) || v < 1 || reqq < 1) return null
  const stance = modes[mode]
  return stance ? { v: Math.min(v, 1), mode: stance, reqq: Math.min(reqq, 0xffff) } : null
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}
