/** Whether a balancer should send viewers here. Whoever has a reason against it holds it up, and lets go later. */
export interface Readiness {
  /** Returns how to let go. */
  hold(reason: string): () => void
  /** Empty when ready. */
  reasons(): readonly string[]
  /** Says that something is amiss that viewers need not avoid. Returns how to take it back. */
  note(what: string): () => void
  notes(): readonly string[]
}

export function createReadiness(): Readiness {
  const holds = new Set<{ readonly reason: string }>()
  const notes = new Set<{ readonly what: string }>()
  return {
    hold(reason) {
      const hold = { reason }
      holds.add(hold)
      return () => holds.delete(hold)
    },
    note(what) {
      const note = { what }
      notes.add(note)
      return () => notes.delete(note)
    },
    notes: () => [...new Set([...notes].map(({ what }) => what))],
    reasons: () => [...new Set([...holds].map(({ reason }) => reason))],
  }
}
