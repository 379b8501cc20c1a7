import type { BinaryId } from '@nearcast/peer-core/signalling'
import type { Claim, NodeId, NodeMessage } from '../cluster/node-message.ts'
import { type Context, refuse } from './context.ts'
import { leave, setAway } from './membership.ts'
import type { Nearness } from './nearness.ts'
import type { Peer } from './peer.ts'

/** Who this machine is among others, and what takes messages to them. */
export interface Post {
  readonly node: NodeId
  /** Queues a message; whether it arrives nobody knows. */
  post(to: NodeId | 'all', message: NodeMessage): void
}

/** Two machines at which a client announced within this each take the other's claim for the older one, ms. */
const crossingMs = 2_000

/** Who holds a peer_id when its client announces at one machine after the other, or a stranger says it. */
export class Claims {
  readonly #context: Context
  readonly #post: Post
  readonly #nearness: Nearness
  readonly #claimedAt = new WeakMap<Peer, number>()
  #state: 'open' | 'leaving' = 'open'

  constructor(context: Context, post: Post, nearness: Nearness) {
    this.#context = context
    this.#post = post
    this.#nearness = nearness
  }

  leave(): void {
    this.#state = 'leaving'
  }

  /** The peer came here under this id: whoever has it elsewhere lets go. */
  make(peer: Peer, proven: boolean): void {
    if (this.#state === 'leaving') return
    // Also when nobody else is known to have the swarm: that it came to another machine as well may not be known yet.
    this.#claimedAt.set(peer, this.#context.now())
    this.#post.post('all', this.#claimOf(peer, proven))
  }

  /** The holder of the id lives. */
  object(peer: Peer, node: NodeId): void {
    this.#post.post(node, { type: 'held', infoHash: peer.swarm.infoHash, peerId: peer.id })
  }

  /** A client of another machine's says that it is one of ours. */
  heard(node: NodeId, { infoHash, peerId, address, proven }: Claim): void {
    const peer = this.#context.swarms.get(infoHash)?.peers.get(peerId)
    if (peer === undefined || peer.away) return
    const now = this.#context.now()
    const isOwner = proven || address === this.#addressOf(peer)
    if (isOwner) {
      // Announced at both at once: the claims crossed, and exactly one of the two must yield.
      const claimedAt = this.#claimedAt.get(peer) ?? Number.NEGATIVE_INFINITY
      const crosses = now - claimedAt < crossingMs && this.#state === 'open'
      if (crosses && this.#post.node > node) return this.#post.post(node, this.#claimOf(peer, true))
      // Not to leave: a client that lists several machines is at each of them, and counts where it announced last.
      return setAway(this.#context, peer, true)
    }
    if (peer.claim !== null) return this.object(peer, node)
    peer.claim = { node, until: now + this.#context.limits.claimMs }
    this.#context.claims.add(peer)
    this.#context.actions.push({ type: 'ping', to: peer.connection.id })
  }

  /** Another machine's holder of the id lives. */
  refused({ infoHash, peerId }: { readonly infoHash: BinaryId; readonly peerId: BinaryId }): void {
    const peer = this.#context.swarms.get(infoHash)?.peers.get(peerId)
    // Only a newcomer's claim is open.
    if (peer === undefined || this.#context.now() - peer.joinedAt > 2 * this.#context.limits.claimMs) return
    const { connection } = peer
    leave(this.#context, peer)
    refuse(this.#context, connection, 'stranger', 'this peer_id is in use', infoHash)
  }

  #claimOf(peer: Peer, proven: boolean): Claim {
    return {
      type: 'claim',
      infoHash: peer.swarm.infoHash,
      peerId: peer.id,
      address: this.#addressOf(peer),
      proven,
    }
  }

  #addressOf({ connection }: Peer): string {
    return this.#nearness.key(`claim:${connection.standing.network.address}`)
  }
}
