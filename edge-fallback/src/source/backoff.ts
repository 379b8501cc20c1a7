/**
 * Wait before repetition `n` (0 the first), ms: doubling, and drawn from its upper half, so that the viewers whom
 * one outage stopped do not come back in one instant.
 */
export function backoffMs(n: number, baseMs: number, maxMs: number, random: () => number): number {
  return Math.min(maxMs, baseMs * 2 ** n) * (0.5 + random() / 2)
}

/** `Retry-After` (RFC 9110 §10.2.3) as ms, or 0. The date form is not read: viewers' clocks are often wrong. */
export function retryAfterMs(header: string | null): number {
  return header !== null && /^\s*\d{1,6}\s*$/.test(header) ? Number(header) * 1000 : 0
}
