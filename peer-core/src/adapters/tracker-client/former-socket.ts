import { parseTrackerText } from '../../signalling/parse-tracker.ts'
import type { RelayedAnswer, RelayedCandidates, RelayedOffer } from '../../signalling/tracker-message.ts'
import type { Alarms } from './alarms.ts'
import { Routes } from './routes.ts'
import { closeSocket, silence, type WebSocketLike } from './web-socket.ts'

type Signal = RelayedOffer | RelayedAnswer | RelayedCandidates

/** A handshake takes round trips and some seconds of ICE; its last candidates need the tracker where it began. */
const lingerMs = 3_000

/**
 * The socket that was left for a new one. It stays a little for handshakes that began through it: another tracker knows
 * nothing of their offers.
 */
export class FormerSocket {
  readonly #alarms: Alarms
  readonly #alarm: string
  /** Which socket an offer went or came through. */
  readonly #ways = new Routes<WebSocketLike>(128)
  #socket: WebSocketLike | null = null

  constructor(alarms: Alarms, alarm: string) {
    this.#alarms = alarms
    this.#alarm = alarm
  }

  /** An offer goes or comes through this socket. */
  note(offerId: string, socket: WebSocketLike): void {
    this.#ways.set(offerId, socket)
  }

  /** Sends what belongs to a handshake of the old socket; false when it is none. */
  send(offerId: string, text: string): boolean {
    const socket = this.#socket
    if (socket === null || this.#ways.find(offerId) !== socket || socket.readyState !== 1) return false
    socket.send(text)
    return true
  }

  /** From now on only its signals count. */
  keep(socket: WebSocketLike, onSignal: (signal: Signal, socket: WebSocketLike) => void): void {
    this.leave()
    silence(socket)
    this.#socket = socket
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      const message = typeof data === 'string' ? parseTrackerText(data) : null
      if (message !== null && 'offerId' in message) onSignal(message, socket)
    }
    this.#alarms.set(this.#alarm, lingerMs, () => this.leave())
  }

  leave(): void {
    const socket = this.#socket
    this.#socket = null
    this.#alarms.clear(this.#alarm)
    if (socket === null) return
    silence(socket)
    closeSocket(socket)
  }
}
