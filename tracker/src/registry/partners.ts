import type { BinaryId } from '@nearcast/peer-core/signalling'

/**
 * The last peers one peer was matched with. Without this memory a LAN of three would be given the same
 * connections at every announce. It holds ids, not peers, so it keeps nobody alive.
 */
export class Partners {
  readonly #limit: number
  readonly #lastingMs: number
  /**
   * When each was matched, oldest first; below zero for those outside the group. Plain numbers, since a busy peer
   * changes this ten times an announce. Null while there was none, which is most of the peers of a quiet swarm.
   */
  #metAt: Map<BinaryId, number> | null = null
  /** Of whom the owner has said how the dial went, with the meeting that it was about. */
  #reported: Map<BinaryId, number> | null = null

  constructor(limit: number, lastingMs: number) {
    this.#limit = limit
    this.#lastingMs = lastingMs
  }

  /** `now` is above zero. */
  add(id: BinaryId, far: boolean, now: number): void {
    this.#metAt ??= new Map()
    // Only a new key goes to the end.
    if (!this.#metAt.delete(id) && this.#metAt.size >= this.#limit) {
      for (const oldest of this.#metAt.keys()) {
        this.#metAt.delete(oldest)
        break
      }
    }
    // Whole numbers of this size lie in the map itself; others would be objects.
    const at = Math.ceil(now)
    this.#metAt.set(id, far ? -at : at)
  }

  /** Matched within the last `withinMs` (by default: as long as partners are remembered). */
  has(id: BinaryId, now: number, withinMs: number = this.#lastingMs): boolean {
    const at = this.#metAt?.get(id)
    return at !== undefined && now - Math.abs(at) < withinMs
  }

  /** Whether a report about this partner counts: it was introduced lately, and this is the first one since. */
  takeOutcome(id: BinaryId, now: number): boolean {
    const at = this.#metAt?.get(id)
    if (at === undefined || now - Math.abs(at) >= this.#lastingMs || this.#reported?.get(id) === at)
      return false
    this.#reported ??= new Map()
    this.#reported.set(id, at)
    const [oldest] = this.#reported.keys()
    if (this.#reported.size > this.#limit && oldest !== undefined) this.#reported.delete(oldest)
    return true
  }

  /** How many are remembered; counts no further than `most`. */
  count(now: number, most: number = Number.POSITIVE_INFINITY): number {
    let count = 0
    if (this.#metAt === null) return count
    for (const at of this.#metAt.values()) if (now - Math.abs(at) < this.#lastingMs && ++count >= most) break
    return count
  }

  farCount(now: number): number {
    let count = 0
    for (const at of this.#metAt?.values() ?? []) if (at < 0 && now + at < this.#lastingMs) count++
    return count
  }

  remove(id: BinaryId): void {
    this.#metAt?.delete(id)
  }
}
