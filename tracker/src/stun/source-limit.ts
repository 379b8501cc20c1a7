import { TokenBucket } from '../registry/token-bucket.ts'

/**
 * Answers each source and the world only so often. An office behind one NAT is one source, and a thousand viewers who
 * start together ask a few times each.
 */
export interface SourceLimit {
  /** `source`: an IPv4 address, or the /64 of an IPv6 one, out of which one machine may take any. */
  allows(source: string, now: number): boolean
}

export interface SourceLimitOptions {
  /** Answers a second to one address, long run. @default 200 */
  readonly perSecond?: number
  /** Answers at once to one address. @default 2000 */
  readonly burst?: number
  /** Sources remembered; the oldest are forgotten first. @default 10000 */
  readonly sources?: number
  /** Answers a second to all, long run; at once, twice as many. Forged sources are new ones each time. @default 20000 */
  readonly worldPerSecond?: number
}

export function createSourceLimit({
  perSecond = 200,
  burst = 2_000,
  sources = 10_000,
  worldPerSecond = 20_000,
}: SourceLimitOptions = {}): SourceLimit {
  let world: TokenBucket | null = null
  const levels = new Map<string, { level: number; at: number }>()
  return {
    allows(source, now) {
      const known = levels.get(source)
      const level = known ? Math.min(burst, known.level + ((now - known.at) * perSecond) / 1000) : burst
      if (known) levels.delete(source)
      else if (levels.size >= sources) {
        const oldest = levels.keys().next().value
        if (oldest !== undefined) levels.delete(oldest)
      }
      world ??= new TokenBucket(worldPerSecond, 2 * worldPerSecond, now)
      const allowed = level >= 1 && world.spend(0, now) >= 1
      if (allowed) world.spend(1, now)
      levels.set(source, { level: allowed ? level - 1 : level, at: now })
      return allowed
    },
  }
}
