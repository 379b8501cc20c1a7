import { type Bag, type BagLevel, bagLevels, countryIndex, farIndex, prefixIndex } from './bag.ts'
import { groupBag } from './group.ts'
import type { RegistryLimits } from './limits.ts'
import { isCrowded } from './meet.ts'
import { levelBetween, mayMeet, type Peer } from './peer.ts'
import type { Swarm } from './swarm.ts'

export interface Pick {
  readonly peer: Peer
  readonly level: BagLevel
}

export interface Selection {
  readonly now: number
  readonly random: () => number
  readonly limits: RegistryLimits
}

let lastMark = 0

/**
 * Receivers for `count` speculative offers: up to ⌈0.7·count⌉, but not all, to the nearest; the rest outside, so that
 * the swarm stays in one piece. What one side cannot use the other gets.
 */
export function pickReceivers(peer: Peer, count: number, selection: Selection): readonly Pick[] {
  if (count <= 0 || peer.mode === 'off') return []
  const choose = chooser(peer, selection, 'any')
  // A single offer cannot be split; chance keeps the proportion.
  const near = count === 1 ? (selection.random() < 0.7 ? 1 : 0) : Math.min(Math.ceil(0.7 * count), count - 1)
  choose.near(near, countryIndex)
  choose.far(count - choose.picks.length, prefixIndex)
  choose.near(count - choose.picks.length, countryIndex)
  return choose.picks
}

/**
 * Neighbours for a peer that dials them itself. In a group that can be a full mesh: everybody not named within the
 * last minute. In a larger one: a share of it. Beside those a few far links, or as many as wanted when the peer is
 * alone at home.
 */
export function pickNeighbours(peer: Peer, selection: Selection): readonly Pick[] {
  const { limits, now } = selection
  const cap = peer.policy.maxPeers
  const room = cap > 0 ? Math.max(0, cap - peer.links) : limits.partners
  // Named peers may be dialled as long as they are remembered, so one announce must not name more than that.
  const want = Math.min(peer.want, room, limits.partners - limits.farLinks)
  const group = groupBag(peer)
  if (want === 0 || peer.mode === 'off' || group === null) return []
  const mesh = group.total <= limits.meshSize
  const choose = chooser(peer, selection, mesh ? 'mesh' : 'directed')
  const near = group.backbone?.standing(peer)
    ? 0
    : mesh
      ? Math.min(group.size - 1, room)
      : Math.max(1, Math.min(Math.ceil(0.7 * want), want - 1))
  choose.near(near, group.levelIndex)
  const inside = choose.picks.length
  const far =
    group.total === 1
      ? want - inside
      : Math.min(Math.max(1, want - inside), limits.farLinks - peer.partners.farCount(now))
  // Half of them by provider and country, from where bytes come faster; the rest anywhere, so that the swarm holds together.
  choose.near(Math.floor(far / 2), countryIndex, group.levelIndex)
  choose.far(far - (choose.picks.length - inside), group.levelIndex)
  return choose.picks
}

/**
 * Peers of ours for one of another machine: of `bag`, or anybody. Offers go to every client, names only where they can be
 * dialled.
 */
export function pickResidents(
  guest: Peer,
  swarm: Swarm,
  { bag, fetchers, count, byName }: ResidentsWanted,
  selection: Selection,
): readonly Pick[] {
  const { now, limits } = selection
  const choose = chooser(guest, selection, byName ? (bag === null ? 'directed' : 'mesh') : 'any')
  const memoryMs = byName && bag !== null ? limits.offerMs : undefined
  choose.from(bag ?? swarm.everybody, count, other => {
    if (other.mode === 'off' || other.partners.has(guest.id, now, memoryMs)) return false
    return !fetchers || bag?.backbone?.standing(other)?.role === 'fetcher'
  })
  return choose.picks
}

export interface ResidentsWanted {
  readonly bag: Bag | null
  readonly fetchers: boolean
  readonly count: number
  readonly byName: boolean
}

/** `any`: every client. `directed`: clients that can be dialled by name. `mesh`: those, met before or not. */
type Wanted = 'any' | 'directed' | 'mesh'

function chooser(peer: Peer, { now, limits }: Selection, wanted: Wanted) {
  const picks: Pick[] = []
  const mark = ++lastMark
  let crossings = 0
  const memoryMs = wanted === 'mesh' ? limits.offerMs : undefined
  peer.mark = mark

  /** Considers one candidate that is farther than level index `beyond`, once a selection. */
  const consider = (other: Peer, beyond: number): boolean => {
    if (other.mark === mark) return false
    // The partners first: they are at hand, and the level needs a walk through memory.
    if (peer.partners.has(other.id, now, memoryMs)) {
      other.mark = mark
      return false
    }
    const level = levelBetween(peer, other)
    // Too near now; perhaps not for the next that asks.
    if (beyond >= 0 && bagLevels.indexOf(level) <= beyond) return false
    other.mark = mark
    if (wanted !== 'any' && other.speaks !== 'directed') return false
    if (isCrowded(other, now, limits) || !mayMeet(peer, other)) return false
    // Another private network behind one address may not be reachable: a few try, and their outcomes tell.
    const crosses = level === 'address' && peer.lan !== null && other.lan !== null
    if (wanted === 'mesh' && crosses && ++crossings > limits.crossLanLinks) return false
    picks.push({ peer: other, level })
    return true
  }

  return {
    picks,
    /** From the innermost bag outwards, from beyond level index `beyond` up to `farthest`. */
    near(count: number, farthest: number, beyond = -1): void {
      let left = count
      for (let index = beyond + 1; index <= farthest && left > 0; index++) {
        for (const other of peer.bags[index]?.walk(64 + 4 * left) ?? [])
          if (consider(other, beyond) && --left === 0) return
      }
    },
    /** From this bag, whoever `suits`. */
    from(bag: Bag, count: number, suits: (other: Peer) => boolean): void {
      let left = count
      if (left <= 0) return
      // Fetchers are few among many, and there is no bag of them.
      for (const other of bag.walk(Math.max(256, 4 * left)))
        if (suits(other) && consider(other, -1) && --left === 0) return
    },
    /** From whoever is farther than level index `beyond`. */
    far(count: number, beyond: number): void {
      // Only who may leave the own network is in that bag, and only they look there.
      if (count <= 0 || !peer.bags[farIndex]) return
      let left = count
      for (const other of peer.swarm.everybody.walk(32 + 4 * left))
        if (consider(other, beyond) && --left === 0) return
      // Nearly everybody is here: look for the few elsewhere area by area.
      for (const area of peer.swarm.walkAreas(64)) {
        const own = peer.bags.indexOf(area)
        if (own >= 0 && own <= beyond) continue
        for (const other of area.walk(8)) if (consider(other, beyond) && --left === 0) return
      }
    },
  }
}
