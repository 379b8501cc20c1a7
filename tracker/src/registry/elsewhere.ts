import { binaryToHex } from '@nearcast/peer-core/signalling'
import type { Entry, Row } from '../cluster/hub.ts'
import type { NodeId } from '../cluster/node-message.ts'
import { type Bag, prefixIndex, siteIndex } from './bag.ts'
import type { Context } from './context.ts'
import type { Nearness } from './nearness.ts'
import type { Swarm } from './swarm.ts'

interface Part {
  readonly complete: number
  readonly incomplete: number
}

type Parts = ReadonlyMap<NodeId, Part>

/** A row of the directory of which this node has a part: a swarm, or a group of one. */
interface OwnRow {
  readonly infoHash: string
  /** null: the swarm itself. */
  readonly bagKey: string | null
}

const nobody: Parts = new Map()

/**
 * How many peers of our swarms and groups other nodes have, and what of ours the directory does not know yet. Numbers
 * only: no peer is kept twice.
 */
export class Elsewhere {
  readonly #context: Context
  readonly #node: NodeId
  readonly #nearness: Nearness
  readonly #own = new Map<string, OwnRow>()
  readonly #others = new Map<string, Map<NodeId, Part>>()
  readonly #dirty = new Set<string>()
  #turn: Iterator<string> | null = null

  constructor(context: Context, node: NodeId, nearness: Nearness) {
    this.#context = context
    this.#node = node
    this.#nearness = nearness
  }

  /** Somebody came, went or changed there. */
  touch(swarm: Swarm, bag: Bag | null = null): void {
    if (bag === null) {
      if (swarm.row === '') swarm.row = `s:${binaryToHex(swarm.infoHash)}`
      return this.#mark(swarm.row, { infoHash: swarm.infoHash, bagKey: null })
    }
    // Matching on a LAN goes by the address; behind a carrier's NAT a group is one socket.
    if (bag.levelIndex < siteIndex || bag.levelIndex > prefixIndex || bag.key.includes('~')) return
    if (bag.row === '') bag.row = `g:${binaryToHex(swarm.infoHash)}:${this.#nearness.key(bag.key)}`
    this.#mark(bag.row, { infoHash: swarm.infoHash, bagKey: bag.key })
  }

  /** Null when the directory was not asked yet. */
  partsOf(row: string): Parts | null {
    if (row === '') return nobody
    return this.#others.get(row) ?? (this.#own.has(row) ? null : nobody)
  }

  bagOf(row: string): Bag | null {
    const own = this.#own.get(row)
    if (own === undefined || own.bagKey === null) return null
    return this.#context.swarms.get(own.infoHash)?.find(own.bagKey) ?? null
  }

  get hasNews(): boolean {
    return this.#dirty.size > 0
  }

  /** What of ours has changed, up to `most` rows. */
  takeNews(most: number): readonly Entry[] {
    const entries: Entry[] = []
    for (const row of this.#dirty) {
      if (entries.length >= most) break
      this.#dirty.delete(row)
      entries.push({ row, value: this.#valueOf(row) })
    }
    return entries
  }

  /** It did not arrive. */
  returnNews(entries: readonly Entry[]): void {
    for (const { row } of entries) this.#dirty.add(row)
  }

  /** Everything is to be written anew: all of it, or the next `most` rows of it. */
  renew(most = Number.POSITIVE_INFINITY): void {
    for (let left = Math.min(most, this.#own.size); left > 0; left--) {
      this.#turn ??= this.#own.keys()
      const next = this.#turn.next()
      if (next.done) this.#turn = null
      else this.#dirty.add(next.value)
    }
  }

  /** What the directory says of a row. */
  learn(row: string, cells: Row): void {
    if (!this.#own.has(row)) return
    const parts = new Map<NodeId, Part>()
    for (const [node, text] of cells) {
      const part = node === this.#node ? null : partFrom(text)
      if (part !== null) parts.set(node, part)
    }
    this.#others.set(row, parts)
    this.#apply(row)
  }

  /** What another node says of its part. */
  hear(node: NodeId, row: string, value: string | null): void {
    const parts = this.#others.get(row)
    if (parts === undefined) return
    const part = value === null ? null : partFrom(value)
    if (part === null) parts.delete(node)
    else parts.set(node, part)
    this.#apply(row)
  }

  /** Nodes that are no more have nobody. */
  keep(alive: (node: NodeId) => boolean): void {
    for (const [row, parts] of this.#others) {
      let lost = 0
      for (const node of parts.keys()) if (!alive(node) && parts.delete(node)) lost++
      if (lost > 0) this.#apply(row)
    }
  }

  get size(): number {
    return this.#own.size
  }

  #mark(row: string, own: OwnRow): void {
    const isNew = !this.#own.has(row)
    this.#own.set(row, own)
    this.#dirty.add(row)
    // The swarm or the bag was made anew.
    if (!isNew) this.#apply(row)
  }

  #valueOf(row: string): string | null {
    const own = this.#own.get(row)
    const swarm = own && this.#context.swarms.get(own.infoHash)
    const bag = own?.bagKey ? swarm?.find(own.bagKey) : undefined
    const value = own?.bagKey
      ? bag && bag.size > 0
        ? String(bag.size)
        : null
      : swarm
        ? `${swarm.complete} ${swarm.incomplete}`
        : null
    if (value !== null) return value
    this.#own.delete(row)
    this.#others.delete(row)
    return null
  }

  #apply(row: string): void {
    const own = this.#own.get(row)
    const swarm = own && this.#context.swarms.get(own.infoHash)
    if (own === undefined || swarm === undefined) return
    let complete = 0
    let incomplete = 0
    for (const part of this.#others.get(row)?.values() ?? []) {
      complete += part.complete
      incomplete += part.incomplete
    }
    if (own.bagKey === null) {
      swarm.elsewhere = { complete, incomplete }
      return
    }
    const bag = swarm.find(own.bagKey)
    if (bag === undefined || bag.elsewhere === complete) return
    bag.elsewhere = complete
    this.#context.touched.add(bag)
  }
}

/** `complete incomplete` of a swarm, or the size of a group. */
function partFrom(text: string): Part | null {
  const found = /^(\d{1,9})(?: (\d{1,9}))?$/.exec(text)
  return found && { complete: Number(found[1]), incomplete: Number(found[2] ?? 0) }
}
