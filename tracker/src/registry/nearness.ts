import { type BagLevel, bagLevels } from './bag.ts'
import type { Labels } from './labels.ts'
import type { Peer } from './peer.ts'

/**
 * What a peer is near to, as keyed hashes by level without `far`: all that another machine learns of where it is.
 * Null at a level where it shares nothing.
 */
export type Near = readonly (string | null)[]

/** Hashes kept; they are made anew when there are more. */
const mostKnown = 100_000

export class Nearness {
  readonly #labels: Labels
  readonly #known = new Map<string, string>()

  constructor(labels: Labels) {
    this.#labels = labels
  }

  of({ home, lan, sharesLine, connection }: Peer): Near {
    const { site, prefix, asn, country } = connection.standing.network
    return [
      lan === null || !sharesLine ? null : this.key(`lan:${home}#${lan}`),
      site === null ? null : this.key(`site:${site}`),
      // Behind a carrier's NAT the home is this socket's alone, and named by a number of this machine's.
      sharesLine ? this.key(`address:${home}`) : null,
      this.key(`prefix:${prefix}`),
      asn === null ? null : this.key(`asn:${asn}`),
      country === null ? null : this.key(`country:${country}`),
    ]
  }

  /** The same text gives the same hash on every machine that has the secret. */
  key(text: string): string {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size >= mostKnown) this.#known.clear()
    const key = this.#labels.near(text)
    this.#known.set(text, key)
    return key
  }
}

export function nearestOf(a: Near, b: Near): BagLevel {
  const index = a.findIndex((key, i) => key !== null && key === b[i])
  return bagLevels[index] ?? 'far'
}
