import { type BinaryId, binaryToHex, type WirePolicy } from '@nearcast/peer-core/signalling'
import type { Address } from '../address/address.ts'
import { type PolicyRule, rolloutPlace, scopeOf } from '../policy/policy-rule.ts'
import { openPolicy, overlay, type SitePolicy, stricterMode } from '../sites/site-policy.ts'
import { type Explanation, SiteTable } from '../sites/site-table.ts'
import { type Locate, type Network, networkOf, nowhere, type Standing } from './network.ts'

/**
 * What the operator decides for a viewer: the base, then the site's row, then the rules set at run time, from the
 * general to the particular: for all, for a content, for a site, for a content at a site. Of the rules' modes the
 * strictest counts, so `mode: off` for all is a kill switch that no other rule undoes; of their rollouts the smallest.
 */
export class Policies {
  readonly #base: SitePolicy
  #table = new SiteTable()
  #locate: Locate = nowhere
  #rules = new Map<string, PolicyRule>()
  /** Equal policies are one object: thousands of peers hold it, and most changes can be told by identity. */
  readonly #known = new Map<string, SitePolicy>()

  constructor(base: WirePolicy = {}) {
    this.#base = overlay(openPolicy, base)
  }

  setTable(table: SiteTable): void {
    this.#table = table
    this.#known.clear()
  }

  setLocate(locate: Locate): void {
    this.#locate = locate
  }

  /** Replaces all rules. */
  setRules(rules: Iterable<PolicyRule>): void {
    this.#rules = new Map([...rules].map(rule => [scopeOf(rule), rule]))
    this.#known.clear()
  }

  get rules(): readonly PolicyRule[] {
    return [...this.#rules.values()]
  }

  /** Of a socket, whatever its peers watch. */
  siteOf(address: Address): string | null {
    return this.#table.match(address)?.site ?? null
  }

  /** `signedSite`: what a token vouches for goes before what the address says. */
  standing(address: Address, signedSite: string | null = null): Standing {
    const rule = signedSite === null ? this.#table.match(address) : this.#table.named(signedSite)
    const site = signedSite ?? rule?.site ?? null
    const policy = this.#share(overlay(this.#base, rule?.policy))
    return { network: networkOf(address, site, this.#locate(address)), policy }
  }

  /** Of one peer of such a socket. */
  policyOf({ network, policy }: Standing, infoHash: BinaryId, peerId: BinaryId): SitePolicy {
    if (this.#rules.size === 0) return policy
    const rules = this.#rulesFor(network, infoHash)
    const rollout = Math.min(100, ...rules.map(rule => rule.rollout ?? 100))
    const ruled = ruledBy(policy, rules)
    const isOut = rollout < 100 && rolloutPlace(infoHash, peerId) >= rollout
    return this.#share(isOut ? { ...ruled, mode: 'off' } : ruled)
  }

  explain(address: Address): Explanation & {
    readonly standing: Standing
    /** Rules that apply there to every content. */
    readonly rules: readonly PolicyRule[]
    readonly policy: SitePolicy
  } {
    const standing = this.standing(address)
    const rules = this.#rulesFor(standing.network, null)
    const policy = ruledBy(standing.policy, rules)
    return { ...this.#table.explain(address), standing, rules, policy }
  }

  /** From the general to the particular. */
  #rulesFor({ site }: Network, infoHash: BinaryId | null): readonly PolicyRule[] {
    const content = infoHash === null ? undefined : binaryToHex(infoHash)
    const scopes: Pick<PolicyRule, 'site' | 'content'>[] = [{}]
    if (content !== undefined) scopes.push({ content })
    if (site !== null) scopes.push({ site })
    if (content !== undefined && site !== null) scopes.push({ content, site })
    return scopes.flatMap(scope => this.#rules.get(scopeOf(scope)) ?? [])
  }

  #share(policy: SitePolicy): SitePolicy {
    const { mode, wan, uploadKbps, lineKbps, maxPeers, integrity = '' } = policy
    const key = `${mode} ${wan} ${uploadKbps} ${lineKbps} ${maxPeers} ${integrity}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, policy)
    return policy
  }
}

function ruledBy(policy: SitePolicy, rules: readonly PolicyRule[]): SitePolicy {
  let ruled = policy
  let mode: SitePolicy['mode'] | undefined
  for (const rule of rules) {
    ruled = overlay(ruled, rule.policy)
    if (rule.policy.mode !== undefined) mode = stricterMode(mode ?? 'share', rule.policy.mode)
  }
  return mode === undefined ? ruled : { ...ruled, mode }
}
