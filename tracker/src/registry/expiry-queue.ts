/** Things that all live equally long, in order of their end: adding and expiring cost O(1), no timers. */
export class ExpiryQueue<T extends { readonly until: number }> {
  #items: T[] = []
  #head = 0

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes out what ended by `now`. */
  *expired(now: number): Generator<T> {
    for (
      let item = this.#items[this.#head];
      item !== undefined && item.until <= now;
      item = this.#items[this.#head]
    ) {
      this.#head++
      yield item
    }
    // Give the memory back once half of it is spent; each item is moved at most once for that.
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }

  get size(): number {
    return this.#items.length - this.#head
  }
}
