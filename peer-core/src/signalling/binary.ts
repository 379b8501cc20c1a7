/**
 * WebTorrent's JSON carries 20-byte ids as strings of 20 characters, one a byte (U+0000–U+00FF). On the wire a
 * byte above 0x7f takes two bytes of UTF-8 and a control character six, so lengths count characters.
 */
export type BinaryId = string

export function isBinaryId(value: unknown): value is BinaryId {
  if (typeof value !== 'string' || value.length !== 20) return false
  for (let i = 0; i < 20; i++) if (value.charCodeAt(i) > 0xff) return false
  return true
}

export function isHexId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{40}$/.test(value)
}

/** 40 lower-case hex digits of a 20-character id. */
export function binaryToHex(binary: BinaryId): string {
  let hex = ''
  for (let i = 0; i < binary.length; i++) hex += (binary.charCodeAt(i) & 0xff).toString(16).padStart(2, '0')
  return hex
}

/** The 20 characters for 40 hex digits. Throws when given anything else: ids inside the program are valid. */
export function hexToBinary(hex: string): BinaryId {
  if (!isHexId(hex)) throw new TypeError(`not a 20-byte id in hex: ${JSON.stringify(hex)}`)
  let binary = ''
  for (let i = 0; i < 40; i += 2) binary += String.fromCharCode(Number.parseInt(hex.slice(i, i + 2), 16))
  return binary
}
