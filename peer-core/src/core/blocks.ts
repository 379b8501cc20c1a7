import { blockBytes } from './messages.ts'

export type BlockState = 'missing' | 'received' | 'verified'

const missing = 0
const received = 1
const verified = 2

/** Who gave a block: a peer's id, or the edge. */
export type BlockSource = string
export const fromEdge: BlockSource = 'edge'

/**
 * Which 16 KiB blocks of one segment are here, and who gave them. Grows while the size is unknown.
 * `received`: the bytes are here, unproven. `verified`: proven, or nothing to prove them with and no need to.
 */
export class Blocks {
  #states = new Uint8Array(8)
  #sources: (BlockSource | undefined)[] = []
  #size = 0
  #received = 0
  #verified = 0
  #isTouched = false

  constructor(size: number) {
    if (size > 0) this.setSize(size)
  }

  /** Whole segment in bytes, 0 while unknown. */
  get size(): number {
    return this.#size
  }

  /** Blocks of the segment; 0 while the size is unknown. */
  get count(): number {
    return Math.ceil(this.#size / blockBytes)
  }

  /** Blocks beyond the end are forgotten. */
  setSize(size: number): void {
    this.#size = size
    if (size > 0) for (let index = this.count; index < this.#states.length; index++) this.reset(index)
    this.#ensure(this.count)
  }

  /** Bytes of block `index`; the last one may be short. */
  lengthOf(index: number): number {
    if (this.#size === 0) return blockBytes
    return Math.min(blockBytes, this.#size - index * blockBytes)
  }

  stateOf(index: number): BlockState {
    const state = this.#states[index] ?? missing
    return state === missing ? 'missing' : state === received ? 'received' : 'verified'
  }

  isMissing(index: number): boolean {
    return (this.#states[index] ?? missing) === missing
  }

  sourceOf(index: number): BlockSource | undefined {
    return this.#sources[index]
  }

  /** Bytes of it are in memory, be it of no whole block. */
  get isTouched(): boolean {
    return this.#isTouched
  }

  touch(): void {
    this.#isTouched = true
  }

  receive(index: number, source: BlockSource): void {
    this.#ensure(index + 1)
    this.#isTouched = true
    if (this.#states[index] !== missing) return
    this.#states[index] = received
    this.#sources[index] = source
    this.#received++
  }

  verify(index: number): void {
    if (this.#states[index] !== received) return
    this.#states[index] = verified
    this.#received--
    this.#verified++
  }

  /** What was verified is proven by nothing any more. */
  doubtAll(): void {
    for (let index = 0; index < this.#states.length; index++) {
      if (this.#states[index] === verified) this.#states[index] = received
    }
    this.#received += this.#verified
    this.#verified = 0
  }

  /** Back to missing: the bytes were wrong, or may not be joined with others. */
  reset(index: number): void {
    const state = this.#states[index] ?? missing
    if (state === received) this.#received--
    if (state === verified) this.#verified--
    if (state !== missing) this.#states[index] = missing
    this.#sources[index] = undefined
  }

  resetAll(): void {
    this.#states.fill(missing)
    this.#sources = []
    this.#received = 0
    this.#verified = 0
  }

  /** Its bytes are no longer in memory. */
  forget(): void {
    this.resetAll()
    this.#isTouched = false
  }

  /** Every byte is here, proven or not. */
  get isWhole(): boolean {
    return this.#size > 0 && this.#received + this.#verified === this.count
  }

  get isVerified(): boolean {
    return this.#size > 0 && this.#verified === this.count
  }

  get isEmpty(): boolean {
    return this.#received + this.#verified === 0
  }

  /** End, in bytes, of the run of verified (`proven`) or at least received blocks that starts at byte `from`. */
  reach(from: number, proven: boolean): number {
    const least = proven ? verified : received
    let index = Math.floor(from / blockBytes)
    while (index < this.#states.length && (this.#states[index] ?? missing) >= least) index++
    return Math.max(from, this.#size > 0 ? Math.min(index * blockBytes, this.#size) : index * blockBytes)
  }

  /** First block at or after `index` that is missing, or −1 when none is (size known). */
  nextMissing(index: number): number {
    for (let i = index; ; i++) {
      if (this.#size > 0 && i >= this.count) return -1
      if ((this.#states[i] ?? missing) === missing) return i
    }
  }

  /** Bytes here, by who gave them. */
  bytesBySource(): Map<BlockSource, number> {
    const bytes = new Map<BlockSource, number>()
    for (let i = 0; i < this.#states.length; i++) {
      const source = this.#sources[i]
      if (this.#states[i] === missing || source === undefined) continue
      bytes.set(source, (bytes.get(source) ?? 0) + this.lengthOf(i))
    }
    return bytes
  }

  #ensure(count: number): void {
    if (this.#states.length >= count) return
    const states = new Uint8Array(Math.max(count, this.#states.length * 2))
    states.set(this.#states)
    this.#states = states
  }
}
