import type { Link, LinkEvents, PeerMessage } from '@nearcast/peer-core'

/** Moves bytes over a link as the core does, and keeps the times. Runs in Node and in pages. */

/** Byte `i` of the clip that `seed` names: cheap, and different at every offset that a mistake could mix up. */
export function clip(seed: number, size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4))
  let state = seed >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    // xorshift32
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, size)
}

/** FNV-1a over words, to compare across processes without moving the bytes. */
export function fingerprint(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return `${bytes.length}:${(hash >>> 0).toString(16)}`
}

export interface TransferReport {
  readonly bytes: number
  readonly fingerprint: string
  readonly ms: number
  /** Longest time without a block, the wait for the first one included, ms. */
  readonly largestGapMs: number
  readonly pieces: number
}

export interface Mover {
  /** Asks for the whole of offer `n`, `depth` runs at a time. */
  take(
    n: number,
    size: number,
    options?: { depth?: number; runBytes?: number; keep?: boolean },
  ): Promise<TransferReport>
  /** What came that was neither asked for nor a question, newest last. */
  readonly heard: PeerMessage[]
  closed: string | null
}

/** Answers requests from `offers` and takes what is asked of it. */
export function createMover(link: Link, offers: ReadonlyMap<number, Uint8Array>): Mover {
  let taking: { onPiece(offset: number, payload: Uint8Array): void; onEnd(reason: string): void } | null =
    null
  const mover: Mover = {
    heard: [],
    closed: null,
    take(n, size, { depth = 8, runBytes = 65_536, keep = true } = {}) {
      return new Promise((resolve, reject) => {
        if (mover.closed !== null) {
          reject(new Error(`the link is closed: ${mover.closed}`))
          return
        }
        const whole = keep ? new Uint8Array(size) : null
        const started = performance.now()
        let last = started
        let largestGapMs = 0
        let asked = 0
        let received = 0
        let pieces = 0
        const ask = () => {
          while (asked < size && asked - received < depth * runBytes) {
            const length = Math.min(runBytes, size - asked)
            link.send({ type: 'request', n, offset: asked, length })
            asked += length
          }
        }
        taking = {
          onPiece(offset, payload) {
            const now = performance.now()
            largestGapMs = Math.max(largestGapMs, now - last)
            last = now
            whole?.set(payload, offset)
            received += payload.length
            pieces++
            if (received < size) ask()
            else {
              taking = null
              const print = whole ? fingerprint(whole) : ''
              resolve({ bytes: received, fingerprint: print, ms: now - started, largestGapMs, pieces })
            }
          },
          onEnd: reason => reject(new Error(`the link closed: ${reason}`)),
        }
        ask()
      })
    },
  }
  const events: LinkEvents = {
    onMessage(message, payload) {
      if (message.type === 'request') {
        const { n, offset, length } = message
        const bytes = offers.get(n)?.subarray(offset, offset + length)
        if (bytes?.length === length) link.send({ type: 'piece', n, offset, length }, bytes)
        else link.send({ type: 'reject', n, offset, length })
      } else if (message.type === 'piece' && payload) taking?.onPiece(message.offset, payload)
      else mover.heard.push(message)
    },
    onDrained() {},
    onClose(reason) {
      mover.closed = reason
      taking?.onEnd(reason)
    },
  }
  link.listen(events)
  return mover
}
