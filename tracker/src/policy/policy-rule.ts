import type { WirePolicy } from '@nearcast/peer-core/signalling'

/** One decision of the operator's beside the site file, in force until it is taken back. */
export interface PolicyRule {
  /** Name of a site; absent: wherever. */
  readonly site?: string
  /** A content by its info hash, 40 lower-case hex digits; absent: whatever is watched. */
  readonly content?: string
  /** Percent of the viewers that take part; the others are off. Raising it switches nobody off. @default 100 */
  readonly rollout?: number
  readonly policy: WirePolicy
}

/** Two rules of one scope replace each other. */
export function scopeOf({ site = '', content = '' }: Pick<PolicyRule, 'site' | 'content'>): string {
  return `${content} ${site}`
}

/** In words, without naming the content: for logs. */
export function describeScope({ site, content }: Pick<PolicyRule, 'site' | 'content'>): string {
  const where = site === undefined ? 'all sites' : `site "${site}"`
  return content === undefined ? where : `one content at ${where}`
}

/**
 * A peer's place in every rollout, in [0, 100): the same for as long as it keeps its peer_id, so that nobody flaps,
 * and another in each content. FNV-1a with MurmurHash3's finish, which spreads ids that differ in one character.
 */
export function rolloutPlace(infoHash: string, peerId: string): number {
  let hash = 0x811c9dc5
  for (const text of [infoHash, peerId])
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * 100
}
