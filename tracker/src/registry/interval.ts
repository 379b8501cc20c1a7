import type { Peer } from './peer.ts'

/** Matches with which a client that does not say what became of them is taken to be satisfied. */
const enough = 8

/**
 * Seconds until the next announce. An announce with offers costs 17 times one without, so those who have what they
 * need come rarely, and those who lack partners come soon, but only while there is somebody left to meet.
 */
export function announceInterval(peer: Peer, now: number, random: () => number): number {
  const jitter = 0.8 + 0.4 * random()
  if (peer.mode === 'off') return Math.round(450 * jitter)
  const { complete, incomplete } = peer.swarm.elsewhere
  const others = peer.swarm.size - 1 + complete + incomplete
  // A standard client does not say what became of its matches; those of the last minutes stand for it.
  const links = peer.speaks === 'standard' ? peer.partners.count(now, enough) : peer.links
  if (links < Math.min(3, others)) return Math.round(22 * jitter)
  const satisfied = peer.speaks === 'standard' ? links >= enough : peer.want === 0 && links > 0
  return Math.round((satisfied ? 450 : 120) * jitter)
}
