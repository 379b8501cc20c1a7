import type { Place } from '../core/events.ts'

/**
 * How near two peers are, nearest first: one private network behind one address, an operator's named site, one public
 * address (IPv6: one /64), one prefix (/24, IPv6: /56), one autonomous system, one country, or nothing in common.
 */
export const levels = ['lan', 'site', 'address', 'prefix', 'asn', 'country', 'far'] as const

export type Level = (typeof levels)[number]

export function isLevel(value: unknown): value is Level {
  return typeof value === 'string' && (levels as readonly string[]).includes(value)
}

/**
 * Whether bytes of a peer at `level` stay behind this peer's own line. A shared prefix counts only when the
 * tracker found nobody nearer, so that the prefix *is* this peer's group (an office behind a pool of addresses);
 * beside a nearer group it is somebody else's line. A tracker that knows no levels leaves nothing to tell peers
 * apart by: all are the group, as in any plain swarm.
 */
export function placeOf(level: Level | null, groupLevel: Level | null): Place {
  switch (level) {
    case null:
    case 'lan':
    case 'site':
    case 'address':
      return 'group'
    case 'prefix':
      return groupLevel === 'prefix' ? 'group' : 'outside'
    case 'asn':
    case 'country':
    case 'far':
      return 'outside'
  }
}
