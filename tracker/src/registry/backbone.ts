/**
 * How a group too large for a full mesh hangs together. A few *fetchers*, meshed with each other, take segments from
 * the edge; everybody else has two *parents* nearer to them. The parents' hops are always fewer, so nobody waits for
 * itself in a circle. Twelve fetchers of sixteen child links feed 96 members, those of ten links each 480 more, and
 * those 2,400: 588 peers within two hops of a fetcher, 2,988 within three.
 *
 * Knows nothing of sockets or swarms: who changed place is collected for whoever tells them.
 */

export interface BackboneLimits {
  /** More survive more deaths at once; each costs the others a link. @default 12 */
  readonly fetchers: number
  /** Each parent gives half; one dies, and the other gives all until a new one is there. @default 2 */
  readonly parents: number
  /** Child links of a peer whose uplink nobody measured: each costs half the bitrate. @default 10 */
  readonly assumedSlots: number
  /** Most child links, whatever the uplink: a browser's connections are not free. @default 16 */
  readonly mostSlots: number
}

export const backboneLimits: BackboneLimits = { fetchers: 12, parents: 2, assumedSlots: 10, mostSlots: 16 }

/** Where one member stands. `hops`: links to the farthest fetcher on its ways to the edge; Infinity without parents. */
export interface Standing<Peer> {
  readonly role: 'fetcher' | 'member'
  readonly hops: number
  /** Whom to be linked with: a member's parents, a fetcher's fellows. */
  readonly links: readonly Peer[]
}

interface Member<Peer> {
  readonly peer: Peer
  readonly joined: number
  slots: number
  hops: number
  isFetcher: boolean
  readonly parents: Set<Member<Peer>>
  readonly children: Set<Member<Peer>>
  /** Peers it could not be linked with. */
  readonly refused: Set<Peer>
}

/** A pair that failed is not tried again while this many younger failures are remembered. */
const mostRefused = 32
/** With each that leaves so many are moved up: without it a tree of three levels has eight after a fifth has left. */
const liftsPerLeave = 2
/** Fewer child links than this are no help in the middle. */
const leastFetcherSlots = 4

export class Backbone<Peer> {
  readonly #limits: BackboneLimits
  readonly #members = new Map<Peer, Member<Peer>>()
  readonly #fetchers = new Set<Member<Peer>>()
  /** Members by hops, those with a child link to spare. */
  readonly #open: Set<Member<Peer>>[] = []
  /** Members with fewer parents than they should have. */
  readonly #needy = new Set<Member<Peer>>()
  /** Members who made room for others, to be adopted anew. */
  readonly #displaced = new Set<Member<Peer>>()
  readonly #changed = new Set<Peer>()
  #joins = 0
  #epoch = 0

  constructor(limits: Partial<BackboneLimits> = {}) {
    this.#limits = { ...backboneLimits, ...limits }
  }

  get size(): number {
    return this.#members.size
  }

  /** Counts the changes of who fetches. */
  get epoch(): number {
    return this.#epoch
  }

