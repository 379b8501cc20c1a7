import type { Announce, SpeculativeOffer, TrackerExtras } from '@nearcast/peer-core/signalling'
import { writeOffer, writeResponse } from '@nearcast/peer-core/signalling'
import { screenedDescription } from '../candidates/screened.ts'
import type { BagLevel } from './bag.ts'
import { type Connection, membershipKey } from './connection.ts'
import { type Context, refuse, send } from './context.ts'
import { groupOf } from './group.ts'
import { announceInterval } from './interval.ts'
import type { OpenOffer } from './ledger.ts'
import { invite, meet } from './meet.ts'
import { handOver, join, leave, refresh, setAway } from './membership.ts'
import type { Claim, Peer } from './peer.ts'
import { takePlace } from './places.ts'
import { pickNeighbours, pickReceivers, type Selection } from './select.ts'

/** Takes one announce: admit, update, match, answer. */
export function announce(context: Context, connection: Connection, message: Announce): void {
  context.counters.announces++
  const swarm = context.swarms.get(message.infoHash)
  const holder = swarm?.peers.get(message.peerId) ?? null
  if (holder !== null && holder.connection !== connection) {
    if (!mayTakeOver(connection, holder, message)) return dispute(context, connection, holder, message)
    handOver(context, holder, connection)
  }
  if (message.event === 'stopped') return farewell(context, connection, message, holder)
  const admission = admit(context, connection, holder, message)
  if (admission === null) return
  const { peer, news } = admission
  if (message.event === 'completed' && !news) peer.swarm.downloaded++

  respond(context, peer, news)
  const wanted = Math.min(message.offers.length, message.numwant ?? message.offers.length)
  // One of them may go abroad, so that the machines' parts of a swarm hang together.
  const reserved = context.abroad?.reserve(peer, wanted) ?? 0
  const picks = pickReceivers(peer, wanted - reserved, selectionOf(context))
  picks.forEach(({ peer: receiver, level }, i) => {
    const offer = message.offers[i]
    if (offer === undefined) return
    relayOffer(context, peer, receiver, level, offer, 'speculative')
  })
  context.abroad?.seek(peer, message.offers.slice(picks.length, wanted))
}

function selectionOf({ now, random, limits }: Context): Selection {
  return { now: now(), random, limits }
}

/** Relays an offer and notes it in the receiver's ledger, the only way an answer to it will pass. */
export function relayOffer(
  context: Context,
  from: Peer,
  receiver: Peer,
  level: BagLevel,
  offered: SpeculativeOffer,
  kind: 'speculative' | 'directed',
): void {
  const now = context.now()
  const { offerId } = offered
  const offer: OpenOffer = {
    from,
    receiver,
    offerId,
    level,
    kind,
    until: Math.ceil(now + context.limits.offerMs),
    ticket: -1,
    state: 'open',
    offererCandidates: 0,
    answererCandidates: 0,
  }
  receiver.ledger.add(offer)
  offer.ticket = context.expiries.push(offer)
  meet(from, receiver, level, now)
  const sdpJson = screenedDescription(context, from, offered)
  if (receiver.guest !== null)
    return context.abroad?.carry(from, receiver, offerId, { type: 'offer', sdpJson })
  context.counters.offers[level]++
  const ours = receiver.speaks === 'standard' ? null : { level, trickle: kind === 'directed' }
  send(context, receiver.connection, writeOffer(from.swarm.infoHash, from.id, offerId, sdpJson, ours))
}

function admit(
  context: Context,
  connection: Connection,
  holder: Peer | null,
  message: Announce,
): { readonly peer: Peer; readonly news: boolean } | null {
  if (holder !== null) {
    if (holder.away) {
      setAway(context, holder, false)
      context.abroad?.claims.make(holder, true)
    }
    const news = holder.told === null && message.extras !== null
    refresh(context, holder, message)
    return { peer: holder, news }
  }
  if (connection.peers.size >= context.limits.membershipsPerConnection) {
    refuse(context, connection, 'memberships', 'too many swarms on one socket', message.infoHash)
    return null
  }
  const peer = join(context, connection, message)
  context.abroad?.claims.make(peer, message.trackerId === peer.token)
  return { peer, news: true }
}

