import type { Policy } from '../core/events.ts'
import type { PeerId } from '../core/messages.ts'
import type { Clock, DialOutcome, MeshState, Signaller, SignallerEvents, SignallerStatus } from '../ports.ts'
import { binaryToHex, hexToBinary, isBinaryId } from '../signalling/binary.ts'
import { type Level, placeOf } from '../signalling/level.ts'
import { signallingLimits } from '../signalling/limits.ts'
import type { OwnReport } from '../signalling/report.ts'
import type { AnnounceResponse, RelayedOffer, WirePolicy } from '../signalling/tracker-message.ts'
import { Alarms } from './tracker-client/alarms.ts'
import { JoinToken, type TokenSource } from './tracker-client/join-token.ts'
import { Routes } from './tracker-client/routes.ts'
import { type Status, TrackerSession } from './tracker-client/tracker-session.ts'
import { Ways } from './tracker-client/ways.ts'
import type { WebSocketConstructor } from './tracker-client/web-socket.ts'

export interface TrackerClientOptions {
  /** WebSocket URLs. All are used: peers found through any of them count. */
  readonly urls: readonly string[]
  /** The swarm, 40 lower-case hex digits. */
  readonly infoHash: string
  /** Us, 40 lower-case hex digits. */
  readonly peerId: PeerId
  /** A clock of its own: the client arms one timer. */
  readonly clock: Clock
  /**
   * What a tracker's operator may know when it asks: sums, and the segments watched after the first so many. Null: nothing
   * now. @default nothing is ever told
   */
  readonly report?: (segmentsBefore: number) => OwnReport | null
  /**
   * A join token for trackers that ask for one, or what brings it: called before the first announce, half a minute before
   * the token expires, and when it is refused. @default none
   */
  readonly token?: TokenSource
  /** In [0, 1), for jitter. @default Math.random */
  readonly random?: () => number
  /** @default the platform's own */
  readonly WebSocket?: WebSocketConstructor
  /**
   * Reaches our trackers over HTTP where WebSockets are blocked; null: never.
   * @default the platform's own, but null when `WebSocket` is given
   */
  readonly fetch?: typeof globalThis.fetch | null
}

/** Inbound offers a second, long run and at once; a hostile tracker could otherwise make us dial without end. */
const offersPerSecond = 10
const offerBurst = 60
/** Dial outcomes kept for a tracker that is away. */
const keptOutcomes = signallingLimits.outcomes
/** A measured uplink is news, but no hurry. */
const capacityWithinMs = 2_000
/** Where we are decides whom to dial next. */
const lanWithinMs = 200
/** Trackers and pages may be told to go; what comes back comes back spread over this, ms. */
const returnSpreadMs = 1_000

/** Peers through trackers: ours, by named neighbours and trickled candidates; any other, by speculative offers. */
export function createTrackerClient(options: TrackerClientOptions): Signaller {
  return new TrackerClient(options)
}

interface Tracker {
  readonly session: TrackerSession
  state: MeshState['tracker']
  error: string | null
  /** Level of our group, as this tracker sees it. */
  groupLevel: Level | null
  outcomes: DialOutcome[]
  /** The tracker's policy switched peers off: stay, so that it can switch them on again. */
  off: boolean
}

class TrackerClient implements Signaller {
  readonly #alarms: Alarms
  readonly #random: () => number
  readonly #trackers: Tracker[]
  /** Who named a peer, and who brought an offer: answers go back the same way. */
  readonly #byPeer = new Routes<Tracker>(512)
  readonly #byOffer = new Routes<Tracker>(512)
  #events: SignallerEvents | null = null
  #phase: 'idle' | 'open' | 'away' | 'closed' = 'idle'
  #status: Status = { mode: 'share', have: 0, want: 0, childLinks: null }
  #reported = ''
  #allowance = { offers: offerBurst, at: 0 }

  constructor(options: TrackerClientOptions) {
    const WebSocket = options.WebSocket ?? platformWebSocket() ?? missingWebSocket
    const fetch = options.fetch === undefined && !options.WebSocket ? platformFetch() : options.fetch
    this.#alarms = new Alarms(options.clock)
    this.#random = options.random ?? Math.random
    const ids = { infoHash: hexToBinary(options.infoHash), peerId: hexToBinary(options.peerId) }
    const report = options.report ?? (() => null)
    const token = options.token === undefined ? null : new JoinToken(options.token)
    this.#trackers = [...new Set(options.urls)].map(url => {
      const Socket = fetch
        ? new Ways({ WebSocket, fetch, alarms: this.#alarms, random: this.#random }).Socket
        : WebSocket
      return this.#tracker(url, ids, report, token, Socket)
    })
  }

