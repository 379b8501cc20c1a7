import { parseTrackerText, writeAnnounce } from '@nearcast/peer-core/signalling'
import { WebSocket } from 'ws'

/** An announce that is not answered by then has failed. */
const answerWithinMs = 60_000
/** Between tries to reach a tracker that refuses. */
const retryMs = 300
/** How long the old socket stays after a move. */
const lingerMs = 500

const extras = {
  mode: 'share',
  have: 1,
  want: 0,
  outcomes: [],
  childLinks: null,
  directed: true,
  lan: null,
} as const

/** Our client's protocol without peers behind it, so that thousands fit in a test. It moves when it is asked to. */
export class LightViewer {
  readonly #url: string
  readonly #ids: { readonly infoHash: string; readonly peerId: string }
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #announcing: NodeJS.Timeout
  /** Sockets whose announce waits for an answer. */
  readonly #waiting = new Map<WebSocket, NodeJS.Timeout>()
  readonly #left = new WeakSet<WebSocket>()
  #current: WebSocket | null = null
  #state: 'joining' | 'here' | 'moving' | 'closed' = 'joining'
  /** What must not happen: announces that failed, sockets that were lost. */
  readonly failures: string[] = []
  answered = 0
  moves = 0

  /** `everyMs`: between announces. */
  constructor(url: string, ids: { readonly infoHash: string; readonly peerId: string }, everyMs: number) {
    this.#url = url
    this.#ids = ids
    this.#announcing = setInterval(() => this.#current && this.#announce(this.#current, 'update'), everyMs)
    this.#dial()
  }

  get isHere(): boolean {
    return this.#current !== null
  }

  close(): void {
    this.#state = 'closed'
    clearInterval(this.#announcing)
    for (const timer of [...this.#timers, ...this.#waiting.values()]) clearTimeout(timer)
    this.#current?.terminate()
  }

  /** Opens a socket and takes it when its announce is answered; until then the one before serves. */
  #dial(): void {
    if (this.#state === 'here') return
    const socket = new WebSocket(this.#url, { perMessageDeflate: false })
    socket.on('open', () => this.#announce(socket, 'started'))
    // A refused upgrade; `close` follows.
    socket.on('error', () => {})
    socket.on('message', data => this.#hear(socket, String(data)))
    socket.on('close', code => {
      if (this.#state === 'closed') return
      const hasWaited = this.#settle(socket)
      if (hasWaited) this.failures.push(`closed with ${code} while an announce waited`)
      if (this.#current === socket) {
        this.failures.push(`lost its socket with ${code}`)
        this.#current = null
        this.#state = 'joining'
      }
      if (this.#state !== 'here' && !this.#left.has(socket)) this.#later(retryMs, () => this.#dial())
    })
  }

  #announce(socket: WebSocket, event: 'started' | 'update'): void {
    if (this.#waiting.has(socket) || socket.readyState !== WebSocket.OPEN) return
    const timer = setTimeout(() => this.failures.push('an announce was not answered'), answerWithinMs)
    this.#waiting.set(socket, timer)
    socket.send(
      writeAnnounce({ ...this.#ids, event, numwant: 0, offers: [], complete: false, trackerId: '', extras }),
    )
  }

  #hear(socket: WebSocket, text: string): void {
    const message = parseTrackerText(text)
    if (message?.type === 'failure') this.failures.push(message.reason)
    if (message?.type !== 'response') return
    if (message.counts !== null && this.#settle(socket)) {
      this.answered++
      // An answer that was under way on the socket left behind is one, and no more.
      if (this.#current !== socket && !this.#left.has(socket)) this.#take(socket)
    }
    if (message.extras?.reconnect && this.#current === socket && this.#state === 'here') {
      this.#state = 'moving'
      this.#later(message.extras.reconnect.afterMs, () => this.#dial())
    }
  }

  #take(socket: WebSocket): void {
    const old = this.#current
    this.#current = socket
    this.#state = 'here'
    if (old === null) return
    this.moves++
    this.#left.add(old)
    this.#later(lingerMs, () => old.close())
  }

  /** Whether an announce waited on it. */
  #settle(socket: WebSocket): boolean {
    clearTimeout(this.#waiting.get(socket))
    return this.#waiting.delete(socket)
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (this.#state !== 'closed') act()
    }, ms)
    this.#timers.add(timer)
  }
}
