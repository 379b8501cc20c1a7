import { type ClientMessage, parseClientText, type WirePolicy } from '@nearcast/peer-core/signalling'
import type { Grant, TokenMode, Verified } from '../access/grant.ts'
import type { Address } from '../address/address.ts'
import { isPrivate } from '../address/address.ts'
import type { CandidatePolicy } from '../candidates/screened.ts'
import { type PolicyRule, scopeOf } from '../policy/policy-rule.ts'
import type { Reports } from '../reports/reports.ts'
import type { SiteTable } from '../sites/site-table.ts'
import { Abroad } from './abroad.ts'
import { type Action, type ConnectionId, policyViolation } from './action.ts'
import { announce, refuseClaims, settleClaims } from './announce.ts'
import type { Post } from './claims.ts'
import { type ClusterSide, clusterSide } from './cluster-side.ts'
import type { Connection } from './connection.ts'
import { type Context, push, refuse } from './context.ts'
import { createCounters, type RegistryCounters } from './counters.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { authorise, expireGrants, park, settle } from './grants.ts'
import { type GroupSizes, sizeGroups } from './group-sizes.ts'
import { Homes } from './homes.ts'
import { createLabels } from './labels.ts'
import { defaultLimits, type RegistryLimits } from './limits.ts'
import { leave } from './membership.ts'
import type { Locate } from './network.ts'
import { Policies } from './policies.ts'
import { relay } from './relay.ts'
import { takeReport } from './reporting.ts'
import { scrape } from './scrape.ts'
import { TokenBucket } from './token-bucket.ts'
import { announceGroups, expireOffers, moveHouseholds, reclassify } from './upkeep.ts'

export interface RegistryOptions {
  /** Monotonic ms. */
  readonly now: () => number
  /** Ms since 1970; only the day is used, to rotate the labels' salt. */
  readonly wallClock: () => number
  /** In [0, 1). */
  readonly random: () => number
  /** Key of group labels and resume tokens. Machines that serve together share it. */
  readonly secret: Uint8Array
  /** What applies where no site row says otherwise. @default share, wan allow, no caps */
  readonly policy?: WirePolicy
  /** Provider and country of an address. @default nobody knows */
  readonly locate?: Locate
  readonly limits?: Partial<RegistryLimits>
  /** Which ICE candidates pass from client to client. @default 'own' */
  readonly candidates?: CandidatePolicy
  /** Whether announces need a join token. @default 'off' */
  readonly tokens?: TokenMode
  /** Where viewers' reports go. @default they are not asked for any */
  readonly reports?: Reports
  /** What the operator calls a content, by its info hash. @default none */
  readonly contentNames?: ReadonlyMap<string, string>
  /** Who this machine is among others, and what takes messages to them. @default it is alone */
  readonly cluster?: Post
}

export interface OpenInfo {
  readonly address: Address
  /** STUN URLs to tell this client. */
  readonly ice?: readonly string[]
  /** The Origin its page has. */
  readonly origin?: string
  /** What a token in its URL allows. */
  readonly grant?: Grant
}

/**
 * The tracker without a network: sockets and their messages go in as values, and what to send comes out. Any adapter
 * may carry it. No call throws on what a client sends.
 */
export interface Registry {
  open(connection: ConnectionId, info: OpenInfo): readonly Action[]
  message(connection: ConnectionId, text: string): readonly Action[]
  /** What came of a `verify`. */
  verified(connection: ConnectionId, token: string, result: Verified): readonly Action[]
  /** The other end answered a ping. */
  pong(connection: ConnectionId): readonly Action[]
  close(connection: ConnectionId): readonly Action[]
  /**
   * Asks a client to come back elsewhere after so many ms. Nothing to send means that it does not speak our fields and
   * cannot be asked.
   */
  dismiss(connection: ConnectionId, afterMs: number): readonly Action[]
  /** Upkeep; call it ten times a second. At most `slice` connections hear new rules a call: 50,000 within 1.3 s. @default 4000 */
  sweep(slice?: number): readonly Action[]
  /** Replaces the operator's sites; whoever is affected hears it with the next sweeps. */
  setSites(table: SiteTable): void
  /** Replaces where addresses are said to be. */
  setLocate(locate: Locate): void
  /** The rules in force beside the sites. */
  rules(): readonly PolicyRule[]
  /** Replaces all of them. `{ policy: { mode: 'off' } }` without a scope is the kill switch. */
  setRules(rules: readonly PolicyRule[]): void
  /** One rule for a site, or for all with null; null takes it back. */
  setOverride(site: string | null, override: WirePolicy | null): void
  explain(address: Address): ReturnType<Policies['explain']>
  stats(): RegistryStats
  /** The other machines' side of it; null when there are none. */
  readonly cluster: ClusterSide | null
  /** How large the groups of the peers are. Looks at every peer: for a scrape, not for every request. */
  groupSizes(): GroupSizes
}

