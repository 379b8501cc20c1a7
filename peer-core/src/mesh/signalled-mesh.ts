import type { Place, Policy } from '../core/events.ts'
import type { Hello, Mode, PeerId } from '../core/messages.ts'
import type { MeshOptions } from '../mesh.ts'
import type { Clock, Link, Mesh, MeshEvents, MeshState, Signaller, SignallerEvents } from '../ports.ts'
import { Attempt, type AttemptPlan } from './attempt.ts'
import { Backoff } from './backoff.ts'
import { DialCounts } from './dial-counts.ts'
import { lanKey } from './lan-key.ts'
import { LinkBook, type OpenLink } from './link-book.ts'
import { Neighbours } from './neighbours.ts'
import { Rest } from './rest.ts'
import { ourOfferStands, redialDelayMs } from './rules.ts'

/** How long clients of standard trackers keep an offer. */
const speculativeMs = 50_000
/** Standard trackers take at most five offers an announce; two announces' worth may be out. */
const maxSpeculative = 10
/** After so many failures in a row a neighbour is forgotten until the tracker names it again. */
const forgetAfter = 4
/** A peer that broke the protocol once may be of another version, and will be tomorrow. */
const protocolErrorHoldMs = 300_000

/** A mesh over any signaller; `mesh.ts` says what its options mean. */
export class SignalledMesh implements Mesh {
  #options: Required<MeshOptions>
  #self: PeerId
  #signaller: Signaller
  #clock: Clock
  #random: () => number
  #mode: Mode
  #childLinks: number | null = null
  /** Our private network, once a STUN server inside it has seen us. */
  #lan: string | null = null
  #wan: Policy['wan']
  #iceServers: readonly { readonly urls: string }[]
  #events: MeshEvents | null = null
  #phase: 'idle' | 'open' | 'closed' = 'idle'
  #webrtc = true
  #tracker: MeshState['tracker'] = 'off'
  #trackerError: string | null = null
  #group: MeshState['group'] = null
  #counts = new DialCounts()
  #candidates = new Set<string>()
  #neighbours = new Neighbours()
  #attempts = new Map<string, Attempt>()
  #links: LinkBook
  #banned = new Set<PeerId>()
  #backoff = new Backoff()
  #disarm: (() => void) | null = null
  /** Not before then, for others wait to be dialled too. */
  #nextDialAt = 0
  #rest = new Rest()
  #nextOffer = 0

  constructor(options: Required<MeshOptions>) {
    this.#options = options
    this.#self = options.self
    this.#signaller = options.signaller
    this.#clock = options.clock
    this.#random = options.random
    this.#mode = options.mode
    this.#wan = options.wan
    this.#iceServers = options.iceServers
    this.#links = new LinkBook(options.self, open => this.#opened(open))
  }

