import type { ClientMessage } from '@nearcast/peer-core/signalling'
import { type Grant, refusalWords, type Verified } from '../access/grant.ts'
import { type Connection, membershipKey } from './connection.ts'
import { type Context, refuse } from './context.ts'
import { problemWith, releaseGrant } from './held-grants.ts'
import { leave } from './membership.ts'
import type { Peer } from './peer.ts'
import { reclassify } from './upkeep.ts'

/** Who may be in which swarm, where the operator asks for tokens. */

/** Messages that may wait for one token to be looked at: an announce and what follows at once. */
const mostParked = 64

/**
 * Whether a message may be acted on now. If not, it was refused, or waits until its token has been looked at; what
 * the same socket says meanwhile waits behind it, so that nothing overtakes.
 */
export function authorise(context: Context, connection: Connection, message: ClientMessage): boolean {
  switch (message.type) {
    case 'announce': {
      const key = membershipKey(message.infoHash, message.peerId)
      const token = message.extras?.token ?? null
      const earlier = connection.grants?.get(key) ?? null
      const known = [earlier, connection.grant].find(grant => grant?.token === token) ?? null
      if (token !== null && known === null) {
        connection.parked = { token, messages: [message] }
        context.actions.push({ type: 'verify', to: connection.id, token })
        return false
      }
      return admit(context, connection, message, known ?? earlier ?? connection.grant)
    }
    case 'scrape': {
      if (context.tokens !== 'required') return true
      const grants = [connection.grant, ...(connection.grants?.values() ?? [])]
      const isCovered = message.infoHashes?.every(infoHash =>
        grants.some(grant => grant !== null && problemWith(context, connection, grant, infoHash) === null),
      )
      if (isCovered === true) return true
      refuse(context, connection, 'token', 'a token is needed', message.infoHashes?.[0] ?? null, 'scrape')
      return false
    }
    case 'offer':
    case 'answer':
    case 'candidates':
    case 'report':
      // Only members send these, and to become one takes an announce.
      return true
  }
}

/** Goes on with what waited: `now` may be acted on, `later` is to be considered like anything that comes. */
export function settle(
  context: Context,
  connection: Connection,
  token: string,
  verified: Verified,
): { readonly now: ClientMessage | null; readonly later: readonly ClientMessage[] } {
  const { parked } = connection
  // The socket has closed and its number serves another, or the answer came twice.
  if (parked === null || parked.token !== token) return { now: null, later: [] }
  connection.parked = null
  context.counters.tokens[verified.ok ? 'good' : verified.reason]++
  const [first, ...later] = parked.messages
  if (first?.type !== 'announce') return { now: null, later }
  if (verified.ok) return { now: admit(context, connection, first, verified.grant) ? first : null, later }
  if (context.tokens === 'optional') return { now: first, later }
  refuse(context, connection, 'token', refusalWords[verified.reason], first.infoHash)
  return { now: null, later }
}

/** False when nothing waits on this connection. */
export function park(context: Context, connection: Connection, message: ClientMessage): boolean {
  if (connection.parked === null) return false
  if (connection.parked.messages.length < mostParked) connection.parked.messages.push(message)
  else context.counters.refused.rate++
  return true
}

/** Ends memberships whose token has expired; `tokenGraceMs` lets a client bring a new one. Call it once a second. */
export function expireGrants(context: Context): void {
  const now = context.wallClock()
  for (const peer of context.granted) {
    if (peer.grant === null || peer.grant.until + context.limits.tokenGraceMs > now) continue
    const { connection, swarm } = peer
    connection.grants?.delete(membershipKey(swarm.infoHash, peer.id))
    if (peer.grant.site !== null && connection.signedSite === peer.grant.site) {
      connection.signedSite = null
      reclassify(context, connection)
    }
    if (context.tokens === 'required') {
      leave(context, peer)
      refuse(context, connection, 'token', refusalWords.expired, swarm.infoHash)
    } else releaseGrant(context, peer)
  }
}

/** Whether the announce may be taken under this grant, which is then the membership's. */
function admit(
  context: Context,
  connection: Connection,
  { infoHash, peerId, event }: Extract<ClientMessage, { type: 'announce' }>,
  grant: Grant | null,
): boolean {
  // Whoever wants to leave needs no permission.
  if (event === 'stopped') return true
  const key = membershipKey(infoHash, peerId)
  const holder = context.swarms.get(infoHash)?.peers.get(peerId) ?? null
  const problem =
    grant === null
      ? 'a token is needed'
      : (problemWith(context, connection, grant, infoHash) ?? crowding(context, grant, holder))
  if (problem !== null || grant === null) {
    connection.grants?.delete(key)
    if (context.tokens === 'optional') return true
    // A membership that holds goes on for the token's grace, whatever this announce brought.
    refuse(context, connection, 'token', problem ?? '', infoHash)
    return false
  }
  if (grant !== connection.grant) remember(context, connection, key, grant)
  if (grant.site !== null && grant.site !== connection.signedSite) {
    connection.signedSite = grant.site
    reclassify(context, connection)
  }
  return true
}

/** A token that was passed around lets no more in than it says. */
function crowding(context: Context, grant: Grant, holder: Peer | null): string | null {
  if (holder?.grant?.holder === grant.holder) return null
  const peers = context.holders.get(grant.holder) ?? 0
  return peers >= grant.mostPeers ? 'the token is in use by as many as it allows' : null
}

function remember(context: Context, connection: Connection, key: string, grant: Grant): void {
  connection.grants ??= new Map()
  connection.grants.set(key, grant)
  // Of announces that were refused for another reason nothing may pile up.
  if (connection.grants.size <= 2 * context.limits.membershipsPerConnection) return
  for (const other of connection.grants.keys()) {
    if (other !== key && !connection.peers.has(other)) connection.grants.delete(other)
  }
}
