import type { WirePolicy } from '@nearcast/peer-core/signalling'

/** What an operator decides for a network, complete. The wire's form of it has every field optional. */
export type SitePolicy = Required<Omit<WirePolicy, 'integrity'>> & Pick<WirePolicy, 'integrity'>

/** A network about which nobody said anything. */
export const openPolicy: SitePolicy = { mode: 'share', wan: 'allow', uploadKbps: 0, lineKbps: 0, maxPeers: 0 }

/** Fields of `over` replace those of `base`. */
export function overlay(base: SitePolicy, over: WirePolicy | undefined): SitePolicy {
  return over === undefined ? base : { ...base, ...over }
}

export function samePolicy(a: SitePolicy, b: SitePolicy): boolean {
  return (
    a.mode === b.mode &&
    a.wan === b.wan &&
    a.uploadKbps === b.uploadKbps &&
    a.lineKbps === b.lineKbps &&
    a.maxPeers === b.maxPeers &&
    a.integrity === b.integrity
  )
}

export function stricterMode(a: SitePolicy['mode'], b: SitePolicy['mode']): SitePolicy['mode'] {
  const order: readonly SitePolicy['mode'][] = ['share', 'leech', 'off']
  return order.indexOf(a) > order.indexOf(b) ? a : b
}
