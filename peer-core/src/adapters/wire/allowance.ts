/** Bulk that may wait in the channel whatever its speed: one run. */
const minAllowanceBytes = 65_536

/** Longer than this nothing urgent should wait behind bulk that already left our hands. */
const allowanceMs = 100

/** A sample shorter than this says more about the event loop than about the network. */
const sampleMs = 20

/**
 * How many bytes of bulk the channel may hold: max(64 KiB, what it moved in the last 100 ms). Less and the channel
 * runs dry between two turns of the event loop; more and control messages queue behind bulk.
 */
export class Allowance {
  #rateBps = 0
  #sentBytes = 0
  #markAt = 0
  #markDelivered = 0
  #busy = false

  /** `bufferedBytes`: what the channel holds, this message included. */
  sent(now: number, bytes: number, bufferedBytes: number): void {
    if (!this.#busy) {
      this.#busy = true
      this.#markAt = now
      this.#markDelivered = this.#sentBytes
    }
    this.#sentBytes += bytes
    this.observe(now, bufferedBytes)
  }

  observe(now: number, bufferedBytes: number): void {
    if (!this.#busy) return
    const delivered = this.#sentBytes - bufferedBytes
    const elapsedMs = now - this.#markAt
    const idle = bufferedBytes === 0
    if (elapsedMs >= sampleMs || (idle && elapsedMs > 0)) {
      const sample = ((delivered - this.#markDelivered) * 1000) / elapsedMs
      // A channel that ran dry was limited by us: it is at least this fast.
      if (elapsedMs >= sampleMs)
        this.#rateBps = idle ? Math.max(this.#rateBps, sample) : mean(this.#rateBps, sample)
      this.#markAt = now
      this.#markDelivered = delivered
    }
    if (idle) this.#busy = false
  }

  bytes(): number {
    return Math.max(minAllowanceBytes, Math.round((this.#rateBps * allowanceMs) / 1000))
  }
}

function mean(rate: number, sample: number): number {
  return rate === 0 ? sample : rate * 0.7 + sample * 0.3
}
