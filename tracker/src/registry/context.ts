import type { BinaryId, TrackerExtras } from '@nearcast/peer-core/signalling'
import { writePush, writeRefusal } from '@nearcast/peer-core/signalling'
import type { TokenMode } from '../access/grant.ts'
import type { CandidatePolicy } from '../candidates/screened.ts'
import type { Reports } from '../reports/reports.ts'
import type { Abroad } from './abroad.ts'
import { type Action, policyViolation } from './action.ts'
import type { Bag } from './bag.ts'
import type { Connection } from './connection.ts'
import type { Refused, RegistryCounters } from './counters.ts'
import type { ExpiryQueue } from './expiry-queue.ts'
import type { Homes } from './homes.ts'
import type { Labels } from './labels.ts'
import type { OpenOffer } from './ledger.ts'
import type { RegistryLimits } from './limits.ts'
import type { Peer } from './peer.ts'
import type { Policies } from './policies.ts'
import type { Swarm } from './swarm.ts'

/** What the registry's parts share: its memory, the arguments of the world, and the list of things to do. */
export interface Context {
  readonly limits: RegistryLimits
  readonly now: () => number
  readonly random: () => number
  readonly labels: Labels
  readonly policies: Policies
  readonly homes: Homes
  readonly candidates: CandidatePolicy
  readonly tokens: TokenMode
  /** Ms since 1970. */
  readonly wallClock: () => number
  /** Memberships under tokens: all of them, and how many each holder has. */
  readonly granted: Set<Peer>
  readonly holders: Map<string, number>
  readonly swarms: Map<BinaryId, Swarm>
  readonly connections: Map<number, Connection>
  readonly counters: RegistryCounters
  /** Ways to other machines; null: there are none. */
  abroad: Abroad | null
  /** Takes what viewers report; null: they are not asked. */
  readonly reports: Reports | null
  /** What the operator calls a content, by its info hash. */
  readonly contentNames: ReadonlyMap<BinaryId, string>
  /** Peers of which somebody else claims the id. */
  readonly claims: Set<Peer>
  /** Groups whose size changed in this call, and those whose members wait to hear it. */
  readonly touched: Set<Bag>
  readonly waiting: Set<Bag>
  /** Relayed offers, oldest first: all live equally long. */
  readonly expiries: ExpiryQueue<OpenOffer>
  readonly actions: Action[]
  /** When the households are to be looked through again. */
  nextHomeExpiry: number
}

export function send(context: Context, to: Connection, message: string): void {
  context.actions.push({ type: 'send', to: to.id, message })
}

export function push(context: Context, peer: Peer, extras: TrackerExtras): void {
  send(context, peer.connection, writePush(peer.swarm.infoHash, extras))
}

/** Says why, with what the reference client needs to survive the news; closes when that cannot be said. */
export function refuse(
  context: Context,
  to: Connection,
  refused: Refused,
  reason: string,
  infoHash: BinaryId | null,
  action: 'announce' | 'scrape' = 'announce',
): void {
  context.counters.refused[refused]++
  const message = writeRefusal({ action, infoHash, reason, wantsToken: refused === 'token' })
  if (message !== null) send(context, to, message)
  else context.actions.push({ type: 'close', to: to.id, code: policyViolation, reason })
}
