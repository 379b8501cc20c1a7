import { type BagLevel, bagLevels, siteIndex } from './bag.ts'
import { groupBag } from './group.ts'
import type { Peer } from './peer.ts'

/** Two peers were told of each other: either may dial, and they are not matched again soon. */
export function meet(a: Peer, b: Peer, level: BagLevel, now: number): void {
  a.partners.add(b.id, leavesGroup(a, level), now)
  b.partners.add(a.id, leavesGroup(b, level), now)
}

function leavesGroup(peer: Peer, level: BagLevel): boolean {
  return bagLevels.indexOf(level) > (groupBag(peer)?.levelIndex ?? siteIndex)
}
