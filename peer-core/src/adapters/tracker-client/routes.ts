/** Which way a key was last heard, for the most recent keys only. */
export class Routes<Way> {
  readonly #limit: number
  readonly #ways = new Map<string, Way>()

  constructor(limit: number) {
    this.#limit = limit
  }

  set(key: string, way: Way): void {
    this.#ways.delete(key)
    if (this.#ways.size >= this.#limit) {
      const [oldest] = this.#ways.keys()
      if (oldest !== undefined) this.#ways.delete(oldest)
    }
    this.#ways.set(key, way)
  }

  find(key: string): Way | undefined {
    return this.#ways.get(key)
  }
}
