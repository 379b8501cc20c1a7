import type {
  Answer,
  BinaryId,
  Candidates,
  DirectedOffer,
  SpeculativeOffer,
} from '@nearcast/peer-core/signalling'
import type { Row } from '../cluster/hub.ts'
import type { Ask, NodeId, NodeMessage, NodeSignal, Reply, Traits } from '../cluster/node-message.ts'
import { relayOffer } from './announce.ts'
import type { Bag } from './bag.ts'
import { Claims, type Post } from './claims.ts'
import { type Context, push } from './context.ts'
import { Elsewhere } from './elsewhere.ts'
import { groupBag } from './group.ts'
import { Guests } from './guests.ts'
import type { OpenOffer } from './ledger.ts'
import { invite, meet } from './meet.ts'
import { Nearness } from './nearness.ts'
import { levelBetween, mayMeet, type Peer } from './peer.ts'
import { relayTo } from './relay.ts'
import { pickResidents } from './select.ts'

/** Totals since start, and how much is known now. */
export interface AbroadFacts {
  /** Descriptions and candidates for and from peers of other machines, by what became of them. */
  readonly relays: Readonly<Record<string, number>>
  /** Questions for peers, by what came of them. */
  readonly asks: Readonly<Record<string, number>>
  readonly guests: number
  readonly rows: number
}

interface OpenAsk {
  readonly peer: Peer
  readonly node: NodeId
  readonly offers: Ask['offers']
  readonly isGroup: boolean
  readonly want: number
  /** Where to try next with what is left. */
  readonly others: readonly NodeId[]
  readonly until: number
}

/** Somebody who came before it was known who else is there. */
interface Hungry {
  readonly peer: Peer
  readonly offers: readonly SpeculativeOffer[]
  readonly until: number
}

/** Least time between two searches of one peer, ms: whoever announces without end costs other machines no more. */
const seekEveryMs = 1_000
/** How long an ask is worth something, ms; and a search that waits for the directory, with its offers in memory. */
const askMs = 10_000
const hungryMs = 3_000
const mostAsks = 20_000
const mostHungry = 20_000
/** Offers of all searches that wait, of up to 16 KB each. */
const mostHungryOffers = 2_000
/** Share of the searches that go abroad although there are enough here: what holds the machines' parts of a swarm together. */
const bridgeShare = 0.25
/** Offers that found nobody at one machine are tried at so many more. */
const mostTries = 3

/**
 * The registry's dealings with other machines: finds peers there when those here do not suffice, finds peers here for
 * them, and passes on what such a pair exchanges. Queues messages, waits for nothing.
 */
export class Abroad {
  readonly elsewhere: Elsewhere
  readonly guests: Guests
  readonly claims: Claims
  readonly #context: Context
  readonly #post: Post
  readonly #nearness: Nearness
  readonly #asks = new Map<number, OpenAsk>()
  #hungry: Hungry[] = []
  #hungryOffers = 0
  readonly #soughtAt = new WeakMap<Peer, number>()
  #lastAsk = 0
  #state: 'open' | 'leaving' = 'open'
  readonly #relays: Record<string, number> = { sent: 0, delivered: 0 }
  readonly #results: Record<string, number> = { sent: 0, found: 0, nobody: 0, late: 0 }

