import type { Address } from './address/address.ts'
import type { OperatorFiles, OperatorPaths } from './operator-files.ts'
import { describeScope } from './policy/policy-rule.ts'
import { writeRule } from './policy/read-policies.ts'
import { Policies } from './registry/policies.ts'

/** Why a viewer at this address gets what it gets: sentences for people, one JSON object for machines. */
export function explain(
  address: Address,
  paths: OperatorPaths,
  { sites, rules, locate }: OperatorFiles,
): { readonly lines: readonly string[]; readonly json: object } {
  const policies = new Policies()
  if (sites !== null) policies.setTable(sites.table)
  policies.setLocate(locate)
  policies.setRules(rules)
  const { match, shadowed, standing, rules: applying, policy } = policies.explain(address)
  const { asn, country } = standing.network
  const lines = [
    match === null
      ? `${address.text}: no row of ${paths.sites ?? 'a site file (none given)'} covers it; the defaults apply.`
      : `${address.text}: line ${match.line}, ${match.cidr.text}, site "${match.site}", is the first row that covers it.`,
    ...shadowed.map(
      ({ line, cidr, site }) => `  line ${line}, ${cidr.text}, "${site}", covers it too, but comes later.`,
    ),
    ...applying.map(
      rule => `  the rule for ${describeScope(rule)} applies to it: ${JSON.stringify(writeRule(rule))}`,
    ),
  ]
  const onContents = rules.filter(
    ({ content, site }) => content !== undefined && (site === undefined || site === match?.site),
  )
  if (onContents.length > 0) lines.push(`  Rules for single contents (${onContents.length}) may change that.`)
  const [address32, prefix] = address.family === 4 ? ['public address', '/24'] : ['/64', '/56']
  const levels = [
    ...(match === null ? [] : [`site "${match.site}"`]),
    address32 as string,
    prefix as string,
    ...(asn === null ? [] : [`AS${asn}`]),
    ...(country === null ? [] : [country]),
  ]
  const meets =
    policy.mode === 'off'
      ? 'It meets nobody: peers are off.'
      : policy.wan === 'deny'
        ? 'It meets nobody else.'
        : `It meets others by: ${levels.join(', then ')}, then anywhere.`
  lines.push(`  Its group: ${levels[0]}. ${meets}`)
  return {
    lines,
    json: {
      address: address.text,
      site: match?.site ?? null,
      line: match?.line ?? null,
      cidr: match?.cidr.text ?? null,
      group: match === null ? (address.family === 4 ? 'public address' : 'public /64') : 'site',
      asn,
      country,
      levels,
      policy,
    },
  }
}