  open(events: SignallerEvents): void {
    if (this.#phase !== 'idle') return
    this.#phase = 'open'
    this.#events = events
    this.#report()
    for (const { session } of this.#trackers) session.start()
  }

  offer(to: PeerId, offerId: string, sdp: string): void {
    this.#wayTo(to)?.signal('offer', hexToBinary(to), wireId(offerId), sdp)
  }

  answer(to: PeerId, offerId: string, sdp: string): void {
    this.#wayOf(to, offerId)?.signal('answer', hexToBinary(to), wireId(offerId), sdp)
  }

  candidate(to: PeerId, offerId: string, candidate: string): void {
    this.#wayOf(to, offerId)?.candidate(hexToBinary(to), wireId(offerId), candidate)
  }

  update({ outcomes, ...status }: SignallerStatus): void {
    const before = this.#status
    const { mode, have, want } = status
    this.#status = status
    for (const tracker of this.#trackers)
      tracker.outcomes = [...tracker.outcomes, ...outcomes].slice(-keptOutcomes)
    if (this.#phase === 'idle' || this.#phase === 'closed') return
    if (mode !== before.mode) return this.#modeChanged()
    // Others of the same private network are nearer than those behind the same address.
    if ((status.lan ?? null) !== (before.lan ?? null))
      for (const { session } of this.#trackers) session.announceSoon(lanWithinMs)
    // Others may be sent to us as their parent, or have to find another.
    if ((status.childLinks ?? null) !== (before.childLinks ?? null)) {
      for (const { session } of this.#trackers) session.announceSoon(capacityWithinMs)
    }
    // A link was lost, or who was named could not be reached and nobody else is there: ask before the interval is over,
    // with others who lost the same peer.
    const isStranded = have === 0 && outcomes.some(({ ok }) => !ok)
    if ((have < before.have || isStranded) && want > 0) {
      for (const { session } of this.#trackers) session.announceSoon(2_000 + 3_000 * this.#random())
    }
  }

  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#events = null
    await Promise.all(this.#trackers.map(({ session }) => session.stop(true)))
  }

  #tracker(
    url: string,
    ids: { infoHash: string; peerId: string },
    report: (segmentsBefore: number) => OwnReport | null,
    token: JoinToken | null,
    WebSocket: WebSocketConstructor,
  ): Tracker {
    const tracker: Tracker = {
      session: new TrackerSession(
        {
          url,
          ...ids,
          WebSocket,
          alarms: this.#alarms,
          random: this.#random,
          status: () => this.#status,
          report,
          token,
          takeOutcomes: () => tracker.outcomes.splice(0),
          makeOffers: async count => {
            const offers = (await this.#events?.makeOffers(count)) ?? []
            return offers.map(({ offerId, sdp }) => ({ offerId: wireId(offerId), sdp }))
          },
        },
        {
          onState: (state, error) => {
            // The others may be machines of the same cluster, of which only the last one asked counted us.
            if (state === 'lost' && tracker.state === 'open')
              for (const { session } of this.#trackers) session.announceSoon(returnSpreadMs * this.#random())
            tracker.state = state
            tracker.error = error
            this.#report()
          },
          onResponse: response => this.#responded(tracker, response),
          onSignal: signal => {
            const from = binaryToHex(signal.from)
            if (signal.type === 'offer') return this.#offered(tracker, from, signal)
            if (signal.type === 'answer') {
              this.#byOffer.set(from + signal.offerId, tracker)
              this.#events?.onAnswer({ from, offerId: signal.offerId, sdp: signal.sdp })
              return
            }
            for (const candidate of signal.candidates) {
              this.#events?.onCandidate({ from, offerId: signal.offerId, candidate })
            }
          },
        },
      ),
      state: 'connecting',
      error: null,
      groupLevel: null,
      outcomes: [],
      off: false,
    }
    return tracker
  }

  #responded(tracker: Tracker, { extras }: AnnounceResponse): void {
    const events = this.#events
    if (extras === null || events === null) return
    if (extras.group) {
      tracker.groupLevel = extras.group.level
      events.onGroup(extras.group)
    }
    if (extras.backbone) events.onPolicy(extras.backbone)
    if (extras.ice) events.onIceServers(extras.ice.map(urls => ({ urls })))
    if (extras.policy) {
      const off = extras.policy.mode === 'off'
      const returning = tracker.off && !off
      tracker.off = off
      events.onPolicy(policyOf(extras.policy))
      this.#report()
      // Everybody hears it in the same second; not everybody needs to be served in it.
      if (returning) tracker.session.announceSoon(returnSpreadMs * this.#random())
    }
    if (extras.neighbours && extras.neighbours.length > 0) {
      const neighbours = extras.neighbours.map(({ peerId, level }) => {
        const peer = binaryToHex(peerId)
        this.#byPeer.set(peer, tracker)
        return { peer, level, place: placeOf(level, tracker.groupLevel) }
      })
      events.onNeighbours(neighbours)
    }
  }

  #offered(tracker: Tracker, from: PeerId, { offerId, sdp, level, trickle }: RelayedOffer): void {
    if (!this.#allowsOffer()) return
    this.#byOffer.set(from + offerId, tracker)
    this.#byPeer.set(from, tracker)
    this.#events?.onOffer({ from, offerId, sdp, place: placeOf(level, tracker.groupLevel), trickle })
  }

  #allowsOffer(): boolean {
    const now = this.#alarms.now()
    const refilled = this.#allowance.offers + ((now - this.#allowance.at) * offersPerSecond) / 1_000
    const offers = Math.min(offerBurst, refilled)
    this.#allowance = { offers: Math.max(0, offers - 1), at: now }
    return offers >= 1
  }

  /**
   * Off by the site owner: leave the trackers. Off by a tracker's policy: stay and be quiet, since only a connected
   * client can be switched on again.
   */
  #modeChanged(): void {
    const off = this.#status.mode === 'off'
    if (off && this.#trackers.some(tracker => tracker.off)) return
    if (off && this.#phase === 'open') {
      this.#phase = 'away'
      this.#report()
      for (const { session } of this.#trackers) void session.stop(false)
    } else if (!off && this.#phase === 'away') {
      this.#phase = 'open'
      for (const tracker of this.#trackers) {
        tracker.state = 'connecting'
        tracker.session.start()
      }
      this.#report()
    } else for (const { session } of this.#trackers) session.announceSoon(0)
  }

  /** Through the tracker that named the peer, or any that works. */
  #wayTo(peer: PeerId): TrackerSession | undefined {
    const known = this.#byPeer.find(peer)
    if (known?.session.ready) return known.session
    return this.#trackers.find(({ session }) => session.ready)?.session
  }

  #wayOf(peer: PeerId, offerId: string): TrackerSession | undefined {
    const known = this.#byOffer.find(peer + offerId)
    return known?.session.ready ? known.session : this.#wayTo(peer)
  }

  /** One word for all trackers: the best of them. */
  #report(): void {
    const [state, error] = this.#summary()
    const text = `${state} ${error}`
    if (text === this.#reported) return
    this.#reported = text
    this.#events?.onState(state, error)
  }

  #summary(): readonly [MeshState['tracker'], string | null] {
    if (this.#phase === 'away' || this.#trackers.length === 0) return ['off', null]
    if (this.#trackers.some(tracker => tracker.off && tracker.state === 'open'))
      return ['off', 'switched off by the tracker']
    for (const state of ['open', 'connecting', 'lost', 'refused'] as const) {
      const tracker = this.#trackers.find(candidate => candidate.state === state)
      if (tracker) return [state, tracker.error]
    }
    return ['lost', null]
  }
}

/** The core's part of a policy; the rest is the tracker's own business. */
function policyOf({ mode, wan, integrity, uploadKbps, lineKbps }: WirePolicy): Partial<Policy> {
  return {
    ...(mode !== undefined && { mode }),
    ...(wan !== undefined && { wan }),
    ...(integrity !== undefined && { integrity }),
    ...(uploadKbps !== undefined && { uploadKbps }),
    ...(lineKbps !== undefined && { lineKbps }),
  }
}

/** Offer ids are the protocol's own 20 characters throughout. */
function wireId(offerId: string): string {
  if (!isBinaryId(offerId))
    throw new TypeError(`an offer id has 20 characters of a byte each, not ${JSON.stringify(offerId)}`)
  return offerId
}

function platformWebSocket(): WebSocketConstructor | null {
  return typeof WebSocket === 'undefined' ? null : (WebSocket as unknown as WebSocketConstructor)
}

function platformFetch(): typeof globalThis.fetch | null {
  return typeof fetch === 'undefined' ? null : fetch
}

const missingWebSocket = class {
  constructor() {
    throw new Error('this platform has no WebSocket')
  }
} as unknown as WebSocketConstructor
