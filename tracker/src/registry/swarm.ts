import type { BinaryId } from '@nearcast/peer-core/signalling'
import {
  addressIndex,
  asnIndex,
  Bag,
  bagLevels,
  countryIndex,
  farIndex,
  lanIndex,
  prefixIndex,
  siteIndex,
} from './bag.ts'
import type { Peer } from './peer.ts'

/** All peers of one info_hash, and one bag per group and level. */
export class Swarm {
  readonly infoHash: BinaryId
  readonly peers = new Map<BinaryId, Peer>()
  readonly everybody: Bag
  /** Bags of sites and prefixes, to find the few who are elsewhere when nearly everybody is here. */
  readonly areas: Bag[] = []
  readonly #bags = new Map<string, Bag>()
  #areaCursor = 0
  #complete = 0
  #away = 0
  downloaded = 0
  /** Its row in the directory of a cluster, and the peers that other machines have; see `elsewhere.ts`. */
  row = ''
  elsewhere = { complete: 0, incomplete: 0 }

  constructor(infoHash: BinaryId) {
    this.infoHash = infoHash
    this.everybody = new Bag('', farIndex)
  }

  get complete(): number {
    return this.#complete
  }

  get incomplete(): number {
    return this.size - this.#complete
  }

  /** Those who are here and nowhere else. */
  get size(): number {
    return this.peers.size - this.#away
  }

  /** The bag of this key, while somebody is in it. */
  find(key: string): Bag | undefined {
    return this.#bags.get(key)
  }

  add(peer: Peer): void {
    this.peers.set(peer.id, peer)
    if (peer.complete) this.#complete++
    this.enrol(peer)
  }

  remove(peer: Peer): void {
    this.withdraw(peer)
    this.peers.delete(peer.id)
    if (peer.away) this.#away--
    else if (peer.complete) this.#complete--
  }

  /** Whether that is news. */
  setComplete(peer: Peer, complete: boolean): boolean {
    if (peer.complete === complete) return false
    peer.complete = complete
    if (!peer.away) this.#complete += complete ? 1 : -1
    return true
  }

  setAway(peer: Peer, away: boolean): void {
    if (peer.away === away) return
    peer.away = away
    this.#away += away ? 1 : -1
    if (peer.complete) this.#complete += away ? -1 : 1
  }

  /**
   * Puts the peer where others find it. Whoever must not leave its network is in one bag only, the innermost;
   * whoever is off is in none.
   */
  enrol(peer: Peer): void {
    if (peer.mode === 'off' || peer.away) return
    const { network } = peer.connection.standing
    const roams = peer.policy.wan === 'allow'
    if (network.site !== null) this.#bag(network.site, siteIndex).add(peer)
    if (peer.lan !== null) this.#bag(`${peer.home}#${peer.lan}`, lanIndex).add(peer)
    if (roams || network.site === null) this.#bag(peer.home, addressIndex).add(peer)
    if (!roams) return
    this.#bag(network.prefix, prefixIndex).add(peer)
    if (network.asn !== null) this.#bag(network.asn, asnIndex).add(peer)
    if (network.country !== null) this.#bag(network.country, countryIndex).add(peer)
    this.everybody.add(peer)
  }

  withdraw(peer: Peer): void {
    for (const bag of peer.bags) {
      if (bag === null) continue
      bag.remove(peer)
      if (bag.size === 0 && bag !== this.everybody) this.#drop(bag)
    }
  }

  /** Goes round the areas, so that a lonely one far away is found among thousands here. */
  *walkAreas(tries: number): Generator<Bag> {
    for (let left = Math.min(tries, this.areas.length); left > 0; left--) {
      if (this.#areaCursor >= this.areas.length) this.#areaCursor = 0
      const bag = this.areas[this.#areaCursor++]
      if (bag !== undefined) yield bag
    }
  }

  #bag(key: string, levelIndex: number): Bag {
    const name = `${bagLevels[levelIndex]}:${key}`
    const known = this.#bags.get(name)
    if (known !== undefined) return known
    const bag = new Bag(name, levelIndex)
    this.#bags.set(name, bag)
    if (levelIndex === siteIndex || levelIndex === prefixIndex) {
      bag.areaSlot = this.areas.length
      this.areas.push(bag)
    }
    return bag
  }

  #drop(bag: Bag): void {
    this.#bags.delete(bag.key)
    if (bag.areaSlot < 0) return
    const last = this.areas.pop()
    if (last === undefined || last === bag) return
    this.areas[bag.areaSlot] = last
    last.areaSlot = bag.areaSlot
  }
}
