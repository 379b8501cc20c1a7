/** A join token, or what brings one: asked again before it expires, and when the tracker refuses it. */
export type TokenSource = string | (() => string | Promise<string>)

/** A fresh one is fetched so long before the old one expires, ms. */
const aheadMs = 30_000

/** The token that announces carry. One serves all trackers of a swarm. */
export class JoinToken {
  readonly #source: TokenSource
  readonly #now: () => number
  #text: string | null = null
  #fetching: Promise<void> | null = null

  /** @param now ms since 1970 */
  constructor(source: TokenSource, now: () => number = Date.now) {
    this.#source = source
    this.#now = now
    if (typeof source === 'string') this.#text = source
  }

  /** What is at hand, or null. */
  get current(): string | null {
    return this.#text
  }

  /** False for a fixed text: then asking again brings nothing new. */
  get isRenewable(): boolean {
    return typeof this.#source !== 'string'
  }

  /** Brings a token that still counts for a while, as far as one can be had; never rejects. */
  async prepare(): Promise<void> {
    if (this.#text !== null && this.freshForMs() > 0) return
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null
    })
    await this.#fetching
  }

  /** It was refused: the next is another. */
  discard(refused: string | null): void {
    // Another tracker may have had it replaced already.
    if (this.isRenewable && this.#text === refused) this.#text = null
  }

  /** How long until a fresh one is due, ms; Infinity when it never is. */
  freshForMs(): number {
    if (!this.isRenewable || this.#text === null) return Number.POSITIVE_INFINITY
    return expiryOf(this.#text) - aheadMs - this.#now()
  }

  async #fetch(): Promise<void> {
    if (typeof this.#source === 'string') return
    try {
      const text = await this.#source()
      if (typeof text === 'string' && text !== '') this.#text = text
    } catch {
      // The old one, or none: the tracker says what it thinks of that.
    }
  }
}

/** When it expires by its own word, ms since 1970; Infinity when it does not say. Its signature is the tracker's business. */
function expiryOf(token: string): number {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const { exp } = JSON.parse(atob(payload)) as { readonly exp?: unknown }
    return typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
