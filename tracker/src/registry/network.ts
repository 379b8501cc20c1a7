import { type Address, addressKey, prefixKey } from '../address/address.ts'
import type { SitePolicy } from '../sites/site-policy.ts'
import type { BagLevel } from './bag.ts'

/** Where a connection comes from, as far as matching cares. */
export interface Network {
  /** Name of the operator's site, or null. */
  readonly site: string | null
  readonly address: string
  readonly prefix: string
}

/** A socket's network and what the operator decided for it. */
export interface Standing {
  readonly network: Network
  readonly policy: SitePolicy
}

export function networkOf(address: Address, site: string | null): Network {
  return { site, address: addressKey(address), prefix: prefixKey(address) }
}

/** The nearest level that two networks share. */
export function levelBetween(a: Network, b: Network): BagLevel {
  if (a.site !== null && a.site === b.site) return 'site'
  if (a.address === b.address) return 'address'
  return a.prefix === b.prefix ? 'prefix' : 'far'
}
