import type { BinaryId } from '@nearcast/peer-core/signalling'
import type { NodeId, Traits } from '../cluster/node-message.ts'
import { openPolicy } from '../sites/site-policy.ts'
import { bagLevels } from './bag.ts'
import { type Connection, membershipKey } from './connection.ts'
import type { Context } from './context.ts'
import { Ledger } from './ledger.ts'
import { type Near, type Nearness, nearestOf } from './nearness.ts'
import { Partners } from './partners.ts'
import type { Peer } from './peer.ts'
import type { Swarm } from './swarm.ts'
import { TokenBucket } from './token-bucket.ts'

/** Guests that may be known at once; the one that was quiet longest goes first. */
const mostGuests = 50_000

/**
 * Peers that another node introduced to one of ours: known for as long as the two may still exchange descriptions, in
 * no swarm and in no bag, so that nobody else is matched with them. Their ledger and partners hold our peers only.
 */
export class Guests {
  readonly #context: Context
  readonly #nearness: Nearness
  /** Who was heard of last stands last. */
  readonly #guests = new Map<string, Peer>()
  /** A guest's socket is the other node's. */
  readonly #connection: Connection

  constructor(context: Context, nearness: Nearness) {
    this.#context = context
    this.#nearness = nearness
    this.#connection = {
      // No socket's: WebSockets count up from 1, sessions over HTTP down from -1.
      id: 0,
      address: { family: 4, bytes: [0, 0, 0, 0], text: '0.0.0.0' },
      ice: [],
      budget: new TokenBucket(0, 0, 0),
      peers: new Map(),
      standing: {
        network: { site: null, address: '', prefix: '', asn: null, country: null },
        policy: openPolicy,
      },
      screen: null,
      origin: null,
      grant: null,
      grants: null,
      signedSite: null,
      parked: null,
      state: 'active',
    }
  }

  get size(): number {
    return this.#guests.size
  }

  find(infoHash: BinaryId, id: BinaryId): Peer | null {
    return this.#guests.get(membershipKey(infoHash, id)) ?? null
  }

  /** Null for whoever is here itself. */
  welcome(swarm: Swarm, traits: Traits, node: NodeId): Peer | null {
    const { peerId, mode, wan, speaks } = traits
    if (swarm.peers.get(peerId)?.away === false) return null
    const key = membershipKey(swarm.infoHash, peerId)
    const known = this.#guests.get(key)
    const guest =
      known?.guest?.node === node && known.swarm === swarm ? known : this.#make(swarm, traits, node)
    guest.mode = mode
    guest.wantedMode = mode
    guest.speaks = speaks
    guest.policy = { ...openPolicy, wan }
    const { guest: stay } = guest
    if (stay !== null) {
      stay.near = traits.near
      stay.until = this.#context.now() + this.#context.limits.offerMs
    }
    this.#guests.delete(key)
    this.#guests.set(key, guest)
    const [oldest] = this.#guests.keys()
    if (this.#guests.size > mostGuests && oldest !== undefined) this.#guests.delete(oldest)
    return guest
  }

  /** Keeps it while it is in touch. */
  touch(peer: Peer): void {
    if (peer.guest === null) return
    peer.guest.until = this.#context.now() + this.#context.limits.offerMs
    const key = membershipKey(peer.swarm.infoHash, peer.id)
    if (this.#guests.get(key) !== peer) return
    this.#guests.delete(key)
    this.#guests.set(key, peer)
  }

  expire(now: number): void {
    for (const [key, { guest }] of this.#guests) {
      if (guest !== null && guest.until > now) break
      this.#guests.delete(key)
    }
  }

  dismissOf(node: NodeId): void {
    for (const [key, { guest }] of this.#guests) if (guest?.node === node) this.#guests.delete(key)
  }

  #make(swarm: Swarm, { peerId, mode, near: at }: Traits, node: NodeId): Peer {
    const nearness = this.#nearness
    return {
      id: peerId,
      swarm,
      joinedAt: this.#context.now(),
      connection: this.#connection,
      guest: {
        node,
        near: at,
        until: 0,
        levelWith(local) {
          const theirs: Near = this.near
          return nearestOf(theirs, nearness.of(local))
        },
      },
      away: false,
      speaks: 'standard',
      mode,
      wantedMode: mode,
      policy: openPolicy,
      home: '',
      lan: null,
      lanKey: null,
      sharesLine: true,
      complete: false,
      links: 0,
      want: 0,
      childLinks: null,
      bags: bagLevels.map(() => null),
      slots: bagLevels.map(() => -1),
      ledger: new Ledger(),
      partners: new Partners(this.#context.limits.partners, this.#context.limits.partnerMs),
      invited: 0,
      invitedSince: 0,
      told: null,
      token: '',
      claim: null,
      grant: null,
      whereabouts: null,
      mark: 0,
    }
  }
}
