import type { BinaryId, ClientMessage } from '@nearcast/peer-core/signalling'
import type { Grant } from '../access/grant.ts'
import type { Address } from '../address/address.ts'
import type { Screen } from '../candidates/screen.ts'
import type { ConnectionId } from './action.ts'
import type { Standing } from './network.ts'
import type { Peer } from './peer.ts'
import type { TokenBucket } from './token-bucket.ts'

/**
 * One socket. The reference client shares one among all swarms of a page, each under its own peer_id, so a socket
 * *has* peers and is none.
 */
export interface Connection {
  readonly id: ConnectionId
  readonly address: Address
  /** STUN URLs this client is told. */
  readonly ice: readonly string[]
  readonly budget: TokenBucket
  /** By info_hash + peer_id. */
  readonly peers: Map<string, Peer>
  standing: Standing
  /** Judges the candidates it sends; made when the first ones come, and anew under new rules. */
  screen: Screen | null
  /** The Origin of its page; null from programs that have none. */
  readonly origin: string | null
  /** What its URL's token allows, for every membership that brings none of its own. */
  readonly grant: Grant | null
  /** What announces were allowed by their own tokens, by info_hash + peer_id; null until the first. */
  grants: Map<string, Grant> | null
  /** Site that a token vouches for. */
  signedSite: string | null
  /** Messages that wait while a token is looked at. */
  parked: Parked | null
  /** `new` until the first valid message. */
  state: 'new' | 'active'
}

export interface Parked {
  readonly token: string
  readonly messages: ClientMessage[]
}

export function membershipKey(infoHash: BinaryId, peerId: BinaryId): string {
  return infoHash + peerId
}
