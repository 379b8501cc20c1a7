import type { Level } from '@nearcast/peer-core/signalling'
import type { Backbone } from './backbone.ts'
import type { Peer } from './peer.ts'

/** The levels at which peers are collected, nearest first; a level's index is its place here. */
export const bagLevels = [
  'lan',
  'site',
  'address',
  'prefix',
  'asn',
  'country',
  'far',
] as const satisfies readonly Level[]

export type BagLevel = (typeof bagLevels)[number]

export const lanIndex = 0
export const siteIndex = 1
export const addressIndex = 2
export const prefixIndex = 3
export const asnIndex = 4
export const countryIndex = 5

/** Index of the bag of everybody who may meet peers outside their group. */
export const farIndex = 6

/**
 * Peers of one swarm that share one key at one level. Adding and removing are O(1): the last peer takes the place
 * of the one who leaves, and each peer knows its slot. Picks go round from a cursor, so that everybody is somebody's pick.
 */
export class Bag {
  readonly key: string
  readonly levelIndex: number
  readonly #peers: Peer[] = []
  #cursor = 0
  /** Its place in the swarm's list of areas; −1 when it is none. */
  areaSlot = -1
  /** The HMAC label of this group and the day it is of; see `labels.ts`. */
  label = ''
  labelDay = -1
  /** Its row in the directory of a cluster, and members that other machines have; see `elsewhere.ts`. */
  row = ''
  elsewhere = 0
  /** Size that was last announced to the members, and when. */
  announcedSize = 0
  announcedAt = Number.NEGATIVE_INFINITY
  /** Holds this group's own clients together while they are too many for a mesh; see `places.ts`. */
  backbone: Backbone<Peer> | null = null

  constructor(key: string, levelIndex: number) {
    this.key = key
    this.levelIndex = levelIndex
  }

  get size(): number {
    return this.#peers.length
  }

  /** On all machines. */
  get total(): number {
    return this.#peers.length + this.elsewhere
  }

  add(peer: Peer): void {
    peer.bags[this.levelIndex] = this
    peer.slots[this.levelIndex] = this.#peers.length
    this.#peers.push(peer)
  }

  remove(peer: Peer): void {
    const slot = peer.slots[this.levelIndex] ?? -1
    const last = this.#peers.pop()
    if (last !== undefined && last !== peer) {
      this.#peers[slot] = last
      last.slots[this.levelIndex] = slot
    }
    this.backbone?.remove(peer)
    peer.bags[this.levelIndex] = null
    peer.slots[this.levelIndex] = -1
  }

  /** Up to `tries` peers, going round from where the last walk ended. Stop early by breaking out. */
  *walk(tries: number): Generator<Peer> {
    for (let left = Math.min(tries, this.#peers.length); left > 0; left--) {
      if (this.#cursor >= this.#peers.length) this.#cursor = 0
      const peer = this.#peers[this.#cursor++]
      if (peer !== undefined) yield peer
    }
  }

  [Symbol.iterator](): Iterator<Peer> {
    return this.#peers[Symbol.iterator]()
  }
}
