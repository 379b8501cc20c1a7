import type { WireGroup } from '@nearcast/peer-core/signalling'
import { addressIndex, type Bag, bagLevels, prefixIndex, siteIndex } from './bag.ts'
import type { Labels } from './labels.ts'
import type { Peer } from './peer.ts'

/**
 * The peer's group: its site when the operator named one, else the nearest of address and prefix where it is not
 * alone, else its address. Null for a peer that takes no part.
 */
export function groupBag(peer: Peer): Bag | null {
  const { bags } = peer
  const site = bags[siteIndex]
  if (site) return site
  const address = bags[addressIndex]
  const prefix = bags[prefixIndex]
  if (!address) return null
  // A carrier's customers have nothing in common with their prefix either.
  return address.total === 1 && peer.sharesLine && prefix && prefix.total > 1 ? prefix : address
}

export function groupOf(peer: Peer, labels: Labels): WireGroup | null {
  const bag = groupBag(peer)
  if (bag === null) return null
  return {
    label: labels.group(peer.swarm.infoHash, bag),
    level: bagLevels[bag.levelIndex] ?? 'far',
    size: bag.total,
  }
}

export function sameGroup(a: WireGroup, b: WireGroup | null): boolean {
  return b !== null && a.label === b.label && a.level === b.level && a.size === b.size
}

/** Small groups care about every viewer (alone or not, full mesh or not), large ones about a tenth. */
export function isMaterial(before: number, after: number, meshSize: number): boolean {
  if (before === after) return false
  return Math.min(before, after) <= meshSize || Math.abs(after - before) * 10 >= before
}