  open(events: MeshEvents): void {
    if (this.#phase !== 'idle') return
    this.#phase = 'open'
    this.#events = events
    this.#webrtc = this.#options.transport.available()
    // Without WebRTC a tracker could only hand us to peers who would wait for us in vain.
    if (this.#webrtc) {
      this.#tracker = 'connecting'
      this.#report()
      this.#signaller.open(this.#signals())
    }
    this.#changed()
  }

  setMode(mode: Mode): void {
    if (this.#mode === mode) return
    this.#mode = mode
    if (mode === 'off') this.#drop(() => true, 'off')
    this.#report()
    this.#fill()
  }

  ban(peer: PeerId): void {
    this.#banned.add(peer)
    this.#neighbours.forget(peer)
    this.#drop(candidate => candidate === peer, 'banned')
    this.#fill()
  }

  setCapacity(childLinks: number): void {
    this.#childLinks = childLinks
    this.#report()
  }

  rest(ms: number): void {
    this.#rest.begin(ms, this.#clock.now())
    this.#fill()
  }

  state(): MeshState {
    return {
      tracker: this.#tracker,
      trackerError: this.#trackerError,
      group: this.#group,
      dials: this.#counts.snapshot(),
      candidates: [...this.#candidates],
      webrtc: this.#webrtc,
    }
  }

  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    const opened = this.#phase === 'open' && this.#webrtc
    this.#phase = 'closed'
    this.#disarm?.()
    this.#drop(() => true, 'closed')
    if (opened) await this.#signaller.close()
  }

  // The tracker speaks

  #signals(): SignallerEvents {
    return {
      onNeighbours: neighbours => {
        for (const neighbour of neighbours) {
          const { peer } = neighbour
          if (peer !== this.#self && !this.#banned.has(peer)) this.#neighbours.meet(neighbour)
        }
        this.#fill()
      },
      onOffer: offer => this.#afterRest(() => this.#offered(offer)),
      onAnswer: ({ from, offerId, sdp }) => {
        const attempt = this.#attempts.get(offerId)
        if (!attempt || attempt.answered || (attempt.peer ?? from) !== from) return
        if (attempt.plan.kind === 'speculative' && !this.#welcome(from, null)) {
          this.#abandon(offerId)
          return
        }
        if (attempt.plan.kind === 'speculative') this.#counts.started()
        attempt.peer = from
        attempt.describe(sdp)
      },
      onCandidate: ({ from, offerId, candidate }) =>
        this.#afterRest(() => {
          const attempt = this.#attempts.get(offerId) ?? this.#attempts.get(theirs(from, offerId))
          if (attempt?.peer === from) attempt.addCandidate(candidate)
        }),
      makeOffers: count => this.#speculate(count),
      onPolicy: policy => {
        if (policy.wan && policy.wan !== this.#wan) {
          this.#wan = policy.wan
          // An offer that is out to whomever the tracker picks has no place: it must not be answered from outside.
          if (policy.wan === 'deny') this.#drop((_, place) => place !== 'group', 'policy')
        }
        this.#events?.onPolicy(policy)
        this.#fill()
      },
      onGroup: group => {
        this.#group = group
        this.#changed()
      },
      onIceServers: servers => {
        this.#iceServers = servers
      },
      onState: (tracker, error) => {
        // Links outlive the tracker that introduced them.
        this.#tracker = tracker
        this.#trackerError = error
        this.#changed()
      },
    }
  }

