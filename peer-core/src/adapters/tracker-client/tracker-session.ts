import type { DialOutcome, MeshState, SignallerStatus } from '../../ports.ts'
import { hexToBinary } from '../../signalling/binary.ts'
import type { AnnounceEvent, SpeculativeOffer } from '../../signalling/client-message.ts'
import { signallingLimits } from '../../signalling/limits.ts'
import { parseTrackerText } from '../../signalling/parse-tracker.ts'
import type { OwnReport } from '../../signalling/report.ts'
import type {
  AnnounceResponse,
  Failure,
  RelayedAnswer,
  RelayedCandidates,
  RelayedOffer,
} from '../../signalling/tracker-message.ts'
import { writeAnnounce, writeReport, writeSignal } from '../../signalling/write-client.ts'
import type { Alarms } from './alarms.ts'
import { FormerSocket } from './former-socket.ts'
import type { JoinToken } from './join-token.ts'
import { retryDelayMs } from './retry.ts'
import { Successor } from './successor.ts'
import { closeSocket, silence, type WebSocketConstructor, type WebSocketLike } from './web-socket.ts'

/** What every announce reports about this peer. */
export type Status = Omit<SignallerStatus, 'outcomes'>

export interface SessionOptions {
  readonly url: string
  /** 20-character ids. */
  readonly infoHash: string
  readonly peerId: string
  readonly WebSocket: WebSocketConstructor
  readonly alarms: Alarms
  readonly random: () => number
  readonly status: () => Status
  /** Dial outcomes not yet reported to this tracker; taking them forgets them. */
  readonly takeOutcomes: () => readonly DialOutcome[]
  /** What the operator may know, with the segments watched since that many; null: nothing. */
  readonly report: (segmentsBefore: number) => OwnReport | null
  /** What announces carry where a tracker asks for it; null: nothing. */
  readonly token: JoinToken | null
  readonly makeOffers: (count: number) => Promise<readonly SpeculativeOffer[]>
}

export interface SessionEvents {
  onResponse(response: AnnounceResponse): void
  onSignal(signal: RelayedOffer | RelayedAnswer | RelayedCandidates): void
  onState(state: MeshState['tracker'], error: string | null): void
}

/** Until the first response nobody knows which kind a tracker is; afterwards it is remembered across sockets. */
type Kind = 'unknown' | 'ours' | 'standard'

type Phase =
  | { readonly type: 'idle' }
  | { readonly type: 'connecting'; readonly socket: WebSocketLike }
  | { readonly type: 'open'; readonly socket: WebSocketLike; state: 'asked' | 'answered' }
  | { readonly type: 'waiting' }
  | { readonly type: 'closed' }

/** Browsers give up on a dead address after minutes. */
const connectMs = 10_000
/** A tracker that does not answer an announce for so long is gone, whatever TCP believes. */
const answerMs = 15_000
/** When a tracker does not say; webtorrent's default is 30 s, which is more often than anybody needs. */
const defaultIntervalS = 120
const shortestIntervalS = 5
const longestIntervalS = 3_600
/** Least time between announces that we make of our own accord. */
const spacingMs = 1_000
/** A tracker cannot have reports more often than this. */
const shortestReportMs = 5_000
/** Candidates gathered at once travel in one message. */
const candidateDelayMs = 10
/** Viewers of one event got their tokens together, and come for fresh ones spread over this, ms. */
const renewalSpreadMs = 1_000
/** Bytes waiting in a socket that nobody reads. */
const backlogBytes = 1 << 20
/** The reference client makes no more, since they are slow to make. */
const speculativeOffers = 5

