import type { WirePolicy } from '@nearcast/peer-core/signalling'
import type { Address } from '../address/address.ts'
import { openPolicy, overlay, type SitePolicy } from '../sites/site-policy.ts'
import { type Explanation, SiteTable } from '../sites/site-table.ts'
import { networkOf, type Standing } from './network.ts'

/**
 * What the operator decides for an address: the base, then the site's row, then what was switched at run time for
 * the site, then for all. The last word wins, so `mode: off` for all is the kill switch.
 */
export class Policies {
  readonly #base: SitePolicy
  #table = new SiteTable()
  readonly #overrides = new Map<string | null, WirePolicy>()

  constructor(base: WirePolicy = {}) {
    this.#base = overlay(openPolicy, base)
  }

  setTable(table: SiteTable): void {
    this.#table = table
  }

  /** `site` null means all. `override` null takes an earlier one back. */
  setOverride(site: string | null, override: WirePolicy | null): void {
    if (override === null) this.#overrides.delete(site)
    else this.#overrides.set(site, override)
  }

  siteOf(address: Address): string | null {
    return this.#table.match(address)?.site ?? null
  }

  /** `signedSite`: what a token vouches for goes before what the address says. */
  standing(address: Address, signedSite: string | null = null): Standing {
    const rule = signedSite === null ? this.#table.match(address) : this.#table.named(signedSite)
    const site = signedSite ?? rule?.site ?? null
    let policy = overlay(this.#base, rule?.policy)
    if (site !== null) policy = overlay(policy, this.#overrides.get(site))
    policy = overlay(policy, this.#overrides.get(null))
    return { network: networkOf(address, site), policy }
  }

  explain(address: Address): Explanation & { readonly standing: Standing } {
    return { ...this.#table.explain(address), standing: this.standing(address) }
  }
}
