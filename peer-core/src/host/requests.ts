import type { SegmentKey } from '../core/events.ts'
import { type Delivery, type RequestOptions, SwarmError } from '../swarm.ts'

interface OpenRequest {
  readonly key: SegmentKey
  readonly options: RequestOptions
  readonly resolve: (delivery: Delivery) => void
  readonly reject: (error: SwarmError) => void
  readonly onAbort: () => void
}

/** The player's open requests: each ends once, in a delivery, an error or its abort. */
export class Requests {
  #open = new Map<number, OpenRequest>()
  #next = 1

  /** `cancel` is called when the request's signal aborts it. */
  open(
    key: SegmentKey,
    options: RequestOptions,
    cancel: () => void,
  ): { id: number; promise: Promise<Delivery> } {
    const id = this.#next++
    const promise = new Promise<Delivery>((resolve, reject) => {
      const onAbort = () => {
        this.fail(id, new SwarmError('aborted', 'The request was aborted.'))
        cancel()
      }
      this.#open.set(id, { key, options, resolve, reject, onAbort })
      options.signal.addEventListener('abort', onAbort, { once: true })
    })
    return { id, promise }
  }

  deliver(id: number, delivery: Delivery): void {
    this.#take(id)?.resolve(delivery)
  }

  fail(id: number, error: SwarmError): void {
    this.#take(id)?.reject(error)
  }

  failAll(error: SwarmError): void {
    for (const id of [...this.#open.keys()]) this.fail(id, error)
  }

  progress(key: SegmentKey, loaded: number, total: number): void {
    for (const request of this.#open.values()) {
      if (request.key === key) request.options.onProgress?.(loaded, total)
    }
  }

  #take(id: number): OpenRequest | undefined {
    const request = this.#open.get(id)
    if (!request) return undefined
    this.#open.delete(id)
    request.options.signal.removeEventListener('abort', request.onAbort)
    return request
  }
}