  /** `slots`: child links that its uplink can feed, null when nobody measured it, 0 for whoever only takes. */
  add(peer: Peer, slots: number | null): void {
    if (this.#members.has(peer)) return this.setSlots(peer, slots)
    const member: Member<Peer> = {
      peer,
      joined: this.#joins++,
      slots: this.#slots(slots),
      hops: Number.POSITIVE_INFINITY,
      isFetcher: false,
      parents: new Set(),
      children: new Set(),
      refused: new Set(),
    }
    this.#members.set(peer, member)
    if (this.#fetchers.size < this.#limits.fetchers && member.slots >= leastFetcherSlots)
      this.#promote(member)
    else this.#adopt(member)
    this.#feedNeedy()
  }

  remove(peer: Peer): void {
    const member = this.#members.get(peer)
    if (member === undefined) return
    this.#members.delete(peer)
    this.#changed.delete(peer)
    this.#needy.delete(member)
    this.#displaced.delete(member)
    this.#close(member)
    for (const parent of [...member.parents]) this.#detach(parent, member)
    const orphans = [...member.children]
    for (const child of orphans) this.#detach(member, child)
    if (this.#fetchers.delete(member)) this.#replaceFetcher()
    for (const child of orphans) this.#adopt(child)
    this.#feedNeedy()
    for (let i = 0; i < liftsPerLeave; i++) this.#lift()
  }

  /** A new measurement of its uplink, or another mode. */
  setSlots(peer: Peer, slots: number | null): void {
    const member = this.#members.get(peer)
    const next = this.#slots(slots)
    if (member === undefined || member.slots === next) return
    this.#close(member)
    member.slots = next
    if (member.isFetcher && next < leastFetcherSlots) this.#demote(member)
    else if (!member.isFetcher && this.#fetchers.size < this.#limits.fetchers && next >= leastFetcherSlots)
      this.#promote(member)
    this.#shed(member)
    this.#reopen(member)
    this.#feedNeedy()
  }

  /** These two cannot be linked: another parent, if it was one. */
  refuse(peer: Peer, other: Peer): void {
    const [a, b] = [this.#members.get(peer), this.#members.get(other)]
    if (a === undefined || b === undefined) return
    for (const [one, two] of [
      [a, b],
      [b, a],
    ] as const) {
      one.refused.delete(two.peer)
      one.refused.add(two.peer)
      if (one.refused.size > mostRefused)
        for (const oldest of one.refused) {
          one.refused.delete(oldest)
          break
        }
      if (!one.parents.has(two)) continue
      this.#detach(two, one)
      this.#adopt(one)
    }
    this.#feedNeedy()
  }

  standing(peer: Peer): Standing<Peer> | null {
    const member = this.#members.get(peer)
    if (member === undefined) return null
    const links = member.isFetcher
      ? [...this.#fetchers].filter(other => other !== member)
      : [...member.parents]
    return {
      role: member.isFetcher ? 'fetcher' : 'member',
      hops: member.hops,
      links: links.map(other => other.peer),
    }
  }

  /** This one knows where it stands. */
  told(peer: Peer): void {
    this.#changed.delete(peer)
  }

  /** Who stands elsewhere than when this was last asked. */
  takeChanged(): readonly Peer[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed
  }

  #slots(slots: number | null): number {
    return Math.max(0, Math.min(Math.floor(slots ?? this.#limits.assumedSlots), this.#limits.mostSlots))
  }

  /** Fetchers are expected to give all they can. */
  #room(member: Member<Peer>): number {
    const assumed = member.isFetcher && member.slots === this.#limits.assumedSlots
    return (assumed ? this.#limits.mostSlots : member.slots) - member.children.size
  }

  #promote(member: Member<Peer>): void {
    for (const parent of [...member.parents]) this.#detach(parent, member)
    this.#close(member)
    member.isFetcher = true
    this.#needy.delete(member)
    this.#fetchers.add(member)
    this.#epoch++
    this.#setHops(member, 0)
    this.#changed.add(member.peer)
  }

  #demote(member: Member<Peer>): void {
    this.#close(member)
    member.isFetcher = false
    this.#fetchers.delete(member)
    for (const child of [...member.children]) {
      this.#detach(member, child)
      this.#adopt(child)
    }
    this.#setHops(member, Number.POSITIVE_INFINITY)
    this.#replaceFetcher(member)
    this.#adopt(member)
  }

  /** The best uplink next to the fetchers takes the place, the oldest of equals: it has links to some of them. */
  #replaceFetcher(except: Member<Peer> | null = null): void {
    let best: Member<Peer> | null = null
    for (const member of this.#members.values()) {
      if (member.isFetcher || member === except || member.slots < leastFetcherSlots) continue
      if (best === null || isBetterFetcher(member, best)) best = member
    }
    if (best === null) this.#epoch++
    else this.#promote(best)
  }

  /** Gives it the parents it lacks. */
  #adopt(member: Member<Peer>): void {
    if (member.isFetcher) return
    this.#changed.add(member.peer)
    while (member.parents.size < this.#limits.parents) {
      const parent = this.#findParent(member) ?? this.#makeRoom(member)
      if (parent === null) break
      parent.children.add(member)
      member.parents.add(parent)
      this.#close(parent)
      this.#reopen(parent)
    }
    this.#settle(member)
    if (member.parents.size === 0) {
      // Nobody has room for it, so it can feed nobody.
      for (const child of [...member.children]) {
        this.#detach(member, child)
        this.#adopt(child)
      }
    }
    if (member.parents.size < this.#limits.parents) this.#needy.add(member)
    else this.#needy.delete(member)
  }

  /** Whoever feeds others goes near the middle, whoever only takes to the rim. */
  #findParent(member: Member<Peer>): Member<Peer> | null {
    // Whoever feeds nobody can hang anywhere; others not below what may hang below them.
    const isFree = member.hops === Infinity || member.children.size === 0
    const levels = Math.min(this.#open.length, isFree ? Infinity : member.hops + 1)
    for (let step = 0; step < levels; step++) {
      const level = this.#open[member.slots > 0 ? step : levels - 1 - step]
      for (const parent of level ?? []) {
        if (parent === member || member.parents.has(parent)) continue
        if (!member.refused.has(parent.peer)) return parent
      }
    }
    return null
  }

  /**
   * Whoever feeds others must not wait for a second parent: near the middle somebody who feeds fewer makes room, and goes
   * to the rim. Looks through everybody, which happens when a parent is lost in a backbone that is full.
   */
  #makeRoom(member: Member<Peer>): Member<Peer> | null {
    if (!Number.isFinite(member.hops)) return null
    let guest: { readonly child: Member<Peer>; readonly parent: Member<Peer> } | null = null
    for (const child of this.#members.values()) {
      if (child === member || child.children.size >= (guest?.child ?? member).children.size) continue
      for (const parent of child.parents) {
        if (parent === member || parent.hops > member.hops || member.parents.has(parent)) continue
        if (!member.refused.has(parent.peer)) guest = { child, parent }
      }
    }
    if (guest === null) return null
    this.#detach(guest.parent, guest.child)
    this.#displaced.add(guest.child)
    return guest.parent
  }

  /** There is room near the middle: whoever is farthest from it gets parents there. */
  #lift(): void {
    const nearest = this.#open.findIndex(level => level.size > 0)
    if (nearest < 0) return
    let deepest: Member<Peer> | null = null
    for (const member of this.#members.values())
      if (Number.isFinite(member.hops) && member.hops > (deepest?.hops ?? nearest + 2)) deepest = member
    if (deepest === null) return
    for (const parent of [...deepest.parents]) if (parent.hops > nearest) this.#detach(parent, deepest)
    this.#adopt(deepest)
  }

  #feedNeedy(): void {
    for (const member of this.#displaced) {
      this.#displaced.delete(member)
      this.#adopt(member)
    }
    for (const member of [...this.#needy]) {
      if (this.#findParent(member) === null) continue
      this.#adopt(member)
    }
  }

  /** It feeds more than it can: the youngest go elsewhere. */
  #shed(member: Member<Peer>): void {
    const excess = [...member.children].slice(this.#room(member) + member.children.size)
    for (const child of excess) {
      this.#detach(member, child)
      this.#adopt(child)
    }
  }

  #detach(parent: Member<Peer>, child: Member<Peer>): void {
    parent.children.delete(child)
    child.parents.delete(parent)
    this.#reopen(parent)
    // At once: nobody may be hung below what hangs in the air itself.
    if (!child.isFetcher) this.#settle(child)
  }

  #settle(member: Member<Peer>): void {
    let hops = 0
    for (const parent of member.parents) hops = Math.max(hops, parent.hops)
    this.#setHops(member, member.parents.size === 0 ? Number.POSITIVE_INFINITY : hops + 1)
  }

  #setHops(member: Member<Peer>, hops: number): void {
    if (member.hops === hops) return this.#reopen(member)
    this.#close(member)
    member.hops = hops
    this.#reopen(member)
    for (const child of member.children) this.#settle(child)
  }

  #reopen(member: Member<Peer>): void {
    if (!Number.isFinite(member.hops) || !this.#members.has(member.peer)) return
    if (this.#room(member) <= 0) return this.#close(member)
    while (this.#open.length <= member.hops) this.#open.push(new Set())
    this.#open[member.hops]!.add(member)
  }

  #close(member: Member<Peer>): void {
    this.#open[member.hops]?.delete(member)
  }
}

function isBetterFetcher<Peer>(a: Member<Peer>, b: Member<Peer>): boolean {
  if (a.hops <= 1 !== b.hops <= 1) return a.hops <= 1
  return a.slots !== b.slots ? a.slots > b.slots : a.joined < b.joined
}
