import { type Address, isPrivate } from '../address/address.ts'
import type { Network } from './network.ts'
import { type Vote, Votes } from './votes.ts'

/** A socket, as far as this matters. */
export interface Resident {
  readonly id: number
  readonly address: Address
  readonly standing: { readonly network: Network }
}

/** One end of a dial: a socket, and the private network that its peer names. */
export interface End {
  readonly connection: Resident
  readonly lan: string | null
}

export interface Household {
  /** Peers with the same one are taken to share a line. */
  readonly home: string
  /** The private network behind it, while nobody knows whether it reaches the others there. */
  readonly lan: string | null
  /** False behind a carrier's NAT: then `home` is this socket's alone. */
  readonly sharesLine: boolean
}

interface Premises {
  sockets: number
  isCarrier: boolean
  /** What peers behind this address say of dials among them. */
  readonly votes: Votes
  /** The same of dials that leave one of its private networks for another. */
  readonly lans: Map<string, { readonly votes: Votes; verdict: 'unknown' | 'routed' | 'apart' }>
}

interface Join {
  readonly to: string
  readonly until: number
}

/** Sockets of one IPv4 address from which on it is taken for a carrier's; and below which no longer. */
const crowd = 64
const noCrowd = 48
/** Reporters that it takes to call a network something. One who lies is not enough. */
const enoughVotes = 3
/** More for what could also be an office whose own router sends packets back in: blocked multicast, no STUN inside. */
const enoughVia = 8
/** How long after the first the second of a pair may report, ms. */
const confirmMs = 120_000
/** A household keeps its two addresses for about so long, ms. */
const joinMs = 6 * 3_600_000
const mostJoins = 10_000
const mostJoinsOfOne = 8
const mostPending = 4_096

/**
 * Which sockets share a line, as far as their addresses do not say. Starts from the public address and corrects itself
 * by what peers report of dials that the tracker itself arranged: many behind one address are a carrier's customers
 * unless they reach each other directly; two private networks behind one address may be apart; an IPv4 and an IPv6
 * address may be one household. Sites that the operator named are left as they are.
 *
 * Lies stay at home: an outcome counts only for the addresses of its two ends, so whoever lies must be there.
 */
export class Homes {
  readonly #premises = new Map<string, Premises>()
  /** IPv6 networks that are the household of an IPv4 address. */
  readonly #joins = new Map<string, Join>()
  /** Direct connections across families that one side has reported, and until when the other may. */
  readonly #pending = new Map<string, number>()
  readonly #moved = new Set<string>()

  of({ connection, lan }: End): Household {
    const { network } = connection.standing
    const { address } = network
    if (network.site !== null) return { home: address, lan, sharesLine: true }
    const premises = this.#premises.get(address)
    if (premises?.isCarrier) return { home: `${address}~${connection.id}`, lan: null, sharesLine: false }
    const home = this.#joins.get(address)?.to ?? address
    const verdict = lan === null ? undefined : premises?.lans.get(lan)?.verdict
    if (verdict === 'apart') return { home: `${home}#${lan}`, lan: null, sharesLine: true }
    return { home, lan: verdict === 'routed' ? null : lan, sharesLine: true }
  }

  /** So many sockets come from the address of this one now. */
  counted({ address, standing }: Resident, sockets: number, now: number): void {
    const { address: key, site } = standing.network
    const known = this.#premises.get(key)
    // One address of IPv6 is one link; a private one is a proxy, a lab, or seen from inside.
    if (
      known === undefined &&
      (sockets <= crowd || site !== null || address.family === 6 || isPrivate(address))
    )
      return
    const premises = known ?? this.#open(key)
    premises.sockets = address.family === 4 ? sockets : 0
    this.#judge(key, premises, now)
  }

  /** One end of a dial that the tracker arranged says how it went. */
  saw(reporter: End, other: End, vote: Vote, now: number): void {
    const [mine, theirs] = [reporter.connection.standing.network, other.connection.standing.network]
    if (mine.site !== null || theirs.site !== null) return
    if (isPrivate(reporter.connection.address) || isPrivate(other.connection.address)) return
    if (mine.address !== theirs.address) {
      if (vote === 'direct') this.#sawAcross(reporter.connection, other.connection, now)
      return
    }
    const premises = this.#premises.get(mine.address) ?? this.#open(mine.address)
    if (reporter.lan !== null && other.lan !== null && reporter.lan !== other.lan) {
      // It says something of the way between the two, not of the whole address.
      for (const lan of [reporter.lan, other.lan])
        this.#sawCrossing(mine.address, premises, lan, reporter, vote, now)
      return
    }
    premises.votes.add(reporter.connection.id, vote, now)
    this.#judge(mine.address, premises, now)
  }