/** One tracker URL: a socket that comes back by itself, announces, and carries signals. */
export class TrackerSession {
  readonly #options: SessionOptions
  readonly #events: SessionEvents
  readonly #alarms: Alarms
  readonly #candidates = new Map<string, { to: string; offerId: string; list: string[] }>()
  #phase: Phase = { type: 'idle' }
  #kind: Kind = 'unknown'
  #failures = 0
  #refusal: string | null = null
  #trackerId = ''
  #announcedAt = Number.NEGATIVE_INFINITY
  #making = false
  /** The token of the last announce, and whether a refused one was replaced since the last answer. */
  #shown: string | null = null
  #renewed = false
  /** How often this tracker wants reports, ms; 0 never, which it is until it says so. */
  #reportMs = 0
  #reported = { segments: 0, news: '' }
  /** The socket that is to follow the one in use, and the one it followed. */
  readonly #successor: Successor
  readonly #former: FormerSocket

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options
    this.#events = events
    this.#alarms = options.alarms
    const { url, WebSocket, alarms } = options
    this.#former = new FormerSocket(alarms, this.#name('former'))
    this.#successor = new Successor({
      url,
      WebSocket,
      alarms,
      alarm: this.#name('successor'),
      // What became of dials is for a tracker that surely listens.
      announcement: () => this.#announcement('started', [], []),
      judge: data => this.#judge(data),
    })
  }

  get url(): string {
    return this.#options.url
  }

  /** Whether signals can be sent now. */
  get ready(): boolean {
    return this.#phase.type === 'open'
  }

  start(): void {
    if (this.#phase.type === 'idle') this.#connect()
  }

  /** Announces before the interval is over, `withinMs` from now at the latest, but never in a rush. */
  announceSoon(withinMs: number): void {
    if (this.#phase.type !== 'open') return
    const delay = Math.max(withinMs, this.#announcedAt + spacingMs - this.#alarms.now())
    const planned = this.#alarms.at(this.#name('announce'))
    if (planned !== null && planned <= this.#alarms.now() + delay) return
    this.#alarms.set(this.#name('announce'), delay, () => this.#announce('update'))
  }

  signal(type: 'offer' | 'answer', to: string, offerId: string, sdp: string): void {
    if (type === 'offer' && this.#phase.type === 'open') this.#former.note(offerId, this.#phase.socket)
    this.#sendAbout(offerId, writeSignal({ type, ...this.#ids(), to, offerId, sdp }))
  }

  candidate(to: string, offerId: string, candidate: string): void {
    if (candidate.length > signallingLimits.candidateChars) return
    const key = to + offerId
    const batch = this.#candidates.get(key)
    if (batch !== undefined) {
      batch.list.push(candidate)
      if (batch.list.length >= signallingLimits.candidates) this.#flush(key)
      return
    }
    this.#candidates.set(key, { to, offerId, list: [candidate] })
    this.#alarms.set(this.#name(key), candidateDelayMs, () => this.#flush(key))
  }

  /** Takes leave and resolves when the socket is closed, or after a second. Coming back needs `start`. */
  async stop(final: boolean): Promise<void> {
    const socket = 'socket' in this.#phase ? this.#phase.socket : null
    if (this.#reportMs > 0) this.#report()
    this.#send(this.#announcement('stopped', []))
    this.#successor.close()
    this.#former.leave()
    this.#phase = { type: final ? 'closed' : 'idle' }
    for (const name of ['connect', 'announce', 'answer', 'retry', 'move', 'report', 'token'])
      this.#alarms.clear(this.#name(name))
    for (const key of this.#candidates.keys()) this.#alarms.clear(this.#name(key))
    this.#candidates.clear()
    if (socket === null) return
    silence(socket)
    await new Promise<void>(resolve => {
      const done = () => {
        this.#alarms.clear(this.#name('closing'))
        resolve()
      }
      socket.onclose = done
      this.#alarms.set(this.#name('closing'), 1_000, done)
      // Closing hands over what was sent before (RFC 6455 §7.1.1).
      closeSocket(socket)
    })
  }

  // The socket

  #connect(): void {
    this.#successor.close()
    let socket: WebSocketLike
    try {
      socket = new this.#options.WebSocket(this.#options.url)
    } catch (error) {
      // A malformed URL, or ws:// on an https page: trying again cannot help.
      this.#phase = { type: 'closed' }
      this.#events.onState('refused', error instanceof Error ? error.message : String(error))
      return
    }
    this.#phase = { type: 'connecting', socket }
    socket.onopen = () => {
      if (!this.#holds(socket)) return
      this.#alarms.clear(this.#name('connect'))
      this.#phase = { type: 'open', socket, state: 'asked' }
      this.#refusal = null
      // A tracker that wanted reports before counts from here on.
      void this.#announce('started').then(() => this.#reportMs > 0 && this.#report())
    }
    this.#listen(socket)
    this.#alarms.set(this.#name('connect'), connectMs, () => this.#giveUp(socket))
  }

  /** What is heard on a socket, and its end, while it is the one in use. */
  #listen(socket: WebSocketLike): void {
    let refused: string | null = null
    socket.onmessage = (event: { readonly data: unknown }) => {
      if (this.#holds(socket)) this.#receive(event.data)
    }
    socket.onerror = (event: unknown) => {
      // Only some platforms say why; browsers never do.
      const said = /\b(401|403)\b/.exec(String((event as { message?: unknown } | null)?.message ?? ''))
      if (said) refused = `the tracker answers ${said[1]}`
    }
    socket.onclose = (event: { readonly code: number; readonly reason: string }) => {
      if (!this.#holds(socket)) return
      if (event.code === 1008) refused = event.reason || 'the tracker closed the connection'
      this.#ended(refused, event.code)
    }
  }

  #holds(socket: WebSocketLike): boolean {
    return 'socket' in this.#phase && this.#phase.socket === socket
  }

  #giveUp(socket: WebSocketLike): void {
    if (!this.#holds(socket)) return
    silence(socket)
    closeSocket(socket)
    this.#ended(null, 1006)
  }

  #ended(refused: string | null, code: number): void {
    for (const name of ['connect', 'announce', 'answer', 'move', 'report', 'token'])
      this.#alarms.clear(this.#name(name))
    const reason = refused ?? this.#refusal
    this.#refusal = null
    const onPurpose = code === 1001 || code === 1012
    const why = reason !== null ? 'refused' : onPurpose ? 'restarting' : 'lost'
    this.#phase = { type: 'waiting' }
    this.#events.onState(
      why === 'refused' ? 'refused' : 'lost',
      reason ?? `no connection to ${this.#safeUrl()}`,
    )
    this.#retryAfter(retryDelayMs(why, this.#failures, this.#options.random()))
    this.#failures++
  }

  /**
   * Moves to wherever the URL leads next, as the tracker asked. The socket in use stays until a new one has been answered;
   * when none is, as while a balancer still sends us to the one that drains, the next try comes soon.
   */
  #moveAfter(ms: number): void {
    this.#alarms.set(this.#name('move'), ms, () => {
      if (this.#phase.type !== 'open' || this.#successor.isUnderWay) return
      this.#successor.dial(
        (socket, data) => this.#adopt(socket, data),
        () => {
          if (this.#phase.type === 'open') this.#moveAfter(1_000 * (0.5 + this.#options.random()))
        },
      )
    })
  }

  #adopt(socket: WebSocketLike, data: unknown): void {
    // The old tracker hears the last of our figures, the new one where we begin.
    if (this.#reportMs > 0) this.#report()
    if (this.#phase.type === 'open')
      this.#former.keep(this.#phase.socket, (signal, way) => this.#signalled(signal, way))
    for (const name of ['answer', 'retry']) this.#alarms.clear(this.#name(name))
    this.#phase = { type: 'open', socket, state: 'asked' }
    this.#announcedAt = this.#alarms.now()
    this.#listen(socket)
    this.#receive(data)
    this.#reported.news = ''
    if (this.#reportMs > 0) this.#report()
  }

  #retryAfter(ms: number): void {
    this.#alarms.set(this.#name('retry'), ms, () => {
      if (this.#phase.type === 'waiting') this.#connect()
    })
  }

  // What is said

  async #announce(event: AnnounceEvent): Promise<void> {
    const phase = this.#phase
    if (phase.type !== 'open') return
    this.#announcedAt = this.#alarms.now()
    // Whatever happens, there is a next time; the response will say when exactly.
    this.#alarms.set(this.#name('announce'), defaultIntervalS * 1_000, () => this.#announce('update'))
    const { token } = this.#options
    if (token !== null) await token.prepare()
    const offers = this.#kind === 'standard' ? await this.#offers() : []
    if (this.#phase !== phase) return
    this.#send(this.#announcement(event, offers))
    if (this.#alarms.at(this.#name('answer')) === null) {
      this.#alarms.set(this.#name('answer'), answerMs, () => this.#giveUp(phase.socket))
    }
  }

  /** Speculative offers take a while to make, during which no second lot is begun. */
  async #offers(): Promise<readonly SpeculativeOffer[]> {
    const { mode, want } = this.#options.status()
    const count = mode === 'off' ? 0 : Math.min(want, speculativeOffers)
    if (count === 0 || this.#making) return []
    this.#making = true
    try {
      return (await this.#options.makeOffers(count)).slice(0, count)
    } catch {
      return []
    } finally {
      this.#making = false
    }
  }

  #announcement(
    event: AnnounceEvent,
    offers: readonly SpeculativeOffer[],
    dials: readonly DialOutcome[] = this.#options.takeOutcomes(),
  ): string {
    const { mode, have, want, childLinks = null, lan = null } = this.#options.status()
    const outcomes = dials.map(({ peer, ok, ms, pair }) => ({
      peer: hexToBinary(peer),
      ok,
      ms: Math.max(0, Math.round(ms)),
      pair,
    }))
    const token = this.#options.token?.current ?? null
    this.#shown = token
    return writeAnnounce({
      ...this.#ids(),
      event,
      numwant: offers.length,
      offers,
      complete: false,
      trackerId: this.#trackerId,
      extras: {
        mode,
        have,
        want,
        outcomes,
        childLinks,
        lan,
        directed: true,
        ...(token !== null && { token }),
      },
    })
  }

  #reportEvery(ms: number): void {
    const before = this.#reportMs
    this.#reportMs = ms === 0 ? 0 : Math.max(shortestReportMs, ms)
    if (ms === 0) this.#alarms.clear(this.#name('report'))
    else if (before === 0) this.#planReport()
  }

  /** Spread, so that viewers who came together do not report together. */
  #planReport(): void {
    const ms = this.#reportMs * (0.8 + 0.4 * this.#options.random())
    this.#alarms.set(this.#name('report'), ms, () => this.#report())
  }

  /** Says nothing when there is nothing new, as in a tab that stands still. */
  #report(): void {
    this.#planReport()
    const report = this.#options.report(this.#reported.segments)
    if (report === null) return
    const { ageMs, latencyMs, fresh, ...rest } = report
    const news = JSON.stringify(rest)
    if (news === this.#reported.news) return
    this.#reported = { segments: report.segments, news }
    this.#send(writeReport({ ...this.#ids(), report }))
  }

  #flush(key: string): void {
    const batch = this.#candidates.get(key)
    this.#candidates.delete(key)
    this.#alarms.clear(this.#name(key))
    if (batch === undefined) return
    const { to, offerId, list } = batch
    this.#sendAbout(
      offerId,
      writeSignal({ type: 'candidates', ...this.#ids(), to, offerId, candidates: list }),
    )
  }

  #send(text: string): void {
    if (this.#phase.type !== 'open') return
    const { socket } = this.#phase
    if (socket.bufferedAmount > backlogBytes) return this.#giveUp(socket)
    // 1: open. While it closes by the other's wish there is nothing to say any more.
    if (socket.readyState === 1) socket.send(text)
  }

  /** What belongs to a handshake goes where it began. */
  #sendAbout(offerId: string, text: string): void {
    if (!this.#former.send(offerId, text)) this.#send(text)
  }

  #ids(): { readonly infoHash: string; readonly peerId: string } {
    return { infoHash: this.#options.infoHash, peerId: this.#options.peerId }
  }

  // What is heard

  #receive(data: unknown): void {
    if (typeof data !== 'string' || data.length > 2 * signallingLimits.frameBytes) return
    const message = parseTrackerText(data)
    if (message === null || message.type === 'scrape') return
    if (message.type === 'failure') return this.#failed(message)
    if (message.infoHash !== this.#options.infoHash) return
    if (message.type === 'response') return this.#respond(message)
    if (this.#phase.type === 'open') this.#signalled(message, this.#phase.socket)
  }

  #signalled(signal: RelayedOffer | RelayedAnswer | RelayedCandidates, way: WebSocketLike): void {
    if (signal.infoHash !== this.#options.infoHash || signal.from === this.#options.peerId) return
    if (signal.type === 'offer') this.#former.note(signal.offerId, way)
    this.#events.onSignal(signal)
  }

  /** What a frame on a new socket says to our announce there. */
  #judge(data: unknown): 'answered' | 'refused' | 'other' {
    const message = typeof data === 'string' ? parseTrackerText(data) : null
    if (message === null || message.type === 'scrape') return 'other'
    if (message.type === 'failure') return 'refused'
    if (message.infoHash !== this.#options.infoHash) return 'other'
    return message.type === 'response' && message.counts !== null ? 'answered' : 'other'
  }

  #failed({ infoHash, reason, wantsToken }: Failure): void {
    if (infoHash !== null && infoHash !== this.#options.infoHash) return
    if (this.#phase.type !== 'open') return
    this.#alarms.clear(this.#name('answer'))
    if (wantsToken && this.#renew(this.#phase)) return
    if (this.#phase.state === 'answered') return this.#events.onState('open', reason)
    const { socket } = this.#phase
    this.#refusal = reason
    silence(socket)
    closeSocket(socket)
    this.#ended(null, 1000)
  }

  /** Comes again with a fresh token, once; false when there is none to be had. */
  #renew(phase: Extract<Phase, { type: 'open' }>): boolean {
    const { token, random } = this.#options
    token?.discard(this.#shown)
    if (!token?.isRenewable || this.#renewed) return false
    this.#renewed = true
    // A membership that has ended begins anew.
    phase.state = 'asked'
    this.#alarms.set(this.#name('announce'), renewalSpreadMs * random(), () => this.#announce('started'))
    return true
  }

  #respond(response: AnnounceResponse): void {
    const phase = this.#phase
    if (phase.type !== 'open') return
    if (response.counts !== null) this.#answered(phase, response)
    this.#events.onResponse(response)
    const { extras } = response
    if (extras?.reportMs !== undefined) this.#reportEvery(extras.reportMs)
    if (extras?.reconnect && this.#phase === phase)
      this.#moveAfter(extras.reconnect.afterMs + 1_000 * this.#options.random())
  }

  #answered(phase: Extract<Phase, { type: 'open' }>, response: AnnounceResponse): void {
    this.#alarms.clear(this.#name('answer'))
    this.#failures = 0
    this.#renewed = false
    this.#planRenewal()
    if (response.trackerId !== '') this.#trackerId = response.trackerId
    const asked = response.interval ?? defaultIntervalS
    const seconds = Math.min(longestIntervalS, Math.max(shortestIntervalS, asked))
    this.#alarms.set(this.#name('announce'), seconds * 1_000, () => this.#announce('update'))
    const before = this.#kind
    this.#kind = response.extras === null ? 'standard' : 'ours'
    if (phase.state === 'asked') {
      phase.state = 'answered'
      this.#events.onState('open', response.warning === '' ? null : response.warning)
    }
    // Our first announce brought no offers, in case the tracker knew better ways. It does not.
    if (this.#kind === 'standard' && before === 'unknown') void this.#announce('update')
  }

  #planRenewal(): void {
    const ms = this.#options.token?.freshForMs() ?? Number.POSITIVE_INFINITY
    if (ms === Number.POSITIVE_INFINITY) return
    const after = Math.max(spacingMs, ms) + renewalSpreadMs * this.#options.random()
    this.#alarms.set(this.#name('token'), after, () => this.#announce('update'))
  }

  /** The URL without what may be secret in it. */
  #safeUrl(): string {
    return this.#options.url.replace(/[?#].*$/, '').replace(/\/\/[^/@]*@/, '//')
  }

  #name(what: string): string {
    return `${this.#options.url} ${what}`
  }
}
