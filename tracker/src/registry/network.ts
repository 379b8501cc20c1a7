import { type Address, addressKey, prefixKey } from '../address/address.ts'
import type { SitePolicy } from '../sites/site-policy.ts'

/** Where a connection comes from, as far as matching cares. */
export interface Network {
  /** Name of the operator's site, or null. */
  readonly site: string | null
  readonly address: string
  readonly prefix: string
  /** Null where no database names one. */
  readonly asn: string | null
  readonly country: string | null
}

/** What a database of the operator's knows of an address. */
export interface Location {
  readonly asn: string | null
  readonly country: string | null
}

export type Locate = (address: Address) => Location

/** A socket's network and what the operator decided for it, whatever the content. */
export interface Standing {
  readonly network: Network
  readonly policy: SitePolicy
}

export const nowhere: Locate = () => ({ asn: null, country: null })

export function networkOf(address: Address, site: string | null, { asn, country }: Location): Network {
  return { site, address: addressKey(address), prefix: prefixKey(address), asn, country }
}

export function sameNetwork(a: Network, b: Network): boolean {
  return a.site === b.site && a.address === b.address && a.asn === b.asn && a.country === b.country
}
