import type { BinaryId, Level } from '@nearcast/peer-core/signalling'
import type { Peer } from './peer.ts'

/** One offer that was relayed to the ledger's owner. */
export interface OpenOffer {
  readonly from: Peer
  readonly level: Level
  readonly kind: 'speculative' | 'directed'
  readonly until: number
  state: 'open' | 'answered'
  /** Messages with candidates, from the offerer and from the answerer. */
  offererCandidates: number
  answererCandidates: number
}

/**
 * The offers relayed to one peer and still valid. An answer passes only against an entry here, and once; this is
 * what makes unsolicited and spoofed answers impossible. Expiry is driven from outside, oldest first.
 */
export class Ledger {
  readonly #offers = new Map<string, OpenOffer>()

  get size(): number {
    return this.#offers.size
  }

  add(offerId: BinaryId, offer: OpenOffer): void {
    this.#offers.set(offer.from.id + offerId, offer)
  }

  /** The entry, if it has not ended by `now`. */
  find(from: BinaryId, offerId: BinaryId, now = 0): OpenOffer | null {
    const offer = this.#offers.get(from + offerId)
    return offer !== undefined && offer.until > now ? offer : null
  }

  /** How many of the offers are one peer's. */
  countFrom(from: BinaryId): number {
    let count = 0
    for (const offer of this.#offers.values()) if (offer.from.id === from) count++
    return count
  }

  remove(from: BinaryId, offerId: BinaryId): void {
    this.#offers.delete(from + offerId)
  }
}
