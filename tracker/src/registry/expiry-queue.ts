/** Things that all live equally long, in order of their end: adding and expiring cost O(1), no timers. */
export class ExpiryQueue<T extends { readonly until: number }> {
  /** Null where one was dropped. */
  #items: (T | null)[] = []
  #head = 0
  /** Ticket of the first item. */
  #first = 0
  #size = 0

  /** Returns a ticket with which it can be dropped. */
  push(item: T): number {
    this.#size++
    return this.#first + this.#items.push(item) - 1
  }

  /** Lets go of one whose end nobody needs to hear of: most end long before, and so never grow old in memory. */
  drop(ticket: number): void {
    const index = ticket - this.#first
    if (index < this.#head || !this.#items[index]) return
    this.#items[index] = null
    this.#size--
  }

  /** Takes out what ended by `now`. */
  *expired(now: number): Generator<T> {
    for (; this.#head < this.#items.length; this.#head++) {
      const item = this.#items[this.#head]
      if (!item) continue
      if (item.until > now) break
      this.#items[this.#head] = null
      this.#size--
      yield item
    }
    // Give the memory back once half of it is spent; each item is moved at most once for that.
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#first += this.#head
      this.#head = 0
    }
  }

  get size(): number {
    return this.#size
  }
}