  /** Addresses of which something else is true than when this was last asked. */
  takeMoved(): ReadonlySet<string> | null {
    if (this.#moved.size === 0) return null
    const moved = new Set(this.#moved)
    this.#moved.clear()
    return moved
  }

  /** Forgets what is old. Call it now and then. */
  expire(now: number): void {
    for (const [address, { until }] of this.#joins) {
      if (until > now) continue
      this.#joins.delete(address)
      this.#moved.add(address)
    }
    for (const [pair, until] of this.#pending) {
      if (until > now) break
      this.#pending.delete(pair)
    }
    for (const [address, premises] of this.#premises) {
      this.#judge(address, premises, now)
      for (const [lan, entry] of premises.lans) {
        entry.votes.count(now)
        if (!entry.votes.isEmpty) continue
        premises.lans.delete(lan)
        this.#moved.add(address)
      }
      const isIdle = premises.votes.isEmpty && premises.lans.size === 0
      if (isIdle && !premises.isCarrier && premises.sockets <= noCrowd) this.#premises.delete(address)
    }
  }

  #open(address: string): Premises {
    const premises: Premises = { sockets: 0, isCarrier: false, votes: new Votes(), lans: new Map() }
    this.#premises.set(address, premises)
    return premises
  }

  #judge(address: string, premises: Premises, now: number): void {
    const { direct, via, failed } = premises.votes.count(now)
    const crowded = premises.sockets > (premises.isCarrier ? noCrowd : crowd)
    const isLan = direct >= enoughVotes && direct >= via + failed
    const isNone = (failed >= enoughVotes || via >= enoughVia) && via + failed >= 3 * direct
    const isCarrier = !isLan && (crowded || isNone)
    if (isCarrier === premises.isCarrier) return
    premises.isCarrier = isCarrier
    this.#moved.add(address)
  }

  #sawCrossing(
    address: string,
    premises: Premises,
    lan: string,
    reporter: End,
    vote: Vote,
    now: number,
  ): void {
    const entry = premises.lans.get(lan) ?? { votes: new Votes(), verdict: 'unknown' as const }
    premises.lans.set(lan, entry)
    entry.votes.add(reporter.connection.id, vote, now)
    const { direct, via, failed } = entry.votes.count(now)
    const verdict = direct > 0 ? 'routed' : via + failed >= enoughVotes ? 'apart' : 'unknown'
    if (verdict === entry.verdict) return
    entry.verdict = verdict
    this.#moved.add(address)
  }

  /** Both ends have to say so: who lies must sit on both. */
  #sawAcross(reporter: Resident, other: Resident, now: number): void {
    if (reporter.address.family === other.address.family) return
    const said = `${reporter.id} ${other.id}`
    const confirms = this.#pending.get(`${other.id} ${reporter.id}`)
    if (confirms === undefined || confirms <= now) {
      this.#pending.delete(said)
      this.#pending.set(said, now + confirmMs)
      const [oldest] = this.#pending.keys()
      if (this.#pending.size > mostPending && oldest !== undefined) this.#pending.delete(oldest)
      return
    }
    this.#pending.delete(`${other.id} ${reporter.id}`)
    const [four, six] = reporter.address.family === 4 ? [reporter, other] : [other, reporter]
    this.#join(six.standing.network.address, four.standing.network.address, now)
  }

  #join(from: string, to: string, now: number): void {
    const known = this.#joins.get(from)
    // The first one holds: a second household does not take it away.
    if (known !== undefined && known.to !== to) return
    if (this.#premises.get(from)?.isCarrier || this.#premises.get(to)?.isCarrier) return
    if (known === undefined) {
      let siblings = 0
      for (const join of this.#joins.values()) if (join.to === to) siblings++
      if (siblings >= mostJoinsOfOne || this.#joins.size >= mostJoins) return
      this.#moved.add(from)
    }
    this.#joins.set(from, { to, until: now + joinMs })
  }
}
