import { Backbone } from '../../tracker/src/registry/backbone.ts'
import type { Books } from './books.ts'
import type { Clock } from './clock.ts'
import type { Matching } from './matching.ts'
import type { Network } from './network.ts'
import type { Agent } from './policy.ts'
import type { Dice } from './random.ts'
import type { Site } from './site.ts'
import type { Station } from './station.ts'

export interface TrackerPlan {
  readonly matching: Matching
  /** From then on it answers nobody; Infinity: it lives. */
  readonly downFromMs: number
  /** TLS, WebSocket and the first announce, ms. */
  readonly announceMs: readonly [number, number]
  /** Later announces, when links are wanted or not. */
  readonly intervalMs: number
  /** Links inside the group that a viewer asks for; it accepts half as many again. */
  readonly groupLinks: number
  /** Links that leave the group; 0 where the site's policy says `wan=deny`. */
  readonly outsideLinks: number
  /** Stated capacity of a site's line, kbit/s; 0: the operator never said. */
  readonly lineKbps: number
}

/** Who learns of whom, and when: directed, nearest first (TRACKER §4), or as the policy's tracker does it. */
export interface Tracker {
  join(station: Station, agent: Agent): void
  leave(station: Station): void
  ban(station: Station, peer: string): void
  /** What a viewer's uplink can feed, as its next announce says. */
  measured(station: Station, childLinks: number): void
}

type Side = 'inside' | 'outside'

interface Member {
  readonly station: Station
  readonly agent: Agent
  /** Dialled or open. */
  readonly links: Map<Member, Side>
  readonly banned: Set<string>
  readonly count: Record<Side, number>
  toldSize: number
  /** Child links that its uplink feeds, null until measured. */
  childLinks: number | null
}

/** Those behind one network. Too many for a mesh are held together by a backbone. */
interface Group {
  readonly members: Set<Member>
  backbone: Backbone<Member> | null
}

/** An announce with its answer, and an offer with answer and candidates relayed (two SDPs of 1.5 KB). */
const announceBytes = 900
const dialBytes = 4_000
/** An offer that nobody takes up. */
const offerBytes = 1_500
/** As the mesh has it: a lost neighbour is dialled again soon, one that could not be reached later. */
const redialMs = [300, 800] as const
const failedDialMs = 5_000
/** As the tracker has it: a mesh up to here, and again when the group has shrunk well below. */
const mostInMesh = 30
const meshAgain = 24
/** From a change of the backbone to whom it concerns. */
const pushMs = 60
/** The size of a group is pushed to its members at most this often. */
const sizePushMs = 1_000

