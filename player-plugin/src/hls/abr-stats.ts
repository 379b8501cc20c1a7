import type { Origin } from '@nearcast/peer-core'

/**
 * What hls.js is told about a finished load. Its ABR controller samples
 *
 *     bits ÷ (parsing.end − loading.start − min(loading.first − loading.start, ttfbEstimate))
 *
 * so time spent waiting for a peer would be charged as transfer, and a LAN copy would read as the line's bandwidth:
 * five of six segments from a neighbour on a 3 Mbit/s line would read 14 and drive everyone up to a level that the
 * line cannot carry. We therefore report a transfer at rate X that ends now:
 *
 * - from the edge: the rate measured;
 * - leased (another fetched it for us while we waited): the rate at which the edge fed that fetcher;
 * - held: hls.js's own estimate, which adds nothing to what it knows. Before it knows anything its estimate is a
 *   mere default, so there the fetcher's rate is taken when it is known.
 */
export interface LoadFacts {
  readonly origin: Origin
  readonly bytes: number
  /** When the last byte came, ms. */
  readonly now: number
  /** From the request to its first byte, ms, as observed here. */
  readonly ttfbMs: number
  /** From the first to the last byte, ms, as observed here. */
  readonly transferMs: number
  /** Rate at which the edge fed whoever fetched it, bytes a second; 0 unknown. */
  readonly edgeBps: number
}

export interface PlayerEstimate {
  /** hls.js's bandwidth estimate, bit/s. */
  readonly bitsPerSecond: number
  /** hls.js's time-to-first-byte estimate, ms. */
  readonly ttfbMs: number
  /** Whether it stems from a load and not from the configuration. */
  readonly measured: boolean
}

export interface LoadTiming {
  readonly start: number
  readonly first: number
  readonly end: number
}

/** `measured`: the sample carries knowledge about the line. */
export function reportedTiming(
  facts: LoadFacts,
  estimate: PlayerEstimate,
): LoadTiming & { readonly measured: boolean } {
  const { bitsPerSecond, measured } = reportedRate(facts, estimate)
  // The part that hls.js takes off again, so that X stays X. Only an edge's own first byte is news about the edge.
  const ttfbMs =
    measured && facts.origin === 'edge' ? Math.min(facts.ttfbMs, estimate.ttfbMs) : estimate.ttfbMs
  const latencyMs = Number.isFinite(ttfbMs) && ttfbMs > 0 ? ttfbMs : 0
  const start = facts.now - (facts.bytes * 8000) / bitsPerSecond - latencyMs
  return { start, first: start + latencyMs, end: facts.now, measured }
}

function reportedRate(
  facts: LoadFacts,
  estimate: PlayerEstimate,
): { bitsPerSecond: number; measured: boolean } {
  const edge = facts.edgeBps > 0 ? facts.edgeBps * 8 : 0
  const own = estimate.bitsPerSecond > 0 ? estimate.bitsPerSecond : 500_000
  switch (facts.origin) {
    case 'edge': {
      if (edge > 0) return { bitsPerSecond: edge, measured: true }
      const observed = facts.transferMs > 0 ? (facts.bytes * 8000) / facts.transferMs : 0
      return observed > 0
        ? { bitsPerSecond: observed, measured: true }
        : { bitsPerSecond: own, measured: false }
    }
    case 'leased':
      return edge > 0 ? { bitsPerSecond: edge, measured: true } : { bitsPerSecond: own, measured: false }
    case 'held':
      if (!estimate.measured && edge > 0) return { bitsPerSecond: edge, measured: true }
      return { bitsPerSecond: own, measured: false }
  }
}
