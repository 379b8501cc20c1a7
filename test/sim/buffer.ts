/** Media that one track's source buffer holds: ranges of stream time, ms. */
export interface MediaBuffer {
  add(fromMs: number, toMs: number): void
  /** End of the range that holds `at`, or `at` itself when nothing does. */
  endAt(at: number): number
}

/** Ranges this near are one, as players' gap tolerance has it. */
const gapMs = 1

export function createMediaBuffer(): MediaBuffer {
  let ranges: { from: number; to: number }[] = []
  return {
    add(fromMs, toMs) {
      let from = fromMs
      let to = toMs
      const apart: { from: number; to: number }[] = []
      for (const range of ranges) {
        if (range.to < from - gapMs || range.from > to + gapMs) apart.push(range)
        else {
          from = Math.min(from, range.from)
          to = Math.max(to, range.to)
        }
      }
      apart.push({ from, to })
      ranges = apart
    },
    endAt(at) {
      for (const range of ranges) if (range.from - gapMs <= at && at < range.to) return range.to
      return at
    },
  }
}
