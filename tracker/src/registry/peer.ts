import type { Announce, BinaryId, WireGroup } from '@nearcast/peer-core/signalling'
import type { Grant } from '../access/grant.ts'
import type { NodeId } from '../cluster/node-message.ts'
import type { Whereabouts } from '../reports/reports.ts'
import type { SitePolicy } from '../sites/site-policy.ts'
import type { Bag, BagLevel } from './bag.ts'
import type { Connection } from './connection.ts'
import type { Ledger } from './ledger.ts'
import type { Near } from './nearness.ts'
import type { Partners } from './partners.ts'
import type { Swarm } from './swarm.ts'

/** One peer of one swarm: what matching needs, and what it was told. Owned by its swarm and its connection. */
export interface Peer {
  readonly id: BinaryId
  readonly swarm: Swarm
  /** ms of the registry's clock. */
  readonly joinedAt: number
  /** Changes when a returning client takes its peer_id over. */
  connection: Connection
  /** What is known of a peer that another machine has; null for all others. See `guests.ts`. */
  readonly guest: Guest | null
  /** It announced at another machine since: not counted or matched here, but what is under way through this socket ends well. */
  away: boolean
  /** `directed` takes named neighbours; `extras` understands our fields; `standard` is any WebTorrent client. */
  speaks: 'standard' | 'extras' | 'directed'
  /** The stricter of what the client and the operator want. */
  mode: 'share' | 'leech' | 'off'
  wantedMode: 'share' | 'leech' | 'off'
  /** What the operator decided for this peer: its network, its content, its place in a rollout. */
  policy: SitePolicy
  /** Peers with the same one are taken to share a line; the public address, until outcomes say otherwise. */
  home: string
  /** Which private network behind `home`, as the client names it; null unknown or of no matter. */
  lan: string | null
  /** What the client itself says of its private network. */
  lanKey: string | null
  /** False behind a carrier's NAT: then nobody shares its line but peers of its own socket. */
  sharesLine: boolean
  complete: boolean
  /** Links open and links wanted, as our clients report them. */
  links: number
  want: number
  /** Child links that its uplink can feed, as it reports; null unknown. */
  childLinks: number | null
  readonly bags: (Bag | null)[]
  readonly slots: number[]
  readonly ledger: Ledger
  readonly partners: Partners
  /** Newcomers to whom it was named since then. */
  invited: number
  invitedSince: number
  /** What the client last heard about its group. */
  told: WireGroup | null
  /** Resume token; the client echoes it as `trackerid`. */
  readonly token: string
  /** Another socket that wants this peer_id while its holder is asked whether it lives. */
  claim: Claim | null
  /** The token under which it is here; null where none is needed. */
  grant: Grant | null
  /** Under what names its reports are shown, while its connection's standing is this one. */
  whereabouts: { readonly standing: Connection['standing']; readonly value: Whereabouts } | null
  /** Number of the last selection that considered this peer; spares a set per announce. */
  mark: number
}

/** By a socket of ours, or by another node. */
export type Claim =
  | { readonly connection: Connection; readonly announce: Announce; readonly until: number }
  | { readonly node: NodeId; readonly until: number }

export interface Guest {
  readonly node: NodeId
  /** Where it is, as the other node says. */
  near: Near
  /** Ms of the registry's clock; forgotten then. */
  until: number
  levelWith(local: Peer): BagLevel
}

/**
 * Whether two peers may learn of each other at all. `wan: deny` keeps a peer inside its site, or, where nobody named
 * a site, inside its address: then no address is shown outside the network that already knows it.
 */
export function mayMeet(a: Peer, b: Peer): boolean {
  if (a === b || a.mode === 'off' || b.mode === 'off') return false
  if (a.mode === 'leech' && b.mode === 'leech') return false
  if (a.policy.wan === 'allow' && b.policy.wan === 'allow') return true
  const level = levelBetween(a, b)
  return level === 'lan' || level === 'site' || level === 'address'
}

/** The nearest level that two peers share. */
export function levelBetween(a: Peer, b: Peer): BagLevel {
  if (a.guest !== null) return a.guest.levelWith(b)
  if (b.guest !== null) return b.guest.levelWith(a)
  if (a.lan !== null && a.lan === b.lan && a.home === b.home) return 'lan'
  const [mine, theirs] = [a.connection.standing.network, b.connection.standing.network]
  if (mine.site !== null && mine.site === theirs.site) return 'site'
  if (a.home === b.home) return 'address'
  if (mine.prefix === theirs.prefix) return 'prefix'
  if (mine.asn !== null && mine.asn === theirs.asn) return 'asn'
  return mine.country !== null && mine.country === theirs.country ? 'country' : 'far'
}
