import type { Announce, ClientExtras } from '@nearcast/peer-core/signalling'
import { stricterMode } from '../sites/site-policy.ts'
import { bagLevels, prefixIndex } from './bag.ts'
import { type Connection, membershipKey } from './connection.ts'
import type { Context } from './context.ts'
import { groupBag } from './group.ts'
import { releaseGrant, takeGrant } from './held-grants.ts'
import { Ledger } from './ledger.ts'
import { endOf, takeOutcomes } from './outcomes.ts'
import { Partners } from './partners.ts'
import type { Peer } from './peer.ts'
import { leavePlace, slotsOf } from './places.ts'
import { Swarm } from './swarm.ts'

/** Who is in which swarm under which socket: the only place that adds and removes peers. */

export function join(context: Context, connection: Connection, announce: Announce): Peer {
  let swarm = context.swarms.get(announce.infoHash)
  if (swarm === undefined) {
    swarm = new Swarm(announce.infoHash)
    context.swarms.set(announce.infoHash, swarm)
  }
  const wantedMode = announce.extras?.mode ?? 'share'
  const { standing } = connection
  const policy = context.policies.policyOf(standing, announce.infoHash, announce.peerId)
  const peer: Peer = {
    id: announce.peerId,
    swarm,
    joinedAt: context.now(),
    connection,
    guest: null,
    away: false,
    speaks: dialect(announce.extras),
    mode: stricterMode(wantedMode, policy.mode),
    wantedMode,
    policy,
    ...context.homes.of({ connection, lan: announce.extras?.lan ?? null }),
    lanKey: announce.extras?.lan ?? null,
    complete: announce.complete,
    links: announce.extras?.have ?? 0,
    want: announce.extras?.want ?? 0,
    childLinks: announce.extras?.childLinks ?? null,
    bags: bagLevels.map(() => null),
    slots: bagLevels.map(() => -1),
    ledger: new Ledger(),
    partners: new Partners(context.limits.partners, context.limits.partnerMs),
    invited: 0,
    invitedSince: 0,
    told: null,
    token: context.labels.token(announce.infoHash, announce.peerId),
    claim: null,
    grant: null,
    whereabouts: null,
    mark: 0,
  }
  swarm.add(peer)
  connection.peers.set(membershipKey(swarm.infoHash, peer.id), peer)
  takeGrant(context, peer)
  markDirty(context, peer)
  return peer
}

export function leave(context: Context, peer: Peer): void {
  const { swarm, connection } = peer
  markDirty(context, peer)
  context.claims.delete(peer)
  releaseGrant(context, peer)
  context.reports?.leave(peer)
  connection.peers.delete(membershipKey(swarm.infoHash, peer.id))
  swarm.remove(peer)
  if (swarm.peers.size === 0) context.swarms.delete(swarm.infoHash)
}

/** Takes in what the client says about itself now. */
export function refresh(context: Context, peer: Peer, announce: Announce): void {
  const { extras } = announce
  if (peer.swarm.setComplete(peer, announce.complete)) context.abroad?.elsewhere.touch(peer.swarm)
  takeGrant(context, peer)
  if (extras === null) return
  peer.speaks = dialect(extras)
  peer.links = extras.have
  peer.want = extras.want
  peer.childLinks = extras.childLinks
  peer.wantedMode = extras.mode
  takeOutcomes(context, peer, extras.outcomes)
  const named = extras.lan !== null && extras.lan !== peer.lanKey
  if (named) peer.lanKey = extras.lan
  setStanding(context, peer, named)
}

/** Brings the peer's bags in line with its mode, and with its network when that `moved`. */
export function setStanding(context: Context, peer: Peer, moved = false): void {
  const mode = stricterMode(peer.wantedMode, peer.policy.mode)
  if (mode === peer.mode && !moved) return
  markDirty(context, peer)
  const before = peer.bags.find(bag => bag?.backbone?.standing(peer)) ?? null
  const backbone = before?.backbone ?? null
  peer.swarm.withdraw(peer)
  peer.mode = mode
  settle(context, peer)
  peer.swarm.enrol(peer)
  markDirty(context, peer)
  if (backbone === null) return
  if (groupBag(peer) === before) backbone.add(peer, slotsOf(peer))
  else leavePlace(context, peer, backbone)
}

/** Lets go of a peer that announced at another machine, and takes it up again when it announces here. */
export function setAway(context: Context, peer: Peer, away: boolean): void {
  if (peer.away === away) return
  markDirty(context, peer)
  peer.swarm.withdraw(peer)
  peer.swarm.setAway(peer, away)
  peer.told = null
  peer.swarm.enrol(peer)
  markDirty(context, peer)
}

/** Gives a peer_id to the socket its owner came back with. */
export function handOver(context: Context, peer: Peer, connection: Connection): void {
  const key = membershipKey(peer.swarm.infoHash, peer.id)
  context.claims.delete(peer)
  peer.claim = null
  peer.connection.peers.delete(key)
  connection.peers.set(key, peer)
  markDirty(context, peer)
  peer.swarm.withdraw(peer)
  peer.connection = connection
  takeGrant(context, peer)
  peer.policy = context.policies.policyOf(connection.standing, peer.swarm.infoHash, peer.id)
  peer.mode = stricterMode(peer.wantedMode, peer.policy.mode)
  peer.told = null
  settle(context, peer)
  peer.swarm.enrol(peer)
  markDirty(context, peer)
}

function settle(context: Context, peer: Peer): void {
  const { home, lan, sharesLine } = context.homes.of(endOf(peer))
  peer.home = home
  peer.lan = lan
  peer.sharesLine = sharesLine
}

function markDirty(context: Context, peer: Peer): void {
  context.abroad?.elsewhere.touch(peer.swarm)
  for (const bag of peer.bags) {
    if (bag === null || bag.levelIndex > prefixIndex) continue
    context.touched.add(bag)
    context.abroad?.elsewhere.touch(peer.swarm, bag)
  }
}

function dialect(extras: ClientExtras | null): Peer['speaks'] {
  return extras === null ? 'standard' : extras.directed ? 'directed' : 'extras'
}