export interface RegistryStats extends Readonly<RegistryCounters> {
  readonly connections: number
  readonly swarms: number
  readonly peers: number
  /** Relayed offers that may still be answered. */
  readonly openOffers: number
}

export function createRegistry(options: RegistryOptions): Registry {
  const policies = new Policies(options.policy)
  if (options.locate) policies.setLocate(options.locate)
  const perAddress = new Map<string, number>()
  /** Sockets that said nothing yet, oldest first. */
  const silent = new Map<ConnectionId, number>()
  /** Connections that new rules have not reached yet. */
  let stale: Iterator<Connection> | null = null
  let grantsLookedAt = 0
  /** While a message is dealt with it is one time. */
  let moment: number | null = null

  const labels = createLabels(options.secret, options.wallClock)
  const context: Context = {
    limits: { ...defaultLimits, ...options.limits },
    now: () => moment ?? options.now(),
    random: options.random,
    labels,
    policies,
    homes: new Homes(),
    candidates: options.candidates ?? 'own',
    tokens: options.tokens ?? 'off',
    wallClock: options.wallClock,
    granted: new Set(),
    holders: new Map(),
    swarms: new Map(),
    connections: new Map(),
    counters: createCounters(),
    abroad: null,
    reports: options.reports ?? null,
    contentNames: options.contentNames ?? new Map(),
    claims: new Set(),
    touched: new Set(),
    waiting: new Set(),
    expiries: new ExpiryQueue(),
    actions: [],
    nextHomeExpiry: 0,
  }
  const abroad = options.cluster ? new Abroad(context, options.cluster) : null
  context.abroad = abroad
  const { limits, connections, actions, counters } = context

  return {
    open(id, { address, ice = [], origin, grant }) {
      if (connections.has(id)) throw new Error(`connection ${id} is open already`)
      const signedSite = grant?.site ?? null
      const standing = policies.standing(address, signedSite)
      const key = standing.network.address
      const siblings = perAddress.get(key) ?? 0
      // A token that says for how many it is good is counted by itself; a school behind one address is not.
      const isCounted = (grant?.mostPeers ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY
      if (siblings >= limits.connectionsPerAddress && !isPrivate(address) && !isCounted) {
        actions.push({
          type: 'close',
          to: id,
          code: policyViolation,
          reason: 'too many connections from one address',
        })
        return drain()
      }
      perAddress.set(key, siblings + 1)
      context.homes.counted({ id, address, standing }, siblings + 1, options.now())
      const budget = new TokenBucket(limits.messagesPerSecond, limits.messageBurst, options.now())
      connections.set(id, {
        id,
        address,
        ice,
        budget,
        peers: new Map(),
        standing,
        screen: null,
        origin: origin ?? null,
        grant: grant ?? null,
        grants: null,
        signedSite,
        parked: null,
        state: 'new',
      })
      silent.set(id, options.now() + limits.firstMessageMs)
      return drain()
    },

    message(id, text) {
      const connection = connections.get(id)
      // A frame that was under way when we closed the socket.
      if (connection === undefined) return drain()
      moment = options.now()
      try {
        take(connection, text)
        return drain()
      } finally {
        moment = null
      }
    },

    verified(id, token, result) {
      const connection = connections.get(id)
      if (connection === undefined) return drain()
      const { now, later } = settle(context, connection, token, result)
      if (now !== null) act(connection, now)
      for (const message of later) consider(connection, message)
      return drain()
    },

    pong(id) {
      const connection = connections.get(id)
      if (connection !== undefined) refuseClaims(context, connection)
      return drain()
    },

    close(id) {
      const connection = connections.get(id)
      if (connection === undefined) return drain()
      connections.delete(id)
      silent.delete(id)
      const key = connection.standing.network.address
      const siblings = (perAddress.get(key) ?? 1) - 1
      if (siblings > 0) perAddress.set(key, siblings)
      else perAddress.delete(key)
      context.homes.counted(connection, siblings, options.now())
      const heirs = [...connection.peers.values()].flatMap(({ claim }) =>
        claim !== null && 'announce' in claim ? claim : [],
      )
      for (const peer of [...connection.peers.values()]) leave(context, peer)
      for (const { connection: heir, announce: claimed } of heirs) {
        if (connections.get(heir.id) === heir) announce(context, heir, claimed)
      }
      return drain()
    },

    dismiss(id, afterMs) {
      for (const peer of connections.get(id)?.peers.values() ?? []) {
        if (peer.speaks !== 'standard') push(context, peer, { reconnect: { afterMs } })
      }
      // Nothing else may be among them: whether there is any says whether the client was asked.
      return actions.splice(0)
    },

    sweep(slice = 4_000) {
      const now = options.now()
      for (const [id, until] of silent) {
        if (until > now) break
        silent.delete(id)
        actions.push({ type: 'close', to: id, code: policyViolation, reason: 'no announce came' })
      }
      settleClaims(context)
      if (now >= grantsLookedAt + 1_000 && context.granted.size > 0) {
        grantsLookedAt = now
        expireGrants(context)
      }
      expireOffers(context)
      abroad?.expire()
      for (let left = slice; stale !== null && left > 0; left--) {
        const next = stale.next()
        if (next.done) stale = null
        else reclassify(context, next.value)
      }
      moveHouseholds(context, now)
      for (const bag of context.waiting) context.touched.add(bag)
      return drain()
    },

    setSites(table) {
      policies.setTable(table)
      stale = connections.values()
    },

    setLocate(locate) {
      policies.setLocate(locate)
      stale = connections.values()
    },

    rules: () => policies.rules,
    setRules,

    setOverride(site, override) {
      const scope = site === null ? {} : { site }
      const others = policies.rules.filter(rule => scopeOf(rule) !== scopeOf(scope))
      setRules(override === null ? others : [...others, { ...scope, policy: override }])
    },

    explain: address => policies.explain(address),

    cluster: abroad && clusterSide(abroad, drain),

    groupSizes: () => sizeGroups(context.swarms.values()),

    stats() {
      let peers = 0
      for (const swarm of context.swarms.values()) peers += swarm.size
      const { size: openOffers } = context.expiries
      return {
        ...structuredClone(counters),
        connections: connections.size,
        swarms: context.swarms.size,
        peers,
        openOffers,
      }
    },
  }

  function setRules(rules: readonly PolicyRule[]): void {
    policies.setRules(rules)
    stale = connections.values()
  }

  function take(connection: Connection, text: string): void {
    counters.messages++
    // Signals cost a fifth of a message: a newcomer to a full mesh sends a hundred, and each needs a named peer.
    const cost = 0.2
    if (!affords(connection, cost)) return
    const parsed = parseClientText(text)
    if (!parsed.ok) {
      connection.budget.spend(1 - cost, context.now())
      const { infoHash, reason, action } = parsed.refusal
      refuse(context, connection, 'malformed', reason, infoHash, action)
      return
    }
    const { message } = parsed
    if (message.type === 'announce' || message.type === 'scrape' || message.type === 'report')
      connection.budget.spend(1 - cost, context.now())
    consider(connection, message)
  }

  function consider(connection: Connection, message: ClientMessage): void {
    if (context.tokens === 'off') return act(connection, message)
    if (park(context, connection, message)) return
    if (authorise(context, connection, message)) act(connection, message)
  }

  function act(connection: Connection, message: ClientMessage): void {
    // Where tokens are required, signals alone keep no socket open.
    const counts = context.tokens !== 'required' || message.type === 'announce' || message.type === 'scrape'
    if (connection.state === 'new' && counts) {
      connection.state = 'active'
      silent.delete(connection.id)
    }
    switch (message.type) {
      case 'announce':
        return announce(context, connection, message)
      case 'report':
        return takeReport(context, connection, message)
      case 'scrape':
        return scrape(context, connection, message)
      case 'offer':
      case 'answer':
      case 'candidates':
        return relay(context, connection, message)
    }
  }

  /** False when the client sends too fast: the message is dropped unread; twice the burst too fast ends the socket. */
  function affords(connection: Connection, cost: number): boolean {
    const left = connection.budget.spend(cost, context.now())
    if (left >= 0) return true
    counters.refused.rate++
    if (left <= -limits.messageBurst) {
      actions.push({ type: 'close', to: connection.id, code: policyViolation, reason: 'too many messages' })
    }
    return false
  }

  function drain(): readonly Action[] {
    announceGroups(context)
    return actions.splice(0)
  }
}
