import { hash32 } from '../../../../peer-core/src/core/hash.ts'
import type { PeerId } from '../../../../peer-core/src/core/messages.ts'

/** What a backup allows for the owner's announcement to come. */
const announcementMs = 500

/**
 * How many connected peers come before this one for a segment nobody holds or fetches: those whose hash of peer and
 * segment is lower. Rank 0 owns the segment among its neighbours; in a swarm of n with degree d about n / (d + 1) do.
 */
export function rankFor(self: PeerId, neighbours: readonly PeerId[], seq: number): number {
  const own = score(self, seq)
  let rank = 0
  for (const peer of neighbours) {
    const other = score(peer, seq)
    if (other < own || (other === own && peer < self)) rank++
  }
  return rank
}

/** A backup fetches when waiting longer would risk its player's need: the first at twice the time a fetch takes. */
export function isTimeFor(rank: number, leftMs: number, fetchMs: number): boolean {
  return rank === 0 || leftMs <= fetchMs * (1 + 1 / rank) + announcementMs
}

/** Ranks by segment, counted again when somebody comes or goes: a pass follows each of a hundred announcements. */
export function createRanks(): (
  self: PeerId,
  neighbours: readonly PeerId[],
  version: number,
  seq: number,
) => number {
  const known = new Map<number, number>()
  let knownVersion = -1
  return (self, neighbours, version, seq) => {
    if (version !== knownVersion) known.clear()
    knownVersion = version
    let rank = known.get(seq)
    if (rank === undefined) {
      rank = rankFor(self, neighbours, seq)
      known.set(seq, rank)
    }
    return rank
  }
}

function score(peer: PeerId, seq: number): number {
  return hash32(`${peer}|${seq}`, 0)
}
