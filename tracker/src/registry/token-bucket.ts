/** Spends a budget that refills steadily. The level may fall below zero, by at most one burst: a debt to wait off. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #level: number
  #at: number

  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#level = burst
    this.#at = now
  }

  /** What is left after the spending: below 0 the caller went too far, at −burst far too far. */
  spend(cost: number, now: number): number {
    const passedMs = now - this.#at
    // Without a limit perMs is Infinity, and no time at all times that is no number.
    const refilled = passedMs > 0 ? this.#level + passedMs * this.#perMs : this.#level
    this.#at = now
    this.#level = Math.max(-this.#burst, Math.min(this.#burst, refilled) - cost)
    return this.#level
  }
}
