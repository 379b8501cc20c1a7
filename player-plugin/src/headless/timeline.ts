/** A playlist on this peer's own timeline. */
export interface Placed {
  readonly firstSeq: number
  /** Start of each segment, ms; the last entry is the end of the last. */
  readonly startsMs: readonly number[]
  readonly targetMs: number
}

export interface Unplaced {
  readonly firstSeq: number
  readonly durationsMs: readonly number[]
  readonly targetMs: number
}

/** Segments by which windows of two tracks may differ and still be taken to count in step. */
const inStep = 3

/**
 * Puts a playlist on the timeline. Segments seen before stay where they were; a window that has nothing of the last one
 * goes on behind it.
 *
 * @param before the same playlist at its last update
 * @param other a track that is placed already: what both list under one number is the same moment, else their ends are
 */
export function place(next: Unplaced, before: Placed | null, other: Placed | null): Placed {
  const baseMs = before ? continued(next, before) : other ? beside(next, other) : 0
  const startsMs = [baseMs]
  for (const durationMs of next.durationsMs) startsMs.push(startsMs.at(-1)! + durationMs)
  return { firstSeq: next.firstSeq, startsMs, targetMs: next.targetMs }
}

export function endMs({ startsMs }: Placed): number {
  return startsMs.at(-1)!
}

function continued(next: Unplaced, before: Placed): number {
  const last = before.firstSeq + before.startsMs.length - 1
  if (next.firstSeq >= before.firstSeq && next.firstSeq <= last)
    return before.startsMs[next.firstSeq - before.firstSeq]!
  if (next.firstSeq > last) return endMs(before) + (next.firstSeq - last) * before.targetMs
  // An encoder that began anew, or an older copy from a cache.
  const back = before.firstSeq - next.firstSeq
  const overlapping = back <= next.durationsMs.length
  if (!overlapping) return endMs(before)
  return before.startsMs[0]! - sum(next.durationsMs.slice(0, back))
}

function beside(next: Unplaced, other: Placed): number {
  const index = next.firstSeq - other.firstSeq
  if (Math.abs(index) <= inStep && index >= 0 && index < other.startsMs.length) return other.startsMs[index]!
  if (Math.abs(index) <= inStep && index < 0 && -index <= next.durationsMs.length)
    return other.startsMs[0]! - sum(next.durationsMs.slice(0, -index))
  return endMs(other) - sum(next.durationsMs)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
