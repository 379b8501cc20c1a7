import { TokenBucket } from '../registry/token-bucket.ts'

/** Wrong tokens a second, long run and at once, of one address: who guesses is slow, who mistypes is not. */
const guessesPerSecond = 1
const guessBurst = 20
/** Addresses remembered; the one that guessed longest ago is forgotten first. */
const mostGuessers = 10_000

/** Who guessed wrong lately. Each address for itself: a stranger who guesses must not shut the operator out. */
export class Guesses {
  readonly #buckets = new Map<string, TokenBucket>()

  /** Whether a token that `who` shows is looked at. */
  allows(who: string, now: number): boolean {
    const bucket = this.#buckets.get(who)
    return bucket === undefined || bucket.spend(0, now) >= 1
  }

  wrong(who: string, now: number): void {
    const bucket = this.#buckets.get(who) ?? new TokenBucket(guessesPerSecond, guessBurst, now)
    bucket.spend(1, now)
    this.#buckets.delete(who)
    this.#buckets.set(who, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > mostGuessers && oldest !== undefined) this.#buckets.delete(oldest)
  }
}
