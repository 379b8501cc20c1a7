/** The known name that was probably meant: the fewest edits away, at most a third of its letters; null for none. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    // Somebody may have left the group out.
    const edits = Math.min(
      distance(plain(name), plain(candidate)),
      distance(plain(name), lastWord(candidate)),
    )
    if (edits >= least || edits > plain(name).length / 3) continue
    best = candidate
    least = edits
  }
  return best
}

/** Levenshtein's: letters put in, taken out or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Spelling aside: `offer_ms`, `offer-ms` and `offerMs` are one. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function lastWord(key: string): string {
  return plain(key.slice(key.indexOf('.') + 1))
}
