/**
 * Cuts a stranger's bytes into the frames of BEP 3 before bittorrent-protocol sees them. The package has no cap on a
 * message's length, joins small chunks in quadratic time, and would keep whatever a peer announces; here a frame is
 * refused by its first five bytes, memory is bounded by the largest frame, and the package gets whole frames only.
 */

/** A frame's length prefix counts from its id on. */
export const lengthBytes = 4

/** pstrlen, pstr, eight reserved bytes, info hash, peer id. */
const handshakeBytes = 68

const protocol = [19, ...[...'BitTorrent protocol'].map(character => character.charCodeAt(0))]

export interface FrameEvents {
  /** The first 68 bytes. */
  onHandshake(handshake: Uint8Array): void
  /** One whole frame, length prefix included. Keep-alives (length 0) are left out. */
  onFrame(frame: Uint8Array): void
}

/** `maxLength` gives the largest length that a frame with this id may announce. */
export class FrameReader {
  #events: FrameEvents
  #maxLength: (id: number) => number
  #stage: 'handshake' | 'frames' | 'refused' = 'handshake'
  /** The frame being collected, and how much of it is there. */
  #frame: Uint8Array | null = null
  #filled = 0
  /** Up to five bytes of a frame whose buffer cannot be made yet. */
  #head: number[] = []
  #keepAlives = 0

  constructor(maxLength: (id: number) => number, events: FrameEvents) {
    this.#maxLength = maxLength
    this.#events = events
  }

  /** Keep-alives since the last call: they cost a sender as much as any message. */
  takeKeepAlives(): number {
    const count = this.#keepAlives
    this.#keepAlives = 0
    return count
  }

  /** False when the bytes are none of this protocol; nothing is read after that. */
  push(bytes: Uint8Array): boolean {
    let at = 0
    while (at < bytes.length && this.#stage !== 'refused') at = this.#step(bytes, at)
    return this.#stage !== 'refused'
  }

  #step(bytes: Uint8Array, start: number): number {
    if (this.#frame) return this.#fill(this.#frame, bytes, start)
    if (this.#stage === 'handshake') {
      this.#begin(handshakeBytes)
      return start
    }
    let at = start
    while (at < bytes.length && this.#head.length < lengthBytes + 1) {
      this.#head.push(bytes[at++] ?? 0)
      if (this.#head.length === lengthBytes && this.#head.every(byte => byte === 0)) {
        this.#keepAlives++
        this.#head = []
        return at
      }
    }
    const [a = 0, b = 0, c = 0, d = 0, id] = this.#head
    if (id === undefined) return at
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (length > this.#maxLength(id)) {
      this.#stage = 'refused'
      return at
    }
    // The usual case: the whole frame lies in this chunk, so a view of it will do.
    const begin = at - lengthBytes - 1
    if (begin >= start && begin + lengthBytes + length <= bytes.length) {
      this.#head = []
      this.#events.onFrame(bytes.subarray(begin, begin + lengthBytes + length))
      return begin + lengthBytes + length
    }
    const frame = this.#begin(lengthBytes + length)
    frame.set(this.#head)
    this.#filled = this.#head.length
    this.#head = []
    return this.#filled === frame.length ? this.#fill(frame, bytes, at) : at
  }

  #begin(size: number): Uint8Array {
    this.#frame = new Uint8Array(size)
    this.#filled = 0
    return this.#frame
  }

  #fill(frame: Uint8Array, bytes: Uint8Array, start: number): number {
    const count = Math.min(frame.length - this.#filled, bytes.length - start)
    frame.set(bytes.subarray(start, start + count), this.#filled)
    this.#filled += count
    if (this.#stage === 'handshake' && !protocol.every((byte, i) => i >= this.#filled || frame[i] === byte)) {
      this.#stage = 'refused'
    } else if (this.#filled === frame.length) {
      this.#frame = null
      if (this.#stage === 'frames') this.#events.onFrame(frame)
      else {
        this.#stage = 'frames'
        this.#events.onHandshake(frame)
      }
    }
    return start + count
  }
}
