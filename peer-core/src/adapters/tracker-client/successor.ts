import type { Alarms } from './alarms.ts'
import { closeSocket, silence, type WebSocketConstructor, type WebSocketLike } from './web-socket.ts'

export interface SuccessorOptions {
  readonly url: string
  readonly WebSocket: WebSocketConstructor
  readonly alarms: Alarms
  /** Name of its alarm. */
  readonly alarm: string
  /** The first words on the new socket. */
  readonly announcement: () => string
  /** Whether a frame answers them: yes, no and never, or it is something else. */
  readonly judge: (data: unknown) => 'answered' | 'refused' | 'other'
}

/** A successor has so long to open and to be answered, ms; the old socket serves meanwhile. */
const handoverMs = 10_000

/**
 * A second socket beside the one in use. It announces, and only when the tracker has answered is it handed over: until
 * then nothing depends on it, so a client that is asked to move is never without a tracker.
 */
export class Successor {
  readonly #options: SuccessorOptions
  #socket: WebSocketLike | null = null

  constructor(options: SuccessorOptions) {
    this.#options = options
  }

  get isUnderWay(): boolean {
    return this.#socket !== null
  }

  /** `onAnswered` takes the socket, without handlers, and the frame that answered. */
  dial(onAnswered: (socket: WebSocketLike, data: unknown) => void, onFailed: () => void): void {
    const { url, WebSocket, alarms, alarm, announcement, judge } = this.#options
    let socket: WebSocketLike
    try {
      socket = new WebSocket(url)
    } catch {
      return onFailed()
    }
    this.#socket = socket
    const fail = () => {
      if (this.#socket !== socket) return
      this.close()
      onFailed()
    }
    socket.onopen = () => socket.send(announcement())
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      switch (judge(data)) {
        case 'answered':
          silence(socket)
          this.#socket = null
          alarms.clear(alarm)
          return onAnswered(socket, data)
        case 'refused':
          return fail()
        case 'other':
          return
      }
    }
    socket.onerror = () => {}
    socket.onclose = fail
    alarms.set(alarm, handoverMs, fail)
  }

  close(): void {
    const socket = this.#socket
    this.#socket = null
    this.#options.alarms.clear(this.#options.alarm)
    if (socket === null) return
    silence(socket)
    closeSocket(socket)
  }
}
