import { blockBytes } from '../../peer-core/src/core/messages.ts'
import { blockCount, type Segment } from './stream.ts'

/** What the host of one viewer holds of one segment, and the truth about it that only the simulator knows. */
export interface Holding {
  readonly segment: Segment
  /** `[from, to)` pairs, sorted, apart. */
  readonly ranges: number[]
  /** Blocks that hold a wrong byte. */
  readonly wrong: Set<number>
  /** Parts of wrong blocks that were written over since, as `[from, to)` pairs: all of it, and the block is right. */
  readonly mended: Map<number, number[]>
  /** Blocks that the core had compared with the hash list, with a good result, since their bytes last changed. */
  readonly verified: Set<number>
  /** Blocks of which at least a byte came from a peer. */
  readonly fromPeers: Set<number>
  /** Whether the hash list is here and was held against the root. */
  hashes: 'absent' | 'unproven' | 'proven'
  bytes: number
}

/** Bytes without bytes: ranges and blocks instead of payload. */
export interface Shelf {
  holding(key: string): Holding | undefined
  open(segment: Segment): Holding
  /** Returns how many of the bytes were not here before. */
  put(holding: Holding, offset: number, length: number, from: 'edge' | 'peer', wrong: boolean): number
  drop(key: string): void
  heldBytes(): number
  size(): number
}

export function createShelf(): Shelf {
  const holdings = new Map<string, Holding>()
  let held = 0
  return {
    holding: key => holdings.get(key),
    open(segment) {
      let holding = holdings.get(segment.key)
      if (holding === undefined) {
        holding = {
          segment,
          ranges: [],
          wrong: new Set(),
          mended: new Map(),
          verified: new Set(),
          fromPeers: new Set(),
          hashes: 'absent',
          bytes: 0,
        }
        holdings.set(segment.key, holding)
      }
      return holding
    },
    put(holding, offset, length, from, wrong) {
      const end = offset + length
      for (let block = Math.floor(offset / blockBytes); block * blockBytes < end; block++) {
        const start = block * blockBytes
        const whole = offset <= start && end >= Math.min(start + blockBytes, holding.segment.size)
        if (wrong) spoil(holding, block)
        else mend(holding, block, Math.max(start, offset), Math.min(start + blockBytes, end))
        if (from === 'peer') holding.fromPeers.add(block)
        else if (whole) holding.fromPeers.delete(block)
        holding.verified.delete(block)
      }
      const fresh = addRange(holding.ranges, offset, end)
      holding.bytes += fresh
      held += fresh
      return fresh
    },
    drop(key) {
      const holding = holdings.get(key)
      if (holding === undefined) return
      held -= holding.bytes
      holdings.delete(key)
    },
    heldBytes: () => held,
    size: () => holdings.size,
  }
}

function spoil(holding: Holding, block: number): void {
  holding.wrong.add(block)
  holding.mended.delete(block)
}

function mend(holding: Holding, block: number, from: number, to: number): void {
  if (!holding.wrong.has(block)) return
  const ranges = holding.mended.get(block) ?? []
  holding.mended.set(block, ranges)
  addRange(ranges, from, to)
  const start = block * blockBytes
  if (!hasRange(ranges, start, Math.min(start + blockBytes, holding.segment.size))) return
  holding.wrong.delete(block)
  holding.mended.delete(block)
}

/** Joins `[from, to)` to sorted, disjoint pairs; returns the bytes that are new. */
export function addRange(ranges: number[], from: number, to: number): number {
  if (to <= from) return 0
  let first = 0
  while (first < ranges.length && ranges[first + 1]! < from) first += 2
  let last = first
  let low = from
  let high = to
  let overlap = 0
  while (last < ranges.length && ranges[last]! <= to) {
    overlap += Math.max(0, Math.min(to, ranges[last + 1]!) - Math.max(from, ranges[last]!))
    low = Math.min(low, ranges[last]!)
    high = Math.max(high, ranges[last + 1]!)
    last += 2
  }
  ranges.splice(first, last - first, low, high)
  return to - from - overlap
}

export function hasRange(ranges: readonly number[], from: number, to: number): boolean {
  if (to <= from) return true
  for (let i = 0; i < ranges.length; i += 2) if (ranges[i]! <= from) if (ranges[i + 1]! >= to) return true
  return false
}

/** Blocks that `[offset, offset + length)` touches. */
export function* blocksOf(offset: number, length: number): Generator<number> {
  for (let block = Math.floor(offset / blockBytes); block * blockBytes < offset + length; block++) yield block
}

export function isWhole(holding: Holding): boolean {
  return hasRange(holding.ranges, 0, holding.segment.size)
}

export function isProven(holding: Holding): boolean {
  return holding.verified.size === blockCount(holding.segment)
}
