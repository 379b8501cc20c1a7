import { decodeUtf8 } from './utf8.ts'

/**
 * Reads fields from bytes of a stranger. Never throws: after the first field that does not fit, `ok` is false and
 * every read gives an empty value.
 */
export class ByteReader {
  #bytes: Uint8Array
  #at = 0
  #ok = true

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  get ok(): boolean {
    return this.#ok
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined || !this.#ok) return this.#fail(0)
    this.#at++
    return value
  }

  /** Unsigned LEB128 of at most `max` (≤ 2^53 − 1). */
  varint(max: number): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value <= max ? value : this.#fail(0)
      scale *= 0x80
    }
    return this.#fail(0)
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    if (!this.#ok || this.#at + count > this.#bytes.length) return this.#fail(this.#bytes.subarray(0, 0))
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  utf8(maxBytes: number): string {
    const text = decodeUtf8(this.bytes(this.varint(maxBytes)))
    return text ?? this.#fail('')
  }

  hex(count: number): string {
    let text = ''
    for (const byte of this.bytes(count)) text += byte.toString(16).padStart(2, '0')
    return text
  }

  #fail<T>(value: T): T {
    this.#ok = false
    return value
  }
}