export function createTracker(
  clock: Clock,
  dice: Dice,
  books: Books,
  network: Network,
  plan: TrackerPlan,
): Tracker {
  const members = new Map<Station, Member>()
  const groups = new Map<Site, Group>()
  const pushing = new Set<Site>()
  const isDown = (): boolean => clock.now() >= plan.downFromMs

  const announce = (member: Member): void => {
    if (isDown() || !members.has(member.station)) return
    books.control('signalling', announceBytes, true)
    tell(member)
    match(member)
  }

  const pushSize = (site: Site): void => {
    if (pushing.has(site)) return
    pushing.add(site)
    clock.after(sizePushMs, () => {
      pushing.delete(site)
      for (const member of groups.get(site)?.members ?? []) tell(member)
    })
  }

  const tell = (member: Member): void => {
    const size = groups.get(member.station.site)?.members.size ?? 1
    if (isDown() || size === member.toldSize) return
    member.toldSize = size
    member.agent.setPolicy({
      groupSize: size,
      wan: plan.outsideLinks > 0 ? 'allow' : 'deny',
      lineKbps: plan.lineKbps,
    })
  }

  const match = (member: Member): void => {
    if (plan.matching.type === 'random') return offer(member, plan.matching)
    const group = groups.get(member.station.site)
    if (group?.backbone) dialAssigned(member, group.backbone)
    else if (group && member.count.inside < plan.groupLinks) {
      dialSome(member, group.members, 'inside', plan.groupLinks)
    }
    if (member.count.outside < plan.outsideLinks)
      dialSome(member, members.values(), 'outside', plan.outsideLinks)
  }

  const dialAssigned = (member: Member, backbone: Backbone<Member>): void => {
    for (const other of backbone.standing(member)?.links ?? []) {
      if (member.links.has(other) || member.banned.has(other.station.id)) continue
      if (!other.banned.has(member.station.id)) dial(member, other, 'inside')
    }
  }

  /** Tells everybody whose place changed, and lets them dial. */
  const pushPlaces = (group: Group): void => {
    const { backbone } = group
    if (backbone === null || isDown()) return
    for (const member of backbone.takeChanged()) {
      clock.after(pushMs, () => {
        const standing = group.backbone?.standing(member)
        if (!standing || isDown()) return
        books.control('signalling', announceBytes / 3, true)
        member.agent.setPolicy({ role: standing.role, epoch: backbone.epoch })
        dialAssigned(member, backbone)
      })
    }
  }

  const enrol = (group: Group, member: Member): void => {
    group.members.add(member)
    if (plan.matching.type === 'nearest' && group.backbone === null && group.members.size > mostInMesh) {
      group.backbone = new Backbone()
      for (const one of group.members) group.backbone.add(one, slotsOf(one))
    } else group.backbone?.add(member, slotsOf(member))
    pushPlaces(group)
  }

  const strike = (group: Group, member: Member): void => {
    group.members.delete(member)
    group.backbone?.remove(member)
    if (group.backbone !== null && group.members.size < meshAgain) {
      group.backbone = null
      for (const one of group.members) one.agent.setPolicy({ role: 'mesh' })
      for (const one of group.members) match(one)
    }
    pushPlaces(group)
  }

  const slotsOf = (member: Member): number | null => (member.station.mode === 'leech' ? 0 : member.childLinks)

  const offer = (member: Member, matching: Extract<Matching, { type: 'random' }>): void => {
    if (member.links.size >= matching.offerBelow) return
    const others = [...members.values()].filter(other => other !== member)
    for (const other of dice.sample(others, matching.offers)) {
      const isTaken =
        !member.links.has(other) &&
        !member.banned.has(other.station.id) &&
        !other.banned.has(member.station.id) &&
        other.links.size < matching.acceptBelow
      if (isTaken) dial(member, other, member.station.site === other.station.site ? 'inside' : 'outside')
      else books.control('signalling', offerBytes, true)
    }
  }

  /** A lost neighbour is looked for at once, where the protocol has it. */
  const replace = (member: Member): void => {
    if (plan.matching.type === 'nearest') announce(member)
  }

  const dialSome = (member: Member, candidates: Iterable<Member>, side: Side, most: number): void => {
    const strangers = [...candidates].filter(
      other =>
        other !== member &&
        (side === 'inside') === (other.station.site === member.station.site) &&
        !member.links.has(other) &&
        !member.banned.has(other.station.id) &&
        !other.banned.has(member.station.id) &&
        other.count[side] < most * 1.5,
    )
    for (const other of dice.shuffle(strangers)) {
      if (member.count[side] >= most) return
      dial(member, other, side)
    }
  }

  const dial = (from: Member, to: Member, side: Side): void => {
    from.links.set(to, side)
    to.links.set(from, side)
    from.count[side]++
    to.count[side]++
    connect(from, to, side)
  }

  const connect = (from: Member, to: Member, side: Side): void => {
    const restsMs = Math.max(from.agent.restsMs?.() ?? 0, to.agent.restsMs?.() ?? 0)
    if (restsMs > 0) {
      clock.after(restsMs, () => {
        if (from.links.has(to)) connect(from, to, side)
      })
      return
    }
    books.control('signalling', dialBytes, true)
    network.dial(from.station, to.station, {
      opened(at, link) {
        const [member, other] = at === from.station ? [from, to] : [to, from]
        if (members.has(at)) member.agent.linkOpened(link, other.station.mode)
      },
      failed: () => {
        const group = groups.get(from.station.site)
        if (side === 'inside' && group?.backbone) {
          lose(from, to)
          group.backbone.refuse(from, to)
          pushPlaces(group)
        } else clock.after(failedDialMs, () => lose(from, to))
      },
      lost: () => clock.after(dice.between(...redialMs), () => lose(from, to)),
    })
  }

  /** The pair may be tried again. */
  const lose = (member: Member, other: Member): void => {
    const side = member.links.get(other)
    if (side === undefined) return
    member.links.delete(other)
    other.links.delete(member)
    member.count[side]--
    other.count[side]--
    replace(member)
  }

  const beat = (member: Member): void => {
    if (!members.has(member.station)) return
    announce(member)
    clock.after(plan.intervalMs * dice.between(0.8, 1.2), () => beat(member))
  }

  return {
    join(station, agent) {
      clock.after(dice.between(...plan.announceMs) + 4 * station.site.edgeDelayMs, () => {
        if (!station.alive || isDown()) return
        const count = { inside: 0, outside: 0 }
        const member: Member = {
          station,
          agent,
          links: new Map(),
          banned: new Set(),
          count,
          toldSize: -1,
          childLinks: null,
        }
        members.set(station, member)
        const group = groups.get(station.site) ?? { members: new Set(), backbone: null }
        groups.set(station.site, group)
        enrol(group, member)
        pushSize(station.site)
        beat(member)
      })
    },
    leave(station) {
      const member = members.get(station)
      if (member === undefined) return
      members.delete(station)
      const group = groups.get(station.site)
      if (group) strike(group, member)
      pushSize(station.site)
      for (const [other, side] of member.links) {
        other.links.delete(member)
        other.count[side]--
        clock.after(failedDialMs, () => replace(other))
      }
      member.links.clear()
    },
    ban(station, peer) {
      members.get(station)?.banned.add(peer)
    },
    measured(station, childLinks) {
      const member = members.get(station)
      const group = groups.get(station.site)
      if (member === undefined || group === undefined || isDown()) return
      member.childLinks = childLinks
      group.backbone?.setSlots(member, slotsOf(member))
      pushPlaces(group)
    },
  }
}
