/** Which web pages may use this tracker. Browsers cannot lie about their origin; other programs can, and need not. */
export interface OriginRules {
  /** `undefined`: the request names none, so it does not come from a page. */
  allows(origin: string | undefined): boolean
}

export interface OriginOptions {
  /**
   * `https://www.example.com`, `http://localhost:3000`, or `https://*.example.com` for every name below; empty for
   * all pages. @default []
   */
  readonly origins: readonly string[]
  /** Whether programs that are no browser are let in: the headless peer, native apps. @default true */
  readonly native: boolean
}

/** What is wrong with a pattern, for whoever wrote it; null when it is one. */
export function originProblem(pattern: string): string | null {
  return parsePattern(pattern) === null
    ? 'give an origin such as https://www.example.com or https://*.example.com, without a path'
    : null
}

/** Patterns must have passed `originProblem`; others match nothing. */
export function createOriginRules({ origins, native }: OriginOptions): OriginRules {
  const patterns = origins.flatMap(text => parsePattern(text) ?? [])
  const exact = new Set(patterns.flatMap(({ wild, origin }) => (wild ? [] : [origin])))
  const wild = patterns.filter(pattern => pattern.wild)
  return {
    allows(origin) {
      if (origin === undefined) return native
      if (origins.length === 0) return true
      // A sandboxed frame or a file sends the word null, which could be anybody.
      if (exact.has(origin)) return true
      if (wild.length === 0 || !URL.canParse(origin)) return false
      const { protocol, hostname, port } = new URL(origin)
      return wild.some(
        pattern =>
          pattern.protocol === protocol && pattern.port === port && hostname.endsWith(pattern.suffix),
      )
    },
  }
}

interface Pattern {
  readonly wild: boolean
  readonly origin: string
  readonly protocol: string
  readonly port: string
  /** `.example.com` */
  readonly suffix: string
}

function parsePattern(text: string): Pattern | null {
  const wild = /^https?:\/\/\*\./i.test(text)
  const plain = wild ? text.replace('*.', '') : text
  if (plain.includes('*') || !/^https?:\/\/[^/?#@]+$/i.test(plain) || !URL.canParse(plain)) return null
  const { origin, protocol, port, hostname } = new URL(plain)
  // `https://*.com` would be nearly everybody, and is surely a mistake.
  if (wild && !hostname.includes('.')) return null
  return { wild, origin, protocol, port, suffix: `.${hostname}` }
}
