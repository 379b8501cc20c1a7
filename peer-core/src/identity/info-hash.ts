import type { Hasher } from '../ports.ts'

/**
 * Raised when peers of the old and the new kind could no longer serve each other: another number is another swarm,
 * so they never meet.
 */
export const identityVersion = 1

/** Name of the swarm of `contentId` at the tracker: 20 bytes as 40 lower-case hex digits. */
export async function infoHash(contentId: string, hasher: Hasher): Promise<string> {
  const named = new TextEncoder().encode(swarmText(contentId))
  const [digest] = await hasher.sha256([named])
  if (!digest) throw new Error('the hasher returned no digest')
  return Array.from(digest.subarray(0, 20), byte => byte.toString(16).padStart(2, '0')).join('')
}

/** What is hashed. A tracker, which has its platform's own SHA-256, names swarms for its operator from it. */
export function swarmText(contentId: string): string {
  return `nearcast/${identityVersion} ${contentId}`
}
