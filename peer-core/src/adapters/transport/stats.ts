import type { LinkStats } from '../../ports.ts'
import { isSameLink, networkOf } from './network-of.ts'

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
  /** Absent where a browser hides it. */
  readonly address?: string | null
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
  const local = entries.get(pair.localCandidateId ?? '')
  const remote = entries.get(pair.remoteCandidateId ?? '')
  return {
    local: kindOf(local, remote),
    remote: kindOf(remote, local),
    rttMs: (pair.currentRoundTripTime ?? 0) * 1000,
  }
}

/**
 * A private address is the host's own, though it was learnt from a STUN server inside the LAN or on the way. Two public
 * ones of different links are `public`: such hosts reach each other directly and share no network.
 */
function kindOf(side: Entry | undefined, other: Entry | undefined): string {
  const type = side?.candidateType ?? 'unknown'
  if (type === 'relay' || !side?.address) return type
  const { scope } = networkOf(side.address)
  if (scope === 'private') return 'host'
  const apart =
    other?.address && networkOf(other.address).scope === 'public' && !isSameLink(side.address, other.address)
  return type === 'host' && apart ? 'public' : type
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
