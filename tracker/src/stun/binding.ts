import { crc32 } from 'node:zlib'

/**
 * The one thing a STUN server must do here: tell a client its own address (RFC 8489, Binding). About a hundred lines
 * because no kept codec library fits (docs/decisions/0012); the sections are named where they apply.
 */

export interface Endpoint {
  /** 4 or 16 bytes in network order. */
  readonly bytes: readonly number[]
  readonly port: number
}

/** §5: type, length, magic cookie, transaction id. */
const headerBytes = 20
const magicCookie = 0x2112a442
/** §18.2, Binding method; §5, class bits. */
const bindingRequest = 0x0001
const bindingSuccess = 0x0101
const bindingError = 0x0111
/** §18.3 */
const attributes = {
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  xorMappedAddress: 0x0020,
  fingerprint: 0x8028,
} as const
/** A request from an ICE agent has no more than a few attributes; anything longer is not for us. */
const largestRequest = 548
const mostUnknown = 8

/**
 * The response to one datagram, or null for what deserves none. A response is at most 52 bytes, an error at most 56:
 * whoever forges a source address gains nothing from us.
 */
export function answerBinding(datagram: Uint8Array, source: Endpoint): Uint8Array | null {
  const request = readRequest(datagram)
  if (request === null) return null
  // §6.3.1: comprehension-required attributes that we do not know end the request with 420.
  if (request.unknown.length > 0) return writeMessage(bindingError, request, unknownError(request.unknown))
  return writeMessage(bindingSuccess, request, [xorMappedAddress(source, request.transaction)])
}

interface Request {
  readonly transaction: Uint8Array
  /** The sender checks messages by fingerprint (§14.7), so it gets one. */
  readonly fingerprint: boolean
  readonly unknown: readonly number[]
}

function readRequest(datagram: Uint8Array): Request | null {
  if (datagram.length < headerBytes || datagram.length > largestRequest) return null
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  // §5: first two bits zero (so type < 0x4000), length a multiple of four. Clients of RFC 3489 have no cookie.
  if (view.getUint16(0) !== bindingRequest || view.getUint32(4) !== magicCookie) return null
  if (view.getUint16(2) !== datagram.length - headerBytes || datagram.length % 4 !== 0) return null

  const unknown: number[] = []
  let fingerprint = false
  for (let at = headerBytes; at < datagram.length; ) {
    if (at + 4 > datagram.length) return null
    const type = view.getUint16(at)
    const length = view.getUint16(at + 2)
    if (at + 4 + length > datagram.length) return null
    if (type === attributes.fingerprint) {
      const sound = length === 4 && view.getUint32(at + 4) === fingerprintOf(datagram.subarray(0, at))
      if (!sound || at + 8 !== datagram.length) return null
      fingerprint = true
    } else if (type < 0x8000 && !ignorable.has(type) && unknown.length < mostUnknown) unknown.push(type)
    // §14: values are padded to four bytes.
    at += 4 + length + ((4 - (length % 4)) % 4)
  }
  return { transaction: datagram.slice(4, headerBytes), fingerprint, unknown }
}

/** Credentials (USERNAME, MESSAGE-INTEGRITY, REALM, NONCE and their kin): we ask for none and check none (§9). */
const ignorable = new Set([0x0006, 0x0008, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e])

/** §14.2: the address XORed with cookie and transaction id, so that no NAT on the way rewrites it. */
function xorMappedAddress({ bytes, port }: Endpoint, transaction: Uint8Array): Uint8Array {
  const value = new Uint8Array(4 + bytes.length)
  const view = new DataView(value.buffer)
  value[1] = bytes.length === 4 ? 1 : 2
  view.setUint16(2, port ^ (magicCookie >>> 16))
  bytes.forEach((byte, i) => {
    // `transaction` begins with the cookie, so it is the whole XOR pad.
    value[4 + i] = byte ^ (transaction[i] ?? 0)
  })
  return attribute(attributes.xorMappedAddress, value)
}

function unknownError(unknown: readonly number[]): readonly Uint8Array[] {
  const types = new Uint8Array(unknown.length * 2)
  unknown.forEach((type, i) => {
    new DataView(types.buffer).setUint16(i * 2, type)
  })
  // §14.8: class 4, number 20. The reason phrase may be empty.
  return [
    attribute(attributes.errorCode, Uint8Array.of(0, 0, 4, 20)),
    attribute(attributes.unknownAttributes, types),
  ]
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(value.length / 4) * 4)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, type)
  view.setUint16(2, value.length)
  bytes.set(value, 4)
  return bytes
}

function writeMessage(type: number, request: Request, body: readonly Uint8Array[]): Uint8Array {
  const bodyBytes = body.reduce((sum, { length }) => sum + length, 0)
  const message = new Uint8Array(headerBytes + bodyBytes + (request.fingerprint ? 8 : 0))
  const view = new DataView(message.buffer)
  view.setUint16(0, type)
  view.setUint16(2, message.length - headerBytes)
  message.set(request.transaction, 4)
  let at = headerBytes
  for (const part of body) {
    message.set(part, at)
    at += part.length
  }
  if (request.fingerprint) {
    view.setUint16(at, attributes.fingerprint)
    view.setUint16(at + 2, 4)
    view.setUint32(at + 4, fingerprintOf(message.subarray(0, at)))
  }
  return message
}

/** §14.7: CRC-32 of everything before the attribute, XOR 0x5354554e. */
function fingerprintOf(bytes: Uint8Array): number {
  return (crc32(bytes) ^ 0x5354554e) >>> 0
}
