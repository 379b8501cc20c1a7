import type { WireBackbone, WireNeighbour } from '@nearcast/peer-core/signalling'
import { Backbone, backboneLimits } from './backbone.ts'
import type { Bag } from './bag.ts'
import { type Context, push } from './context.ts'
import { groupBag } from './group.ts'
import { meet } from './meet.ts'
import { levelBetween, mayMeet, type Peer } from './peer.ts'

/** Who stands where in a group too large for a mesh: kept in the group's backbone, told to whom it concerns. */

export interface Place {
  readonly backbone: WireBackbone
  readonly neighbours: readonly WireNeighbour[]
}

/** Of one machine's part of a group. */
const leastFetchers = 4

/** The peer's place, taken up now if it has none; null in a group that is a mesh. Its neighbours count as named. */
export function takePlace(context: Context, peer: Peer): Place | null {
  const bag = groupBag(peer)
  if (bag === null || peer.speaks !== 'directed') return null
  if (bag.backbone === null && bag.total > context.limits.meshSize) found(context, bag)
  const { backbone } = bag
  if (backbone === null) return null
  backbone.add(peer, slotsOf(peer))
  backbone.told(peer)
  context.touched.add(bag)
  return placeIn(context, backbone, peer)
}

/** The two could not be linked. */
export function refusePlace(context: Context, peer: Peer, other: Peer): void {
  const bag = groupBag(peer)
  if (bag === null || bag.backbone === null) return
  bag.backbone.refuse(peer, other)
  context.touched.add(bag)
}

/** The peer is in another group now: its place in the old one is no more. */
export function leavePlace(context: Context, peer: Peer, left: Backbone<Peer>): void {
  if (peer.mode === 'off' || peer.speaks !== 'directed') return
  const place = takePlace(context, peer)
  push(context, peer, place ?? { backbone: { role: 'mesh', epoch: left.epoch + 1 } })
}

/** Tells everybody in this group whose place changed. */
export function pushPlaces(context: Context, bag: Bag): void {
  const { backbone } = bag
  if (backbone === null) return
  if (bag.total < 0.8 * context.limits.meshSize) {
    bag.backbone = null
    const epoch = backbone.epoch + 1
    for (const peer of bag)
      if (backbone.standing(peer)) push(context, peer, { backbone: { role: 'mesh', epoch } })
    return
  }
  for (const peer of backbone.takeChanged()) {
    const place = placeIn(context, backbone, peer)
    if (place === null) continue
    push(context, peer, place)
    if (place.backbone.role === 'fetcher') context.abroad?.seekFellows(peer, bag)
  }
}

/** The oldest members are likely to stay, and have measured their uplinks. */
function found(context: Context, bag: Bag): void {
  // The fetchers of all machines are one mesh, so together they are no more than one machine would have.
  const nodes = 1 + (context.abroad?.elsewhere.partsOf(bag.row)?.size ?? 0)
  bag.backbone = new Backbone({
    fetchers: Math.max(leastFetchers, Math.ceil(backboneLimits.fetchers / nodes)),
  })
  for (const peer of bag)
    if (peer.speaks === 'directed' && groupBag(peer) === bag) bag.backbone.add(peer, slotsOf(peer))
}

function placeIn(context: Context, backbone: Backbone<Peer>, peer: Peer): Place | null {
  const standing = backbone.standing(peer)
  if (standing === null) return null
  const neighbours: WireNeighbour[] = []
  for (const other of standing.links) {
    if (!mayMeet(peer, other)) continue
    const level = levelBetween(peer, other)
    meet(peer, other, level, context.now())
    context.counters.named[level]++
    neighbours.push({ peerId: other.id, level })
  }
  return { backbone: { role: standing.role, epoch: backbone.epoch }, neighbours }
}

/** Whoever only takes has no children. */
export function slotsOf(peer: Peer): number | null {
  return peer.mode === 'share' ? peer.childLinks : 0
}
