import type { Address } from '../address/address.ts'
import type { Cidr } from '../address/cidr.ts'

/** Rules of one prefix length, the first of each network. */
interface Length {
  readonly family: 4 | 6
  readonly bits: number
  readonly first: Map<string | number, number>
}

/**
 * Finds the first of many networks that covers an address. One look-up for each prefix length in use, instead of one
 * comparison for each row: a file of 10,000 rows has a dozen lengths.
 */
export class PrefixIndex {
  readonly #lengths: readonly Length[]

  /** In order: of two that cover an address the earlier counts. */
  constructor(cidrs: readonly Cidr[]) {
    const lengths = new Map<string, Length>()
    cidrs.forEach(({ family, bits, bytes }, i) => {
      const name = `${family}/${bits}`
      const length = lengths.get(name) ?? { family, bits, first: new Map() }
      lengths.set(name, length)
      const key = keyOf(bytes, bits)
      if (!length.first.has(key)) length.first.set(key, i)
    })
    this.#lengths = [...lengths.values()]
  }

  /** Number of the first network that covers all of `target`; null when none does. */
  first(target: Address | Cidr): number | null {
    let least = Number.POSITIVE_INFINITY
    for (const { family, bits, first } of this.#lengths) {
      if (family !== target.family || ('bits' in target && target.bits < bits)) continue
      const found = first.get(keyOf(target.bytes, bits))
      if (found !== undefined && found < least) least = found
    }
    return least === Number.POSITIVE_INFINITY ? null : least
  }
}

/** The network part: a number for IPv4, which makes no garbage, and text for IPv6. */
function keyOf(bytes: readonly number[], bits: number): string | number {
  if (bytes.length === 4) {
    const word =
      (((bytes[0] ?? 0) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) >>> 0
    return bits === 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0
  }
  let text = ''
  for (let i = 0; i * 8 < bits; i++) {
    const kept = Math.min(8, bits - i * 8)
    text += String.fromCharCode((bytes[i] ?? 0) & (0xff00 >> kept) & 0xff)
  }
  return text
}
