import type { Segment } from '../../stream.ts'

/** A whole segment, and whose bytes it is made of. */
export interface Copy {
  readonly segment: Segment
  readonly edgeBytes: number
  readonly peerBytes: number
}

/** Whole segments in memory. Live, what was played 15 s or three segments ago goes; else the budget decides. */
export interface Store {
  get(key: string): Copy | undefined
  has(key: string): boolean
  put(copy: Copy, playheadMs: number): void
  keys(): ReadonlySet<string>
  /** Under a tenth is free: prefetching stops. */
  isFull(): boolean
}

const keptMs = 15_000
const keptSegments = 3
const fullShare = 0.9

export function createStore(budgetBytes: number, live: boolean): Store {
  const copies = new Map<string, Copy>()
  let bytes = 0

  const trim = (playheadMs: number): void => {
    for (const { segment } of copies.values()) {
      const endMs = segment.startMs + segment.durationMs
      // What lies ahead is wanted and never goes.
      if (endMs >= playheadMs) continue
      const isOld = endMs < playheadMs - Math.max(keptMs, keptSegments * segment.durationMs)
      if (live ? !isOld : bytes <= budgetBytes) continue
      copies.delete(segment.key)
      bytes -= segment.size
    }
  }

  return {
    get: key => copies.get(key),
    has: key => copies.has(key),
    put(copy, playheadMs) {
      const { key, size } = copy.segment
      if (!copies.has(key)) bytes += size
      copies.set(key, copy)
      trim(playheadMs)
    },
    keys: () => new Set(copies.keys()),
    isFull: () => bytes >= budgetBytes * fullShare,
  }
}
