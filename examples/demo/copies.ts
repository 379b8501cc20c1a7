/** One answer of the edge, as far as copies go. */
export interface Sent {
  /** Path and query. */
  readonly path: string
  /** First byte of the resource that was sent. */
  readonly from: number
  /** Body bytes that left. */
  readonly bytes: number
  /** Monotonic ms. */
  readonly at: number
}

interface Counted {
  sent: number
  /** Byte ranges sent at least once: sorted, disjoint. */
  covered: (readonly [from: number, to: number])[]
  lastAt: number
}

/** A segment that nobody asks for any more says nothing of the present. */
const forgetMs = 120_000

/**
 * How often the edge sent the same media: all bytes ÷ distinct bytes, over the segments that were asked for in the last
 * two minutes. 1 is the floor: each byte left once, however many watch.
 */
export function createCopyCounter(): {
  add(sent: Sent): void
  /** null before anything was sent. */
  copies(now: number, belongs: (path: string) => boolean): number | null
} {
  const resources = new Map<string, Counted>()
  return {
    add({ path, from, bytes, at }) {
      if (bytes <= 0) return
      const resource = resources.get(path) ?? { sent: 0, covered: [], lastAt: at }
      resource.sent += bytes
      resource.lastAt = at
      resource.covered = merge(resource.covered, [from, from + bytes])
      resources.set(path, resource)
    },
    copies(now, belongs) {
      let sent = 0
      let distinct = 0
      for (const [path, resource] of resources) {
        if (now - resource.lastAt > forgetMs) resources.delete(path)
        else if (belongs(path)) {
          sent += resource.sent
          distinct += resource.covered.reduce((sum, [from, to]) => sum + to - from, 0)
        }
      }
      return distinct > 0 ? sent / distinct : null
    },
  }
}

/** Adds a range to a sorted list of disjoint ones. */
function merge(ranges: Counted['covered'], added: readonly [number, number]): Counted['covered'] {
  let [from, to] = added
  const apart = ranges.filter(([start, end]) => {
    if (end < from || start > to) return true
    from = Math.min(from, start)
    to = Math.max(to, end)
    return false
  })
  return [...apart, [from, to] as const].sort((a, b) => a[0] - b[0])
}
