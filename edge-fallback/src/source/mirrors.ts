/** Several base URLs of one tree, and which of them is good. */
export interface Mirrors {
  /** Where a URL may be had, the best bet first; at least one. */
  candidates(url: string): readonly string[]
  /** `url`, one of the candidates, answered well. */
  good(url: string): void
}

export function createMirrors(baseUrls: readonly string[]): Mirrors {
  const bases = baseUrls.map(base => (base.endsWith('/') ? base : `${base}/`))
  let best = 0
  return {
    candidates(url) {
      const home = bases.find(base => url.startsWith(base))
      if (home === undefined) return [url]
      const rest = url.slice(home.length)
      return bases.map((_, i) => bases[(best + i) % bases.length]! + rest)
    },
    good(url) {
      const found = bases.findIndex(base => url.startsWith(base))
      if (found >= 0) best = found
    },
  }
}