  constructor(context: Context, post: Post) {
    this.#context = context
    this.#post = post
    this.#nearness = new Nearness(context.labels)
    this.elsewhere = new Elsewhere(context, post.node, this.#nearness)
    this.guests = new Guests(context, this.#nearness)
    this.claims = new Claims(context, post, this.#nearness)
  }

  /** How many of a client's offers are better kept for other machines. */
  reserve(peer: Peer, offers: number): number {
    if (offers < 2 || !this.#mayRoam(peer)) return 0
    const parts = this.elsewhere.partsOf(peer.swarm.row)
    return parts !== null && parts.size > 0 && this.#context.random() < bridgeShare ? 1 : 0
  }

  /**
   * Looks for peers at other machines where those here do not suffice: of the peer's group first, then anybody.
   * `offers`: those that found nobody here, from a client that is told no names.
   */
  seek(
    peer: Peer,
    offers: readonly SpeculativeOffer[],
    until: number = this.#context.now() + hungryMs,
  ): void {
    if (this.#state === 'leaving' || peer.mode === 'off') return
    const byName = peer.speaks === 'directed'
    if (!byName && offers.length === 0) return
    const now = this.#context.now()
    if (now - (this.#soughtAt.get(peer) ?? Number.NEGATIVE_INFINITY) < seekEveryMs) return
    const bag = groupBag(peer)
    const swarmParts = this.elsewhere.partsOf(peer.swarm.row)
    if (bag === null || swarmParts?.size === 0) return
    const groupParts = this.elsewhere.partsOf(bag.row)
    if (swarmParts === null || groupParts === null) return this.#wait({ peer, offers, until })
    this.#soughtAt.set(peer, now)
    const near = [...groupParts.keys()]
    if (byName) this.#seekNames(peer, bag, near)
    else {
      const far = this.#mayRoam(peer) ? this.#shuffled(swarmParts) : []
      const order = [...new Set([...near, ...far])].slice(0, mostTries)
      this.#ask(peer, order, near.length > 0 ? bag : null, offers.length, writable(offers))
    }
  }

  /** A fetcher's fellows at other machines: the fetchers of a group are one mesh, wherever they are connected. */
  seekFellows(peer: Peer, bag: Bag): void {
    if (this.#state === 'leaving') return
    for (const node of this.elsewhere.partsOf(bag.row)?.keys() ?? [])
      this.#ask(peer, [node], bag, 12, [], 'fetchers')
  }

  /** Takes a description or candidates to a peer's machine. */
  carry(from: Peer, to: Peer, offerId: BinaryId, signal: NodeSignal['signal']): void {
    if (to.guest === null) return
    this.guests.touch(to)
    this.#count(this.#relays, 'sent')
    const { infoHash } = from.swarm
    this.#post.post(to.guest.node, { type: 'signal', infoHash, from: from.id, to: to.id, offerId, signal })
  }

  heard(node: NodeId, message: NodeMessage): void {
    switch (message.type) {
      case 'ask':
        return this.#asked(node, message)
      case 'reply':
        return this.#replied(node, message)
      case 'signal':
        return this.#signalled(node, message)
      case 'claim':
        return this.claims.heard(node, message)
      case 'held':
        return this.claims.refused(message)
      case 'count':
        return this.elsewhere.hear(node, message.row, message.value)
      // The cluster's own affairs.
      case 'rules':
      case 'hello':
      case 'bye':
        return
    }
  }

  learned(rows: ReadonlyMap<string, Row>): void {
    for (const [row, cells] of rows) this.elsewhere.learn(row, cells)
    // Whoever waits for another row comes back to the queue with the time it began.
    for (const { peer, offers, until } of this.#takeHungry()) this.seek(peer, offers, until)
  }

  lost(node: NodeId): void {
    this.elsewhere.keep(other => other !== node)
    this.guests.dismissOf(node)
    for (const [id, ask] of this.#asks) {
      if (ask.node !== node) continue
      this.#asks.delete(id)
      this.#goOn(ask, ask.offers)
    }
  }

  leave(): void {
    this.#state = 'leaving'
    this.claims.leave()
  }

  expire(): void {
    const now = this.#context.now()
    this.guests.expire(now)
    if ((this.#hungry[0]?.until ?? now) < now) for (const hungry of this.#takeHungry()) this.#wait(hungry)
    for (const [id, { until }] of this.#asks) {
      if (until > now) break
      this.#asks.delete(id)
      this.#count(this.#results, 'late')
    }
  }

  mark(): string {
    return this.#nearness.key('mark')
  }

  facts(): AbroadFacts {
    return {
      relays: { ...this.#relays },
      asks: { ...this.#results },
      guests: this.guests.size,
      rows: this.elsewhere.size,
    }
  }

  #wait(hungry: Hungry): void {
    const offers = this.#hungryOffers + hungry.offers.length
    if (this.#hungry.length >= mostHungry || offers > mostHungryOffers) return
    this.#hungryOffers = offers
    this.#hungry.push(hungry)
  }

  /** Those for whom it is not too late. */
  #takeHungry(): readonly Hungry[] {
    const now = this.#context.now()
    const hungry = this.#hungry.filter(({ peer, until }) => until > now && isHere(peer))
    this.#hungry = []
    this.#hungryOffers = 0
    return hungry
  }

  #seekNames(peer: Peer, bag: Bag, near: readonly NodeId[]): void {
    const { limits, now: clock, random } = this.#context
    const now = clock()
    const standing = bag.backbone?.standing(peer) ?? null
    if (standing?.role === 'fetcher') this.seekFellows(peer, bag)
    const cap = peer.policy.maxPeers
    const room = cap > 0 ? Math.max(0, cap - peer.links) : limits.partners - limits.farLinks
    if (peer.want === 0 || room === 0) return
    if (standing === null) {
      const share = Math.min(limits.meshSize, room)
      for (const node of near) this.#ask(peer, [node], bag, share, [])
    }
    if (!this.#mayRoam(peer)) return
    const lacking =
      bag.total === 1
        ? Math.min(peer.want, room) - peer.partners.count(now)
        : limits.farLinks - peer.partners.farCount(now)
    const wanted = lacking > 0 ? lacking : random() < bridgeShare ? 1 : 0
    const parts = this.elsewhere.partsOf(peer.swarm.row) ?? new Map()
    // Where the group is has been asked for it.
    const [node] = this.#shuffled(parts)
    if (wanted > 0 && node !== undefined) this.#ask(peer, [node], null, wanted, [])
  }

  #ask(
    peer: Peer,
    [node, ...others]: readonly NodeId[],
    bag: Bag | null,
    want: number,
    offers: Ask['offers'],
    whom: 'fetchers' | 'anybody' = 'anybody',
  ): void {
    if (node === undefined || want <= 0 || this.#asks.size >= mostAsks) return
    const id = ++this.#lastAsk
    const until = this.#context.now() + askMs
    this.#asks.set(id, { peer, node, offers, isGroup: bag !== null, want, others, until })
    this.#count(this.#results, 'sent')
    this.#post.post(node, {
      type: 'ask',
      id,
      infoHash: peer.swarm.infoHash,
      origin: this.#traitsOf(peer),
      want,
      group: bag?.row || null,
      fetchers: whom === 'fetchers',
      offers,
    })
  }

  /** Another machine wants peers of ours for one of its own. */
  #asked(node: NodeId, { id, infoHash, origin, want, group, fetchers, offers }: Ask): void {
    const { now, random, limits, swarms } = this.#context
    const swarm = swarms.get(infoHash)
    const bag = group === null ? null : this.elsewhere.bagOf(group)
    const guest = swarm ? this.guests.welcome(swarm, origin, node) : null
    const byName = offers.length === 0
    const found: { traits: Traits; offerId: BinaryId | null }[] = []
    if (swarm !== undefined && guest !== null && (group === null || bag !== null)) {
      const count = byName ? want : Math.min(want, offers.length)
      const picks = pickResidents(
        guest,
        swarm,
        { bag, fetchers, count, byName },
        { now: now(), random, limits },
      )
      picks.forEach(({ peer, level }, i) => {
        const offer = offers[i]
        if (offer === undefined) invite(guest, peer, level, now(), limits.offerMs)
        else {
          const { offerId, sdpJson } = offer
          relayOffer(this.#context, guest, peer, level, { offerId, sdp: '', sdpJson }, 'speculative')
        }
        found.push({ traits: this.#traitsOf(peer), offerId: offer?.offerId ?? null })
      })
    }
    this.#post.post(node, { type: 'reply', id, infoHash, to: origin.peerId, found })
  }

  #replied(node: NodeId, { id, found }: Reply): void {
    const ask = this.#asks.get(id)
    if (ask === undefined || ask.node !== node) return this.#count(this.#results, 'late')
    this.#asks.delete(id)
    const { peer, want, isGroup } = ask
    if (!isHere(peer)) return
    this.#count(this.#results, found.length > 0 ? 'found' : 'nobody')
    const { limits, counters } = this.#context
    const now = this.#context.now()
    const named = []
    const placed = new Set<BinaryId>()
    for (const { traits, offerId } of found.slice(0, want)) {
      const guest = this.guests.welcome(peer.swarm, traits, node)
      // The operator's rules for our own peer are ours to keep.
      if (guest === null || !mayMeet(peer, guest)) continue
      const level = levelBetween(peer, guest)
      if (offerId !== null) {
        if (!ask.offers.some(offer => offer.offerId === offerId) || placed.has(offerId)) continue
        placed.add(offerId)
        this.#note({ from: peer, receiver: guest, offerId, level, kind: 'speculative' }, now)
        meet(peer, guest, level, now)
      } else if (peer.speaks === 'directed' && traits.speaks === 'directed') {
        if (peer.partners.has(guest.id, now, isGroup ? limits.offerMs : undefined)) continue
        invite(peer, guest, level, now, limits.offerMs)
        counters.named[level]++
        named.push({ peerId: guest.id, level })
      }
    }
    if (named.length > 0) push(this.#context, peer, { neighbours: named })
    this.#goOn(
      ask,
      ask.offers.filter(({ offerId }) => !placed.has(offerId)),
    )
  }

  /** Tries the next machine with the offers that are left. */
  #goOn({ peer, others }: OpenAsk, left: Ask['offers']): void {
    if (left.length > 0 && isHere(peer)) this.#ask(peer, others, null, left.length, left)
  }

  #signalled(node: NodeId, { infoHash, from, to, offerId, signal }: NodeSignal): void {
    const guest = this.guests.find(infoHash, from)
    const receiver = this.#context.swarms.get(infoHash)?.peers.get(to)
    if (guest?.guest?.node !== node) return this.#count(this.#relays, 'stranger')
    if (receiver === undefined) return this.#count(this.#relays, 'absent')
    this.guests.touch(guest)
    const head = { infoHash, peerId: from, to, offerId }
    const message: DirectedOffer | Answer | Candidates =
      signal.type === 'candidates'
        ? { ...head, type: 'candidates', candidates: signal.candidates }
        : { ...head, type: signal.type, sdp: '', sdpJson: signal.sdpJson }
    const dropped = relayTo(this.#context, guest, receiver, message)
    this.#count(this.#relays, dropped ?? 'delivered')
  }

  /** The answer to this offer passes, once. */
  #note(offered: Pick<OpenOffer, 'from' | 'receiver' | 'offerId' | 'level' | 'kind'>, now: number): void {
    const offer: OpenOffer = {
      ...offered,
      until: Math.ceil(now + this.#context.limits.offerMs),
      ticket: -1,
      state: 'open',
      offererCandidates: 0,
      answererCandidates: 0,
    }
    offer.receiver.ledger.add(offer)
    offer.ticket = this.#context.expiries.push(offer)
  }

  #traitsOf(peer: Peer): Traits {
    const { id, mode, policy, speaks } = peer
    return { peerId: id, near: this.#nearness.of(peer), mode, wan: policy.wan, speaks }
  }

  #mayRoam(peer: Peer): boolean {
    return peer.mode !== 'off' && peer.policy.wan === 'allow'
  }

  /** Nodes in random order, those with more peers more likely first (Efraimidis and Spirakis' keys). */
  #shuffled(
    parts: ReadonlyMap<NodeId, { readonly complete: number; readonly incomplete: number }>,
  ): NodeId[] {
    const keyed = [...parts].map(([node, { complete, incomplete }]) => ({
      node,
      key: this.#context.random() ** (1 / Math.max(1, complete + incomplete)),
    }))
    return keyed.sort((a, b) => b.key - a.key).map(({ node }) => node)
  }

  #count(table: Record<string, number>, name: string): void {
    table[name] = (table[name] ?? 0) + 1
  }
}

function isHere(peer: Peer): boolean {
  return peer.swarm.peers.get(peer.id) === peer
}

function writable(offers: readonly SpeculativeOffer[]): Ask['offers'] {
  return offers.map(({ offerId, sdp, sdpJson }) => ({ offerId, sdpJson: sdpJson ?? JSON.stringify(sdp) }))
}
