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
}

/** An announce with its answer, and an offer with answer and candidates relayed (two SDPs of 1.5 KB). */
const announceBytes = 900
const dialBytes = 4_000
/** An offer that nobody takes up. */
const offerBytes = 1_500
/** As the mesh has it: a lost neighbour is dialled again soon, one that could not be reached later. */
const redialMs = [300, 800] as const
const failedDialMs = 5_000
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
  const groups = new Map<Site, Set<Member>>()
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
      for (const member of groups.get(site) ?? []) tell(member)
    })
  }

  const tell = (member: Member): void => {
    const size = groups.get(member.station.site)?.size ?? 1
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
    if (member.count.inside < plan.groupLinks) {
      dialSome(member, groups.get(member.station.site) ?? [], 'inside', plan.groupLinks)
    }
    if (member.count.outside < plan.outsideLinks)
      dialSome(member, members.values(), 'outside', plan.outsideLinks)
  }

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
    books.control('signalling', dialBytes, true)
    network.dial(from.station, to.station, {
      opened(at, link) {
        const [member, other] = at === from.station ? [from, to] : [to, from]
        if (members.has(at)) member.agent.linkOpened(link, other.station.mode)
      },
      failed: () => clock.after(failedDialMs, () => lose(from, to)),
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
        const member: Member = { station, agent, links: new Map(), banned: new Set(), count, toldSize: -1 }
        members.set(station, member)
        const group = groups.get(station.site) ?? new Set()
        groups.set(station.site, group.add(member))
        pushSize(station.site)
        beat(member)
      })
    },
    leave(station) {
      const member = members.get(station)
      if (member === undefined) return
      members.delete(station)
      groups.get(station.site)?.delete(member)
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
  }
}
