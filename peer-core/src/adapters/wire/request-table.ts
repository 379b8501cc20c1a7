/** A range of an offer, as `request`, `piece`, `cancel` and `reject` name it. */
export interface Range {
  readonly n: number
  readonly offset: number
  readonly length: number
}

interface Entry {
  readonly range: Range
  cancelled: boolean
}

/**
 * Requests under way in one direction, oldest first for equal ranges. Under BEP 6 each has exactly one answer, a
 * `piece` or a `reject`, also when it was cancelled. bittorrent-protocol's own list forgets an entry on cancel, keeps
 * one for ever when an answer is short, and confuses duplicates; so it is kept here and emptied there.
 */
export class RequestTable {
  #entries = new Map<string, Entry[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(range: Range): void {
    const entries = this.#entries.get(key(range))
    const entry = { range, cancelled: false }
    if (entries) entries.push(entry)
    else this.#entries.set(key(range), [entry])
    this.#size++
  }

  /** The oldest request of this very range gets its answer: 'open', 'cancelled', or null when none was under way. */
  answer(range: Range): 'open' | 'cancelled' | null {
    const entries = this.#entries.get(key(range))
    const entry = entries?.shift()
    if (!entries || !entry) return null
    if (entries.length === 0) this.#entries.delete(key(range))
    this.#size--
    return entry.cancelled ? 'cancelled' : 'open'
  }

  /** Marks the oldest request of this range that is still wanted; false when there is none. */
  cancel(range: Range): boolean {
    const entry = this.#entries.get(key(range))?.find(candidate => !candidate.cancelled)
    if (!entry) return false
    entry.cancelled = true
    return true
  }

  /** Those of offer `n` that reach beyond `offset`. */
  beyond(n: number, offset: number): Range[] {
    const found: Range[] = []
    for (const entries of this.#entries.values()) {
      for (const { range } of entries)
        if (range.n === n && range.offset + range.length > offset) found.push(range)
    }
    return found
  }
}

function key({ n, offset, length }: Range): string {
  return `${n}:${offset}:${length}`
}
