import type { PeerId } from '../../../../peer-core/src/core/messages.ts'
import type { Neighbour } from '../pml/rules.ts'

/** `p2pMaxPeers`: offers stop there. */
export const mostPeers = 50
/** `p2pChurnMaxPeersMultiplier` times that are accepted. */
export const acceptPeers = 75
/** A new neighbour has this long to prove itself. */
const graceMs = 15_000

/** Of more neighbours than 50, the slowest that are idle go, as many as are too many. */
export function pruneSlowest(neighbours: readonly Neighbour[], now: number): readonly PeerId[] {
  const excess = neighbours.length - mostPeers
  if (excess <= 0) return []
  return neighbours
    .filter(({ isBusy, connectedAt }) => !isBusy && now - connectedAt >= graceMs)
    .sort((a, b) => a.bps - b.bps || a.connectedAt - b.connectedAt)
    .slice(0, excess)
    .map(({ peer }) => peer)
}