function respond(context: Context, peer: Peer, news: boolean): void {
  const { swarm } = peer
  send(
    context,
    peer.connection,
    writeResponse({
      infoHash: swarm.infoHash,
      interval: announceInterval(peer, context.now(), context.random),
      complete: swarm.complete + swarm.elsewhere.complete,
      incomplete: swarm.incomplete + swarm.elsewhere.incomplete,
      trackerId: news ? peer.token : '',
      extras: peer.speaks === 'standard' ? null : extrasFor(context, peer, news),
    }),
  )
}

function extrasFor(context: Context, peer: Peer, news: boolean): TrackerExtras {
  const now = context.now()
  const group = groupOf(peer, context.labels)
  if (group !== null) peer.told = group
  const place = takePlace(context, peer)
  const picks = peer.speaks === 'directed' ? pickNeighbours(peer, selectionOf(context)) : []
  for (const { peer: other, level } of picks) {
    invite(peer, other, level, now, context.limits.offerMs)
    context.counters.named[level]++
  }
  const neighbours = [
    ...(place?.neighbours ?? []),
    ...picks.map(({ peer: { id }, level }) => ({ peerId: id, level })),
  ]
  return {
    ...(group && { group }),
    ...(news && { policy: peer.policy }),
    ...(news && peer.connection.ice.length > 0 && { ice: peer.connection.ice }),
    ...(context.reports !== null && { reportMs: context.reports.everyMs() }),
    ...(place && { backbone: place.backbone }),
    ...(neighbours.length > 0 && { neighbours }),
  }
}

function farewell(context: Context, connection: Connection, message: Announce, holder: Peer | null): void {
  if (holder !== null) leave(context, holder)
  const swarm = context.swarms.get(message.infoHash)
  send(
    context,
    connection,
    writeResponse({
      infoHash: message.infoHash,
      interval: 450,
      complete: (swarm?.complete ?? 0) + (swarm?.elsewhere.complete ?? 0),
      incomplete: (swarm?.incomplete ?? 0) + (swarm?.elsewhere.incomplete ?? 0),
      trackerId: '',
      extras: null,
    }),
  )
}

/** Whoever comes from the same address, or shows what only the owner was given, is the owner come back. */
function mayTakeOver(connection: Connection, holder: Peer, message: Announce): boolean {
  // Behind a carrier's NAT a stranger comes from the same address.
  const isHome = connection.standing.network.address === holder.connection.standing.network.address
  if (isHome && holder.sharesLine) return true
  return message.trackerId !== '' && message.trackerId === holder.token
}

/**
 * A stranger claims a peer_id in use. It may be the owner on another network whose old socket nobody closed, so the
 * old socket is asked: if it answers it stays, and the claim is refused; see `settleClaims`.
 */
function dispute(context: Context, connection: Connection, holder: Peer, message: Announce): void {
  if (holder.claim !== null || message.event === 'stopped') {
    return refuse(context, connection, 'stranger', 'this peer_id is in use', message.infoHash)
  }
  holder.claim = { connection, announce: message, until: context.now() + context.limits.claimMs }
  context.claims.add(holder)
  context.actions.push({ type: 'ping', to: holder.connection.id })
}

export function refuseClaims(context: Context, connection: Connection): void {
  for (const peer of connection.peers.values()) {
    const { claim } = peer
    if (claim === null) continue
    peer.claim = null
    context.claims.delete(peer)
    if ('node' in claim) {
      context.abroad?.claims.object(peer, claim.node)
      continue
    }
    const { connection: claimant, announce: claimed } = claim
    if (context.connections.get(claimant.id) !== claimant) continue
    refuse(context, claimant, 'stranger', 'this peer_id is in use', claimed.infoHash)
  }
}

/** Claims whose holder did not answer in time: its socket is dead, the claimant is the owner. */
export function settleClaims(context: Context): void {
  const now = context.now()
  for (const peer of context.claims) {
    const claim = peer.claim
    if (claim === null || claim.until > now) continue
    const dead = peer.connection
    peer.claim = null
    context.claims.delete(peer)
    if ('node' in claim) leave(context, peer)
    else succeed(context, peer, claim)
    context.actions.push({ type: 'close', to: dead.id, code: 1001, reason: 'replaced by a newer connection' })
  }
}

function succeed(context: Context, peer: Peer, claim: Extract<Claim, { announce: Announce }>): void {
  const live = context.connections.get(claim.connection.id) === claim.connection
  if (!live || claim.connection.peers.has(membershipKey(peer.swarm.infoHash, peer.id))) return
  handOver(context, peer, claim.connection)
  announce(context, claim.connection, claim.announce)
}
