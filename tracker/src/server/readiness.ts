/** Whether a balancer should send viewers here. Whoever has a reason against it holds it up, and lets go later. */
export interface Readiness {
  /** Returns how to let go. */
  hold(reason: string): () => void
  /** Empty when ready. */
  reasons(): readonly string[]
}

export function createReadiness(): Readiness {
  const holds = new Set<{ readonly reason: string }>()
  return {
    hold(reason) {
      const hold = { reason }
      holds.add(hold)
      return () => holds.delete(hold)
    },
    reasons: () => [...new Set([...holds].map(({ reason }) => reason))],
  }
}
