import type { BinaryId, Level } from '@nearcast/peer-core/signalling'
import type { Peer } from './peer.ts'

/** One offer that was relayed to the ledger's owner, its receiver. */
export interface OpenOffer {
  readonly from: Peer
  readonly receiver: Peer
  readonly offerId: BinaryId
  readonly level: Level
  readonly kind: 'speculative' | 'directed'
  /** Whole ms. */
  readonly until: number
  /** In the queue of those that end by themselves. */
  ticket: number
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
  /**
   * By offer id: ids are random, so two offerers hardly ever use the same one. When they do (a copied id would
   * otherwise push somebody's entry out), the second lies under offerer and id together, which is 40 characters and so
   * never the id of another. Null while nothing is open.
   */
  #offers: Map<string, OpenOffer> | null = null

  get size(): number {
    return this.#offers?.size ?? 0
  }

  add(offer: OpenOffer): void {
    this.#offers ??= new Map()
    const { offerId } = offer
    const { id } = offer.from
    const other = this.#offers.get(offerId)
    this.#offers.set(other === undefined || other.from.id === id ? offerId : id + offerId, offer)
  }

  /** The entry, if it has not ended by `now`. */
  find(from: BinaryId, offerId: BinaryId, now: number): OpenOffer | null {
    let offer = this.#offers?.get(offerId)
    if (offer !== undefined && offer.from.id !== from) offer = undefined
    offer ??= this.#offers?.get(from + offerId)
    return offer !== undefined && offer.until > now ? offer : null
  }

  /** How many of the offers are one peer's. */
  countFrom(from: BinaryId): number {
    let count = 0
    for (const offer of this.#offers?.values() ?? []) if (offer.from.id === from) count++
    return count
  }

  /** Takes out this very entry, if it is still in. */
  remove(offer: OpenOffer): void {
    const offers = this.#offers
    const { offerId } = offer
    if (offers === null) return
    if (offers.get(offerId) === offer) offers.delete(offerId)
    else if (offers.get(offer.from.id + offerId) === offer) offers.delete(offer.from.id + offerId)
    if (offers.size === 0) this.#offers = null
  }
}
