import type { BinaryId } from '@nearcast/peer-core/signalling'

interface Partner {
  readonly id: BinaryId
  readonly at: number
  readonly far: boolean
}

/**
 * The last peers one peer was matched with. Without this memory a LAN of three would be given the same
 * connections at every announce. It holds ids, not peers, so it keeps nobody alive.
 */
export class Partners {
  readonly #limit: number
  readonly #lastingMs: number
  #partners: Partner[] = []

  constructor(limit: number, lastingMs: number) {
    this.#limit = limit
    this.#lastingMs = lastingMs
  }

  add(id: BinaryId, far: boolean, now: number): void {
    this.remove(id)
    if (this.#partners.length >= this.#limit) this.#partners.shift()
    this.#partners.push({ id, at: now, far })
  }

  /** Matched within the last `withinMs` (by default: as long as partners are remembered). */
  has(id: BinaryId, now: number, withinMs: number = this.#lastingMs): boolean {
    const partner = this.#partners.find(item => item.id === id)
    return partner !== undefined && now - partner.at < withinMs
  }

  count(now: number): number {
    return this.#partners.filter(({ at }) => now - at < this.#lastingMs).length
  }

  farCount(now: number): number {
    return this.#partners.filter(({ far, at }) => far && now - at < this.#lastingMs).length
  }

  remove(id: BinaryId): void {
    const index = this.#partners.findIndex(item => item.id === id)
    if (index >= 0) this.#partners.splice(index, 1)
  }
}
