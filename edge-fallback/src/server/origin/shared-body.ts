import type { Timers } from '../../source/timers.ts'

/**
 * One body that comes once and goes to many: every reader starts at any byte still kept and follows as it grows.
 * While it is no longer than `limit` it is kept whole, and the source runs at its own speed. Beyond that it keeps only
 * what some reader still needs, and waits for the slowest. When the last reader breaks off, the source is let go; one who
 * got its part leaves it running for the next.
 */
export class SharedBody {
  readonly #source: ReadableStreamDefaultReader<Uint8Array>
  readonly #limit: number
  readonly #stall: () => () => void
  readonly #onEnd: (how: 'done' | 'failed') => void
  readonly #readers = new Set<{ at: number }>()
  #chunks: Uint8Array[] = []
  /** Body offset of the first kept byte, and of the end of what came. */
  #start = 0
  #end = 0
  #state: { type: 'flowing' } | { type: 'done' } | { type: 'failed'; error: unknown } = { type: 'flowing' }
  #changed = signal()

  /**
   * @param stallMs Longest silence of the source before it counts as broken.
   * @param onEnd Called once when the source ended, however.
   */
  constructor(
    source: ReadableStream<Uint8Array>,
    limit: number,
    stallMs: number,
    timers: Timers,
    onEnd: (how: 'done' | 'failed') => void,
  ) {
    this.#source = source.getReader()
    this.#stall = () => timers.after(stallMs, () => this.#fail(new Error(`silent for ${stallMs} ms`)))
    this.#limit = limit
    this.#onEnd = onEnd
    void this.#pump()
  }

  /** Bytes held in memory. */
  get heldBytes(): number {
    return this.#end - this.#start
  }

  /** Bytes that came so far. */
  get receivedBytes(): number {
    return this.#end
  }

  /** Every byte from the first one is there or still to come. */
  get whole(): boolean {
    return this.#start === 0 && this.#state.type !== 'failed'
  }

  get done(): boolean {
    return this.#state.type === 'done'
  }

  /** Bytes `[from, to)` of the body, `to` Infinity for its end. Errors when they cannot come any more. */
  read(from: number, to: number): ReadableStream<Uint8Array> {
    const reader = { at: from }
    const leave = () => {
      this.#readers.delete(reader)
      this.#notify()
    }
    this.#readers.add(reader)
    return new ReadableStream<Uint8Array>(
      {
        pull: async controller => {
          for (;;) {
            if (reader.at >= to || (this.#state.type === 'done' && reader.at >= this.#end)) {
              leave()
              controller.close()
              return
            }
            if (reader.at < this.#start) {
              leave()
              throw new Error('bytes are gone')
            }
            const chunk = this.#chunkAt(reader.at)
            if (chunk) {
              const part = chunk.subarray(0, to - reader.at)
              reader.at += part.length
              this.#notify()
              controller.enqueue(part)
              return
            }
            if (this.#state.type === 'failed') {
              leave()
              throw this.#state.error
            }
            await this.#changed.promise
          }
        },
        cancel: () => {
          leave()
          if (this.#readers.size === 0) this.#fail(new Error('nobody reads any more'))
        },
      },
      { highWaterMark: 0 },
    )
  }

  #chunkAt(offset: number): Uint8Array | null {
    let at = this.#start
    for (const chunk of this.#chunks) {
      if (offset < at + chunk.length) return chunk.subarray(offset - at)
      at += chunk.length
    }
    return null
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const disarm = this.#stall()
        const { done, value } = await this.#source.read().finally(disarm)
        if (this.#state.type !== 'flowing') return
        if (done) break
        this.#chunks.push(value)
        this.#end += value.length
        this.#notify()
        while (this.heldBytes > this.#limit && this.#state.type === 'flowing') {
          this.#trim()
          if (this.heldBytes > this.#limit) await this.#changed.promise
        }
      }
      this.#state = { type: 'done' }
      this.#onEnd('done')
      this.#notify()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Forgets what every reader has passed. */
  #trim(): void {
    if (this.#readers.size === 0) return this.#fail(new Error('nobody reads it'))
    const needed = Math.min(...[...this.#readers].map(reader => reader.at))
    while (this.#chunks.length > 0 && this.#start + this.#chunks[0]!.length <= needed) {
      this.#start += this.#chunks.shift()!.length
    }
  }

  #fail(error: unknown): void {
    if (this.#state.type !== 'flowing') return
    this.#state = { type: 'failed', error }
    this.#source.cancel(error).catch(() => {})
    this.#onEnd('failed')
    this.#notify()
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = signal()
  }
}

function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
