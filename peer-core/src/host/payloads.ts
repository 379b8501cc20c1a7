import type { SegmentKey } from '../core/events.ts'
import { blockBytes } from '../core/messages.ts'

interface Payload {
  bytes: Uint8Array<ArrayBuffer>
  /** End of what was written, for bodies of unknown size. */
  end: number
  written: number
  list: Uint8Array | null
  usedAt: number
  /** The persistent store has it too: memory may forget it. */
  isBacked: boolean
}

/** The bytes behind the core's bookkeeping: one growing buffer a segment, and its block-hash list once proven. */
export class Payloads {
  #segments = new Map<SegmentKey, Payload>()
  #uses = 0
  #budget: number

  /** `budget`: bytes kept in memory of segments that the persistent store also has. */
  constructor(budget: number) {
    this.#budget = budget
  }

  has(key: SegmentKey): boolean {
    return this.#segments.has(key)
  }

  /** Bytes written so far, for progress. */
  written(key: SegmentKey): number {
    return this.#segments.get(key)?.written ?? 0
  }

  write(key: SegmentKey, offset: number, bytes: Uint8Array, expectedSize: number): void {
    const payload = this.#of(key, Math.max(expectedSize, offset + bytes.length))
    payload.bytes.set(bytes, offset)
    payload.end = Math.max(payload.end, offset + bytes.length)
    payload.written += bytes.length
  }

  /** A view, valid until the segment is evicted; undefined when the bytes are not in memory. */
  view(key: SegmentKey, offset: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    const payload = this.#segments.get(key)
    if (!payload || offset + length > payload.bytes.length) return undefined
    payload.usedAt = ++this.#uses
    return payload.bytes.subarray(offset, offset + length)
  }

  /** Undefined for each that is not in memory. */
  blocks(key: SegmentKey, first: number, count: number, size: number): (Uint8Array | undefined)[] {
    const blocks: (Uint8Array | undefined)[] = []
    for (let index = first; index < first + count; index++) {
      const length = Math.min(blockBytes, size - index * blockBytes)
      blocks.push(this.view(key, index * blockBytes, length))
    }
    return blocks
  }

  setList(key: SegmentKey, list: Uint8Array): void {
    this.#of(key, 0).list = list
  }

  list(key: SegmentKey): Uint8Array | null {
    return this.#segments.get(key)?.list ?? null
  }

  /** Read back from the persistent store. */
  restore(key: SegmentKey, bytes: Uint8Array): void {
    const payload = this.#of(key, bytes.length)
    payload.bytes.set(bytes)
    payload.end = bytes.length
    payload.isBacked = true
    this.#trim(key)
  }

  /** The persistent store has these bytes now. Others that came under the same key meanwhile it does not have. */
  back(key: SegmentKey, stored: Uint8Array): void {
    const payload = this.#segments.get(key)
    if (payload?.bytes.buffer === stored.buffer) payload.isBacked = true
    this.#trim(key)
  }

  evict(key: SegmentKey): void {
    this.#segments.delete(key)
  }

  #of(key: SegmentKey, size: number): Payload {
    const known = this.#segments.get(key)
    if (known) {
      if (known.bytes.length < size) {
        const grown = new Uint8Array(Math.max(size, known.bytes.length * 2))
        grown.set(known.bytes.subarray(0, known.end))
        known.bytes = grown
      }
      return known
    }
    const made: Payload = {
      bytes: new Uint8Array(size),
      end: 0,
      written: 0,
      list: null,
      usedAt: ++this.#uses,
      isBacked: false,
    }
    this.#segments.set(key, made)
    return made
  }

  /** Forgets the bytes (never the lists) of backed segments, longest unused first, until the budget holds. */
  #trim(keep: SegmentKey): void {
    let bytes = 0
    const backed: [SegmentKey, Payload][] = []
    for (const [key, payload] of this.#segments) {
      if (!payload.isBacked) continue
      bytes += payload.bytes.length
      if (key !== keep) backed.push([key, payload])
    }
    if (bytes <= this.#budget) return
    backed.sort(([, a], [, b]) => a.usedAt - b.usedAt)
    for (const [, payload] of backed) {
      if (bytes <= this.#budget) return
      bytes -= payload.bytes.length
      payload.bytes = new Uint8Array(0)
      payload.end = 0
    }
  }
}
