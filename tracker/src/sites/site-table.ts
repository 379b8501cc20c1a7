import type { WirePolicy } from '@nearcast/peer-core/signalling'
import type { Address } from '../address/address.ts'
import { type Cidr, contains } from '../address/cidr.ts'
import { PrefixIndex } from './prefix-index.ts'

/** One row of the operator's file. Rows of the same site form one group. */
export interface SiteRule {
  /** Line of the file, from 1. */
  readonly line: number
  readonly site: string
  readonly cidr: Cidr
  readonly policy: WirePolicy
}

/** Which rows cover an address. The first decides. */
export interface Explanation {
  readonly match: SiteRule | null
  /** Later rows that cover it too, and do not count. */
  readonly shadowed: readonly SiteRule[]
}

/** Networks that the operator named, in the file's order: the first row that covers an address decides. */
export class SiteTable {
  readonly rules: readonly SiteRule[]
  readonly #index: PrefixIndex

  constructor(rules: readonly SiteRule[] = []) {
    this.rules = rules
    this.#index = new PrefixIndex(rules.map(({ cidr }) => cidr))
  }

  match(address: Address): SiteRule | null {
    return this.rules[this.#index.first(address) ?? -1] ?? null
  }

  /** The first row of a site. */
  named(site: string): SiteRule | null {
    return this.rules.find(rule => rule.site === site) ?? null
  }

  explain(address: Address): Explanation {
    const [match = null, ...shadowed] = this.rules.filter(rule => contains(rule.cidr, address))
    return { match, shadowed }
  }

  /** Rows that can never decide because an earlier one covers all of them. */
  unreachable(): readonly { readonly rule: SiteRule; readonly by: SiteRule }[] {
    return this.rules.flatMap((rule, i) => {
      const first = this.#index.first(rule.cidr)
      const by = first === null || first >= i ? undefined : this.rules[first]
      return by ? [{ rule, by }] : []
    })
  }
}
