import type { BinaryId } from '@nearcast/peer-core/signalling'
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
  /** `new` until the first valid message. */
  state: 'new' | 'active'
}

export function membershipKey(infoHash: BinaryId, peerId: BinaryId): string {
  return infoHash + peerId
}
