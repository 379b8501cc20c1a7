import type { Alarms } from './alarms.ts'
import { HttpSocket, noHttp } from './http-socket.ts'
import { closeSocket, silence, type WebSocketConstructor, type WebSocketLike } from './web-socket.ts'

export interface WaysOptions {
  readonly WebSocket: WebSocketConstructor
  readonly fetch: typeof globalThis.fetch
  readonly alarms: Alarms
  readonly random: () => number
}

/** A WebSocket that has not opened by then is blocked in silence, as some firewalls do, ms. */
const silenceMs = 5_000
/** How long the way that worked is kept to before the better one is tried again, ms: networks change with rooms. */
const memoryMs = 600_000

/**
 * Sockets to one tracker: WebSockets, and where those cannot be opened the same over HTTP. What worked is remembered for
 * ten minutes. Whoever uses a socket does not see which it is.
 */
export class Ways {
  readonly #options: WaysOptions
  #count = 0
  /** Until when HTTP is tried alone, and until when it is not tried: its tracker does not speak it. */
  #httpUntil = Number.NEGATIVE_INFINITY
  #plainUntil = Number.NEGATIVE_INFINITY

  constructor(options: WaysOptions) {
    this.#options = options
  }

  /** For `new`, like the platform's own. */
  get Socket(): WebSocketConstructor {
    const connect = (url: string) => this.#connect(url)
    // A constructor that returns an object gives that.
    return function Socket(url: string) {
      return connect(url)
    } as unknown as WebSocketConstructor
  }

  #connect(url: string): WebSocketLike {
    const { alarms } = this.#options
    const now = alarms.now()
    const ways: Way[] =
      now < this.#httpUntil ? ['http'] : now < this.#plainUntil ? ['web-socket'] : ['web-socket', 'http']
    return new EitherSocket(ways, {
      dial: way => this.#dial(way, url),
      alarms,
      alarm: `${url} way ${++this.#count}`,
      onOpen: way => {
        this.#httpUntil = way === 'http' ? alarms.now() + memoryMs : Number.NEGATIVE_INFINITY
      },
      onFail: (way, code) => {
        if (way === 'http') this.#httpUntil = Number.NEGATIVE_INFINITY
        if (code === noHttp) this.#plainUntil = alarms.now() + memoryMs
      },
    })
  }

  #dial(way: Way, url: string): WebSocketLike {
    const { WebSocket, fetch, alarms, random } = this.#options
    if (way === 'web-socket') return new WebSocket(url)
    return new HttpSocket(url, { fetch, alarms, random, alarm: `${url} http ${++this.#count}` })
  }
}

type Way = 'web-socket' | 'http'

interface EitherOptions {
  readonly dial: (way: Way) => WebSocketLike
  readonly alarms: Alarms
  readonly alarm: string
  readonly onOpen: (way: Way) => void
  /** It ended before it was open. */
  readonly onFail: (way: Way, code: number) => void
}

/** One way after the other, until one opens; then that. */
class EitherSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { readonly data: unknown } & never) => void) | null = null
  onclose: ((event: { readonly code: number; readonly reason: string } & never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly #options: EitherOptions
  readonly #rest: Way[]
  #socket: WebSocketLike
  #closing = false

  constructor([first, ...rest]: readonly Way[], options: EitherOptions) {
    this.#options = options
    this.#rest = rest
    this.#socket = this.#use(first ?? 'web-socket')
  }

  get readyState(): number {
    return this.#socket.readyState
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  send(text: string): void {
    this.#socket.send(text)
  }

  close(code?: number, reason?: string): void {
    this.#closing = true
    this.#options.alarms.clear(this.#options.alarm)
    this.#socket.close(code, reason)
  }

  #use(way: Way): WebSocketLike {
    const { dial, alarms, alarm, onOpen, onFail } = this.#options
    const socket = dial(way)
    const next = this.#rest.shift()
    let opened = false
    const goOn = (): boolean => {
      if (opened || next === undefined || this.#closing) return false
      alarms.clear(alarm)
      silence(socket)
      closeSocket(socket)
      this.#socket = this.#use(next)
      return true
    }
    socket.onopen = event => {
      opened = true
      alarms.clear(alarm)
      onOpen(way)
      this.onopen?.(event)
    }
    socket.onmessage = event => this.onmessage?.(event)
    // Why it failed is for the last way to say.
    socket.onerror = event => {
      if (opened || next === undefined) this.onerror?.(event)
    }
    socket.onclose = (event: { readonly code: number; readonly reason: string }) => {
      if (!opened) onFail(way, event.code)
      if (!goOn()) this.onclose?.(event as never)
    }
    if (next !== undefined) alarms.set(alarm, silenceMs, goOn)
    return socket
  }
}