  #offered(offer: Parameters<SignallerEvents['onOffer']>[0]): void {
    const { from, offerId, place, trickle, sdp } = offer
    if (!this.#welcome(from, place)) return
    // Standard trackers hand out offers at random, also to peers who are connected already. A directed one says
    // that the other side has no link: ours is a dead one, and the new one replaces it.
    if (this.#links.has(from) && !trickle) return
    for (const [key, attempt] of this.#attempts) {
      if (attempt.peer !== from) continue
      if (attempt.plan.kind === 'dial' && ourOfferStands(this.#self, from)) return
      if (attempt.plan.kind !== 'speculative') this.#abandon(key)
    }
    if (!this.#links.has(from) && this.#room(place) <= 0) return
    const key = theirs(from, offerId)
    const plan = {
      kind: 'answer',
      offerId,
      peer: from,
      place,
      trickle,
      ...this.#times(this.#options.dialTimeoutMs),
    } as const
    const attempt = this.#attempt(key, plan, answer => this.#signaller.answer(from, offerId, answer))
    attempt.describe(sdp)
  }

  async #speculate(count: number): Promise<readonly { offerId: string; sdp: string }[]> {
    // These go to anybody, so they would show our addresses outside the group.
    if (this.#wan === 'deny' || this.#mode === 'off' || this.#phase !== 'open') return []
    if (this.#rest.isOn(this.#clock.now())) return []
    let out = 0
    for (const attempt of this.#attempts.values()) if (attempt.plan.kind === 'speculative') out++
    const wanted = Math.max(0, Math.min(count, maxSpeculative - out, this.#room('group')))
    const offers = Array.from({ length: wanted }, async () => {
      const offerId = this.#offerId()
      const sdp = await new Promise<string | null>(resolve => {
        const times = this.#times(speculativeMs)
        const plan = {
          kind: 'speculative',
          offerId,
          peer: null,
          place: null,
          trickle: false,
          ...times,
        } as const
        this.#attempt(offerId, plan, resolve, () => resolve(null))
      })
      return sdp === null ? null : { offerId, sdp }
    })
    this.#arm(this.#clock.now())
    return (await Promise.all(offers)).filter(offer => offer !== null)
  }

  // Dialling

  /** Dials whoever is wanted, known, not yet tried, and due. */
  #fill(): void {
    if (this.#phase !== 'open' || !this.#webrtc) return
    const now = this.#clock.now()
    if (this.#mode !== 'off' && !this.#rest.isOn(now)) {
      this.#rest.catchUp()
      for (const { peer, place } of this.#neighbours.nearestFirst()) {
        if (this.#backoff.probing() && this.#dialling() > 0) break
        if (!this.#idle(peer) || !this.#welcome(peer, place) || this.#room(place) <= 0) continue
        if (!this.#backoff.ready(peer, now)) continue
        if (now < this.#nextDialAt) break
        this.#nextDialAt = now + this.#options.dialGapMs
        this.#dial(peer, place)
      }
    }
    this.#arm(now)
  }

  #dial(peer: PeerId, place: Place): void {
    const offerId = this.#offerId()
    const plan = {
      kind: 'dial',
      offerId,
      peer,
      place,
      trickle: true,
      ...this.#times(this.#options.dialTimeoutMs),
    } as const
    this.#attempt(offerId, plan, sdp => this.#signaller.offer(peer, offerId, sdp))
  }

  #attempt(
    key: string,
    plan: AttemptPlan,
    onDescription: (sdp: string) => void,
    onGone?: () => void,
  ): Attempt {
    const hello: Hello = { v: 1, mode: this.#mode, reqq: this.#options.reqq }
    const link = { self: this.#self, infoHash: this.#options.infoHash, hello, now: () => this.#clock.now() }
    const attempt = new Attempt(plan, this.#options.transport, this.#iceServers, link, {
      onDescription,
      onCandidate: candidate => {
        if (attempt.peer !== null) this.#signaller.candidate(attempt.peer, plan.offerId, candidate)
      },
      onCandidateType: type => {
        if (this.#candidates.has(type)) return
        this.#candidates.add(type)
        this.#changed()
      },
      onLan: network => {
        const lan = lanKey(network, this.#options.infoHash)
        if (lan === this.#lan) return
        this.#lan = lan
        this.#report()
      },
      onReady: (ready, theirHello) => this.#ready(key, attempt, ready, theirHello),
      onFail: reason => {
        onGone?.()
        if (this.#attempts.get(key) === attempt) this.#failed(key, attempt, reason)
      },
      onEnd: reason => this.#ended(attempt, reason),
    })
    this.#attempts.set(key, attempt)
    if (plan.kind !== 'speculative') {
      this.#counts.started()
      this.#changed()
    }
    return attempt
  }

  /** Ends an attempt that nobody is to blame for. */
  #abandon(key: string): void {
    const attempt = this.#attempts.get(key)
    this.#attempts.delete(key)
    attempt?.close('abandoned')
  }

  #failed(key: string, attempt: Attempt, reason: string): void {
    this.#attempts.delete(key)
    const { peer, plan } = attempt
    const now = this.#clock.now()
    if (peer !== null && (attempt.answered || plan.kind === 'dial')) {
      const result = this.#counts.failed(reason, attempt.answered)
      this.#counts.outcome({ peer, ok: false, ms: now - plan.startedAt, pair: '' })
      if (plan.kind === 'dial') this.#backoff.dialFailed(peer, now)
      else this.#backoff.failed(peer, now)
      if (result === 'protocolError') this.#backoff.hold(peer, now + protocolErrorHoldMs)
      if (this.#backoff.failures(peer) >= forgetAfter) {
        this.#neighbours.forget(peer)
        this.#backoff.forget(peer)
      }
      this.#report()
      this.#changed()
    }
    this.#fill()
  }

  #ready(key: string, attempt: Attempt, link: Link, hello: Hello): void {
    const wanted = this.#attempts.get(key) === attempt && this.#welcome(link.peer, attempt.plan.place)
    this.#attempts.delete(key)
    if (!wanted || (attempt.peer !== null && attempt.peer !== link.peer)) {
      link.close('unwanted')
      return
    }
    attempt.peer = link.peer
    this.#backoff.opened(link.peer)
    this.#counts.opened()
    void this.#survey(attempt, link).then(place => {
      if (attempt.ended) return
      if (this.#welcome(link.peer, place)) this.#links.admit({ attempt, link, hello, place })
      else link.close('unwanted')
    })
  }

  /** Which candidates won: for the tracker, and for the place when it did not say. */
  async #survey(attempt: Attempt, link: Link): Promise<Place> {
    const stats = await link.stats()
    const ms = this.#clock.now() - attempt.plan.startedAt
    const pair = stats ? `${stats.local}-${stats.remote}` : ''
    this.#counts.outcome({ peer: link.peer, ok: true, ms, pair })
    const known = attempt.plan.place ?? this.#neighbours.of(link.peer)?.place
    if (known) return known
    // Whoever is reached without a server's help is on our network, or on one that is routed to it like one.
    const direct = (side: string) => side === 'host' || side === 'prflx'
    return stats && direct(stats.local) && direct(stats.remote) ? 'group' : 'outside'
  }

  #opened({ link, hello, place }: OpenLink): void {
    this.#report()
    this.#changed()
    this.#events?.onLink(link, hello, place)
    this.#fill()
  }

  #ended(attempt: Attempt, reason: string): void {
    if (!this.#links.ended(attempt)) return
    const peer = attempt.peer ?? ''
    const hold =
      reason === 'protocol-error' ? protocolErrorHoldMs : redialDelayMs(this.#self, peer, this.#random())
    this.#backoff.hold(peer, this.#clock.now() + hold)
    this.#report()
    this.#changed()
    this.#fill()
  }

  // Bookkeeping

  /** Ends links and attempts of our own accord. */
  #drop(which: (peer: PeerId | null, place: Place | null) => boolean, reason: string): void {
    for (const [key, attempt] of [...this.#attempts])
      if (which(attempt.peer, attempt.plan.place)) this.#abandon(key)
    this.#links.close(which, reason)
  }

  #welcome(peer: PeerId, place: Place | null): boolean {
    if (this.#phase !== 'open' || this.#mode === 'off' || peer === this.#self || this.#banned.has(peer))
      return false
    return place !== 'outside' || this.#wan === 'allow'
  }

  #afterRest(does: () => void): void {
    this.#rest.after(does, this.#clock.now())
  }

  /** Neither linked nor being dialled. */
  #idle(peer: PeerId): boolean {
    if (this.#links.has(peer)) return false
    for (const attempt of this.#attempts.values()) if (attempt.peer === peer) return false
    return true
  }

  #dialling(): number {
    let count = 0
    for (const attempt of this.#attempts.values()) if (attempt.plan.kind !== 'speculative') count++
    return count
  }

  /** Links that may still be opened at this place. */
  #room(place: Place): number {
    const cap = place === 'group' ? this.#options.groupLinks : this.#options.outsideLinks
    let used = this.#links.count(place)
    for (const { plan, peer } of this.#attempts.values()) if (peer !== null && plan.place === place) used++
    return cap - used
  }

  #times(ms: number): { startedAt: number; deadline: number } {
    const startedAt = this.#clock.now()
    return { startedAt, deadline: startedAt + ms }
  }

  /** Twenty characters, as trackers demand. */
  #offerId(): string {
    const digits = (value: number, length: number) => value.toString(36).padStart(length, '0').slice(-length)
    return (
      digits(this.#nextOffer++, 6) +
      digits(Math.floor(this.#random() * 36 ** 7), 7) +
      digits(Math.floor(this.#random() * 36 ** 7), 7)
    )
  }

  #report(): void {
    if (this.#phase !== 'open') return
    const want = this.#mode === 'off' ? 0 : Math.max(0, this.#room('group'))
    this.#signaller.update({
      mode: this.#mode,
      have: this.#links.size,
      want,
      childLinks: this.#childLinks,
      lan: this.#lan,
      outcomes: this.#counts.takeOutcomes(),
    })
  }

  #changed(): void {
    this.#events?.onState(this.state())
  }

  /** Wakes at the next deadline, or when a wanted neighbour may be dialled again; `now` as whoever decided saw it. */
  #arm(now: number): void {
    this.#disarm?.()
    this.#disarm = null
    if (this.#phase !== 'open') return
    let at = Number.POSITIVE_INFINITY
    for (const { plan } of this.#attempts.values()) at = Math.min(at, plan.deadline)
    if (this.#rest.isOn(now)) at = Math.min(at, this.#rest.until)
    for (const { peer } of this.#neighbours.nearestFirst()) {
      if (!this.#idle(peer)) continue
      const ready = Math.max(this.#backoff.readyAt(peer), this.#nextDialAt, this.#rest.until)
      if (ready > now) at = Math.min(at, ready)
    }
    if (at < Number.POSITIVE_INFINITY) this.#disarm = this.#clock.arm(at, () => this.#wake())
  }

  #wake(): void {
    const now = this.#clock.now()
    for (const [key, attempt] of [...this.#attempts]) {
      if (attempt.plan.deadline > now) continue
      attempt.close('timeout')
      this.#failed(key, attempt, 'timeout')
    }
    this.#fill()
  }
}

/** Key of an attempt whose offer id the other side chose. */
function theirs(from: PeerId, offerId: string): string {
  return `${from} ${offerId}`
}
