import type { Announce, BinaryId, WireGroup } from '@nearcast/peer-core/signalling'
import type { Grant } from '../access/grant.ts'
import type { Bag } from './bag.ts'
import type { Connection } from './connection.ts'
import type { Ledger } from './ledger.ts'
import { levelBetween } from './network.ts'
import type { Partners } from './partners.ts'
import type { Swarm } from './swarm.ts'

/** One peer of one swarm: what matching needs, and what it was told. Owned by its swarm and its connection. */
export interface Peer {
  readonly id: BinaryId
  readonly swarm: Swarm
  /** Changes when a returning client takes its peer_id over. */
  connection: Connection
  /** `directed` takes named neighbours; `extras` understands our fields; `standard` is any WebTorrent client. */
  speaks: 'standard' | 'extras' | 'directed'
  /** The stricter of what the client and the operator want. */
  mode: 'share' | 'leech' | 'off'
  wantedMode: 'share' | 'leech' | 'off'
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
  /** What the client last heard about its group. */
  told: WireGroup | null
  /** Resume token; the client echoes it as `trackerid`. */
  readonly token: string
  /** Another socket that wants this peer_id while its holder is asked whether it lives. */
  claim: Claim | null
  /** The token under which it is here; null where none is needed. */
  grant: Grant | null
  /** Number of the last selection that considered this peer; spares a set per announce. */
  mark: number
}

interface Claim {
  readonly connection: Connection
  readonly announce: Announce
  readonly until: number
}

/**
 * Whether two peers may learn of each other at all. `wan: deny` keeps a peer inside its site, or, where nobody named
 * a site, inside its address: then no address is shown outside the network that already knows it.
 */
export function mayMeet(a: Peer, b: Peer): boolean {
  if (a === b || a.mode === 'off' || b.mode === 'off') return false
  if (a.mode === 'leech' && b.mode === 'leech') return false
  if (a.connection.standing.policy.wan === 'allow' && b.connection.standing.policy.wan === 'allow')
    return true
  const level = levelBetween(a.connection.standing.network, b.connection.standing.network)
  return level === 'site' || level === 'address'
}
