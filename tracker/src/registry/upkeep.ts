import { samePolicy } from '../sites/site-policy.ts'
import type { Connection } from './connection.ts'
import { type Context, push } from './context.ts'
import { groupOf, isMaterial, sameGroup } from './group.ts'
import { setStanding } from './membership.ts'
import { sameNetwork } from './network.ts'
import type { Peer } from './peer.ts'
import { pushPlaces } from './places.ts'

/** What happens without a message: offers end, group sizes become known, new rules reach everybody. */

/** Forgets offers that can no longer be answered. Who never answered may be matched again. */
export function expireOffers(context: Context): void {
  for (const offer of context.expiries.expired(context.now())) {
    const { from, receiver } = offer
    receiver.ledger.remove(offer)
    if (offer.state === 'answered') continue
    receiver.partners.remove(from.id)
    from.partners.remove(receiver.id)
  }
}

/**
 * Tells members of changed groups the new size, each large group at most once in `groupPushMs` and only when a
 * tenth came or went: a storm of n joins costs n·log n messages, not n².
 */
export function announceGroups(context: Context): void {
  const now = context.now()
  const { groupPushMs, meshSize } = context.limits
  for (const bag of context.touched) {
    context.touched.delete(bag)
    pushPlaces(context, bag)
    // Not to be alone any more is urgent, and few have to be told.
    const pauseMs = bag.total <= meshSize ? groupPushMs / 10 : groupPushMs
    const early = now - bag.announcedAt < pauseMs
    if (early) context.waiting.add(bag)
    else context.waiting.delete(bag)
    if (early || !isMaterial(bag.announcedSize, bag.total, meshSize)) continue
    bag.announcedAt = now
    bag.announcedSize = bag.total
    for (const peer of bag) tellGroup(context, peer)
  }
}

function tellGroup(context: Context, peer: Peer): void {
  if (peer.told === null) return
  const group = groupOf(peer, context.labels)
  if (group === null) return
  const moved = group.level !== peer.told.level
  if (!moved && !isMaterial(peer.told.size, group.size, context.limits.meshSize)) return
  peer.told = group
  push(context, peer, { group })
}

/** Works out anew what applies to a connection, and tells its peers what changed. */
export function reclassify(context: Context, connection: Connection, movedHome = false): void {
  const { policies } = context
  const before = connection.standing
  const after = policies.standing(connection.address, connection.signedSite)
  const moved = movedHome || !sameNetwork(before.network, after.network)
  connection.standing = after
  connection.screen = null
  for (const peer of connection.peers.values()) {
    const policy = policies.policyOf(after, peer.swarm.infoHash, peer.id)
    const policyChanged = !samePolicy(peer.policy, policy)
    peer.policy = policy
    if (!policyChanged && !moved) continue
    setStanding(context, peer, true)
    if (peer.speaks === 'standard') continue
    const group = groupOf(peer, context.labels)
    const news = group !== null && !sameGroup(group, peer.told)
    if (news) peer.told = group
    if (policyChanged || news)
      push(context, peer, { ...(policyChanged && { policy }), ...(news && { group }) })
  }
}

/** How long what peers report of their networks goes unexamined, ms. */
const expiryMs = 10_000

/** Moves those of whose address it turned out that its peers do, or do not, share a line. */
export function moveHouseholds(context: Context, now: number): void {
  if (now >= context.nextHomeExpiry) {
    context.nextHomeExpiry = now + expiryMs
    context.homes.expire(now)
  }
  const moved = context.homes.takeMoved()
  if (moved === null) return
  for (const connection of context.connections.values())
    if (moved.has(connection.standing.network.address)) reclassify(context, connection, true)
}
