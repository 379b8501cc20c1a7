import type { LinkStats } from '../../ports.ts'

/** The fields we read of W3C webrtc-stats, whichever platform wrote them. */
interface Entry {
  readonly id: string
  readonly type: string
  readonly selectedCandidatePairId?: string
  readonly nominated?: boolean
  readonly state?: string
  readonly localCandidateId?: string
  readonly remoteCandidateId?: string
  readonly candidateType?: string
  /** Seconds. */
  readonly currentRoundTripTime?: number
}

/** Which candidates won and what a round trip costs; null while no pair is chosen. */
export function linkStats(report: { forEach(visit: (entry: unknown) => void): void }): LinkStats | null {
  const entries = new Map<string, Entry>()
  report.forEach(entry => {
    const known = entry as Entry
    entries.set(known.id, known)
  })
  const pair = selectedPair([...entries.values()], entries)
  if (!pair) return null
  return {
    local: entries.get(pair.localCandidateId ?? '')?.candidateType ?? 'unknown',
    remote: entries.get(pair.remoteCandidateId ?? '')?.candidateType ?? 'unknown',
    rttMs: (pair.currentRoundTripTime ?? 0) * 1000,
  }
}

function selectedPair(all: readonly Entry[], byId: ReadonlyMap<string, Entry>): Entry | undefined {
  for (const entry of all) {
    if (entry.type !== 'transport' || !entry.selectedCandidatePairId) continue
    const pair = byId.get(entry.selectedCandidatePairId)
    if (pair) return pair
  }
  // Firefox has no transport entry.
  return all.find(entry => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded')
}
