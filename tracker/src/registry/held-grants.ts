import { type Grant, refusalWords } from '../access/grant.ts'
import { type Connection, membershipKey } from './connection.ts'
import type { Context } from './context.ts'
import type { Peer } from './peer.ts'

/** Notes under which token a peer is where it is now, and counts it there. */
export function takeGrant(context: Context, peer: Peer): void {
  if (context.tokens === 'off') return
  const { connection } = peer
  const grant = connection.grants?.get(membershipKey(peer.swarm.infoHash, peer.id)) ?? connection.grant
  if (grant === peer.grant) return
  releaseGrant(context, peer)
  if (grant === null || problemWith(context, connection, grant, peer.swarm.infoHash) !== null) return
  peer.grant = grant
  context.granted.add(peer)
  context.holders.set(grant.holder, (context.holders.get(grant.holder) ?? 0) + 1)
}

export function releaseGrant(context: Context, peer: Peer): void {
  if (peer.grant === null) return
  const left = (context.holders.get(peer.grant.holder) ?? 1) - 1
  if (left > 0) context.holders.set(peer.grant.holder, left)
  else context.holders.delete(peer.grant.holder)
  context.granted.delete(peer)
  peer.grant = null
}

/** Why a grant does not cover this swarm here and now, in words for its owner; null when it does. */
export function problemWith(
  context: Context,
  connection: Connection,
  grant: Grant,
  infoHash: string,
): string | null {
  if (grant.until <= context.wallClock()) return refusalWords.expired
  if (grant.content !== 'any' && !grant.content.has(infoHash)) return 'the token is for other content'
  if (grant.origins !== null && !grant.origins.includes(connection.origin ?? ''))
    return 'the token is for another site'
  return null
}
