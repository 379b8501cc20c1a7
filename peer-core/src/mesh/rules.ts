import type { PeerId } from '../core/messages.ts'

/** What both sides call a connection: who offered it, and the offer's id. */
export interface ConnectionName {
  readonly offerer: PeerId
  readonly offerId: string
}

/**
 * Two peers dial each other at once: the lower id's offer stands, the other side drops its own and answers. Both see
 * the same two ids, so no message is needed to agree.
 */
export function ourOfferStands(self: PeerId, from: PeerId): boolean {
  return self < from
}

/** Two connections of one pair became ready: both sides keep the same one. */
export function keepNewer(newer: ConnectionName, older: ConnectionName): boolean {
  if (newer.offerer !== older.offerer) return newer.offerer < older.offerer
  return newer.offerId < older.offerId
}

/** When to dial a lost neighbour again: the lower id first, the other only if that did not help. */
export function redialDelayMs(self: PeerId, peer: PeerId, random: number): number {
  return self < peer ? 300 + 500 * random : 2_000 + 1_000 * random
}
