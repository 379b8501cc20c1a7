import bencode from 'bencode'
import { helloFields, parseHello, wireLimits } from '../../core/codec.ts'
import { runBytes } from '../../core/messages.ts'
import { lengthBytes } from './frames.ts'

/**
 * What a peer may send, checked before bittorrent-protocol parses it. The package reads fields that are not there,
 * takes numbers from 2^31 on as negative, forgets `have`s behind a bitfield, and lets a handcrafted extension
 * handshake throw out of its stream. A violation costs the sender its connection and us nothing.
 */

/** Message ids of BEP 3, BEP 6 and BEP 10 that this wire knows. Others are ignored, as BEP 3 asks. */
export const id = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  uninterested: 3,
  have: 4,
  request: 6,
  piece: 7,
  cancel: 8,
  haveNone: 15,
  reject: 16,
  extended: 20,
} as const

/** Bytes of a `piece` before its block: id, index, offset. */
export const pieceHeaderBytes = 9

const maxPieceLength = pieceHeaderBytes + runBytes
/** Enough for 4096 block hashes and every other message of ours. */
const maxExtendedLength = 256 * 1024
const maxHandshakeLength = 16 * 1024

/** Largest length that a frame with this id may announce. */
export function maxLength(frameId: number): number {
  return frameId === id.piece ? maxPieceLength : maxExtendedLength
}

export type Verdict =
  | { readonly type: 'pass'; readonly frame: Uint8Array }
  /** Nothing we need; the package would misread or mind it. */
  | { readonly type: 'ignore' }
  | { readonly type: 'violation' }

const ignore: Verdict = { type: 'ignore' }
const violation: Verdict = { type: 'violation' }

/** Judges one whole frame, length prefix included. */
export function inspect(frame: Uint8Array): Verdict {
  const length = frame.length - lengthBytes
  const pass: Verdict = { type: 'pass', frame }
  switch (frame[lengthBytes]) {
    case id.choke:
    case id.unchoke:
    case id.interested:
    case id.uninterested:
    case id.haveNone:
      return length === 1 ? pass : violation
    case id.have:
      return length === 5 && index(frame) ? pass : violation
    case id.request:
    case id.cancel:
    case id.reject:
      return length === 13 && index(frame) && range(frame) ? pass : violation
    case id.piece:
      return length > pieceHeaderBytes && index(frame) && offset(frame) <= wireLimits.bytes ? pass : violation
    case id.extended:
      if (length < 2) return violation
      return frame[lengthBytes + 1] === 0 ? inspectHandshake(frame) : pass
    default:
      return ignore
  }
}

function index(frame: Uint8Array): boolean {
  return uint32(frame, lengthBytes + 1) < wireLimits.offers
}

function offset(frame: Uint8Array): number {
  return uint32(frame, lengthBytes + 5)
}

function range(frame: Uint8Array): boolean {
  const length = uint32(frame, lengthBytes + 9)
  return length > 0 && length <= runBytes && offset(frame) + length <= wireLimits.bytes
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  )
}

/**
 * The extension handshake reaches the package rebuilt from the fields we understood: it calls methods on whatever
 * a dictionary holds, and its decoder's errors are its own.
 */
function inspectHandshake(frame: Uint8Array): Verdict {
  if (frame.length > maxHandshakeLength) return violation
  let fields: unknown
  try {
    fields = bencode.decode(frame.subarray(lengthBytes + 2))
  } catch {
    return violation
  }
  if (!isDictionary(fields) || !isDictionary(fields['m'])) return violation
  const number = fields['m']['nearcast']
  const hello = parseHello(fields)
  if (!hello || typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 255)
    return violation
  const rebuilt = bencode.encode({ m: { nearcast: number }, ...helloFields(hello) })
  const clean = new Uint8Array(lengthBytes + 2 + rebuilt.length)
  new DataView(clean.buffer).setUint32(0, 2 + rebuilt.length)
  clean[lengthBytes] = id.extended
  clean.set(rebuilt, lengthBytes + 2)
  return { type: 'pass', frame: clean }
}

function isDictionary(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/**
 * Messages a second that are no pieces (those are bounded by our own requests). A frontier moving at 30 MB/s in
 * blocks of 16 KiB announces itself 1,900 times a second; twice that for both directions of a relay, and headroom.
 */
export const controlRate = { messages: 5_000, bytes: 4 << 20, burstSeconds: 2 } as const

/** A token bucket over messages and bytes. */
export class ControlMeter {
  #messages = controlRate.messages * controlRate.burstSeconds
  #bytes = controlRate.bytes * controlRate.burstSeconds
  #at: number

  constructor(now: number) {
    this.#at = now
  }

  /** False when the sender has used up what it may send. */
  take(now: number, messages: number, bytes: number): boolean {
    const seconds = Math.max(0, now - this.#at) / 1000
    this.#at = now
    const { messages: perSecond, bytes: bytesPerSecond, burstSeconds } = controlRate
    this.#messages = Math.min(perSecond * burstSeconds, this.#messages + seconds * perSecond) - messages
    this.#bytes = Math.min(bytesPerSecond * burstSeconds, this.#bytes + seconds * bytesPerSecond) - bytes
    return this.#messages >= 0 && this.#bytes >= 0
  }
}
