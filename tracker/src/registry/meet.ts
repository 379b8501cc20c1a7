import { type BagLevel, bagLevels, siteIndex } from './bag.ts'
import { groupBag } from './group.ts'
import type { RegistryLimits } from './limits.ts'
import type { Peer } from './peer.ts'

/** Two peers were told of each other: either may dial, and they are not matched again soon. */
export function meet(a: Peer, b: Peer, level: BagLevel, now: number): void {
  a.partners.add(b.id, leavesGroup(a, level), now)
  b.partners.add(a.id, leavesGroup(b, level), now)
}

/** The same when `peer` is named `other` and will dial it: no offer lies in its ledger yet, but one is to be expected. */
export function invite(peer: Peer, other: Peer, level: BagLevel, now: number, windowMs: number): void {
  meet(peer, other, level, now)
  if (now - other.invitedSince >= windowMs) {
    other.invitedSince = now
    other.invited = 0
  }
  other.invited++
}

/** As many newcomers were sent to it lately as it should have to deal with. */
export function isCrowded(peer: Peer, now: number, limits: RegistryLimits): boolean {
  const invited = now - peer.invitedSince < limits.offerMs ? peer.invited : 0
  return Math.max(invited, peer.ledger.size) >= limits.openOffersPerPeer
}

function leavesGroup(peer: Peer, level: BagLevel): boolean {
  return bagLevels.indexOf(level) > (groupBag(peer)?.levelIndex ?? siteIndex)
}
