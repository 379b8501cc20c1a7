import { createParser } from 'eventsource-parser'
import { signallingLimits } from '../../signalling/limits.ts'
import type { Alarms } from './alarms.ts'
import type { WebSocketLike } from './web-socket.ts'

export interface HttpSocketOptions {
  readonly fetch: typeof globalThis.fetch
  readonly alarms: Alarms
  /** What its alarms are called. */
  readonly alarm: string
  /** In [0, 1), for jitter. */
  readonly random: () => number
}

/** A stream that brings not one byte for so long is held back on its way: then only whole responses help, ms. */
const firstByteMs = 3_000
/** A stream says something every 15 s. One that does not is dead, whatever TCP believes, ms. */
const quietMs = 40_000
/** Closed because its tracker speaks no HTTP. Numbers above 4000 are free for such use (RFC 6455 §7.4.2). */
export const noHttp = 4404
/** Pause before a broken stream or a failed request is tried again, ms; grows with each failure. */
const pauseMs = 500
/** Failures in a row after which the session is given up: about 15 s. */
const mostFailures = 5

/**
 * A tracker's socket over plain HTTP, for networks that block WebSockets: it hears through a stream of server-sent
 * events and speaks by POST, each a request that needs no preflight. Breaks of the stream are bridged; nothing is lost,
 * repeated or reordered while the tracker remembers the session.
 */
export class HttpSocket implements WebSocketLike {
  readyState = 0
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { readonly data: unknown } & never) => void) | null = null
  onclose: ((event: { readonly code: number; readonly reason: string } & never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly #options: HttpSocketOptions
  readonly #ending = new AbortController()
  /** `…/signal`, then `…/signal/KEY`. */
  #base: URL
  #queue: string[] = []
  #bufferedBytes = 0
  #posting = false
  #pongDue = false
  #batch = 0
  /** Texts of the batch under way: a repetition must be the very same. */
  #inFlight = 0
  #seen = 0
  #failures = 0
  #once = false

  /** @throws TypeError when it is no URL of a WebSocket */
  constructor(url: string, options: HttpSocketOptions) {
    this.#options = options
    this.#base = signalUrl(url)
    void this.#open()
  }

  get bufferedAmount(): number {
    return this.#bufferedBytes
  }

  send(text: string): void {
    if (this.readyState !== 1) return
    this.#queue.push(text)
    this.#bufferedBytes += text.length
    void this.#post()
  }

  close(): void {
    if (this.readyState >= 2) return
    const wasOpen = this.readyState === 1
    this.readyState = 2
    void this.#leave(wasOpen)
  }

  async #open(): Promise<void> {
    try {
      const response = await this.#request(this.#base, { method: 'POST', body: '' })
      if ([401, 403, 429].includes(response.status))
        return this.#end(1008, `the tracker answers ${response.status}`)
      if (response.status < 500 && !response.ok) return this.#end(noHttp, '')
      const { session } = response.ok ? ((await response.json()) as { session?: unknown }) : {}
      if (typeof session !== 'string') return this.#end(1006, '')
      this.#base = new URL(this.#base)
      this.#base.pathname += `/${session}`
    } catch {
      return this.#end(1006, '')
    }
    if (this.readyState !== 0) return
    this.readyState = 1
    void this.#listen()
    this.onopen?.({} as never)
  }

  /** One stream after the other, until the session is over. */
  async #listen(): Promise<void> {
    while (this.readyState === 1) {
      const seen = this.#seen
      const begun = this.#options.alarms.now()
      let result = await this.#stream()
      // One that ends at once and brings nothing would make us ask without end.
      if (result === 'read' && this.#seen === seen && this.#options.alarms.now() - begun < pauseMs)
        result = 'broken'
      if (this.readyState !== 1) return
      if (result === 'gone') return this.#end(1006, '')
      // Networks that hand over whole responses only get whole ones.
      if (result === 'held-back') this.#once = true
      if (result === 'read') this.#failures = 0
      else if (!(await this.#pause())) return
    }
  }

  async #stream(): Promise<'read' | 'held-back' | 'broken' | 'gone'> {
    const url = new URL(this.#base)
    url.searchParams.set('after', String(this.#seen))
    if (this.#once) url.searchParams.set('once', '')
    const abort = new AbortController()
    const alarm = `${this.#options.alarm} stream`
    let read = false
    let late = false
    const expect = (ms: number) =>
      this.#options.alarms.set(alarm, ms, () => {
        late = true
        abort.abort()
      })
    const parser = createParser({ onEvent: event => this.#hear(event) })
    const decoder = new TextDecoder()
    try {
      expect(this.#once ? quietMs : firstByteMs)
      const response = await this.#request(url, { signal: abort.signal })
      if (response.status === 404 || response.status === 410) return 'gone'
      if (!response.ok || response.body === null) return 'broken'
      const reader = response.body.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return read ? 'read' : 'broken'
        read = true
        expect(quietMs)
        parser.feed(decoder.decode(value, { stream: true }))
        if (this.readyState !== 1) return 'read'
      }
    } catch {
      return late && !read && !this.#once ? 'held-back' : 'broken'
    } finally {
      this.#options.alarms.clear(alarm)
      abort.abort()
    }
  }

  #hear({
    event,
    data,
    id,
  }: {
    readonly event?: string | undefined
    data: string
    id?: string | undefined
  }): void {
    const number = Number(id)
    // A stream that follows another begins where that ended; nothing is heard twice.
    if (this.readyState !== 1 || !(number > this.#seen)) return
    this.#seen = number
    switch (event) {
      case undefined:
        return this.onmessage?.({ data } as never)
      case 'ping':
        this.#pongDue = true
        return void this.#post()
      case 'close': {
        const { code, reason } = closing(data)
        return this.#end(code, reason)
      }
    }
  }

  /** What waits goes out in one request, one after the other, so that nothing overtakes. */
  async #post(): Promise<void> {
    if (this.#posting) return
    this.#posting = true
    while (this.readyState === 1 && (this.#pongDue || this.#queue.length > 0)) {
      if (this.#queue.length > 0 && this.#inFlight === 0) this.#inFlight = batchLength(this.#queue)
      const pong = this.#pongDue
      const sent = await this.#deliver(this.#outgoing(pong ? 'pong' : null), this.#body())
      if (sent === 'gone') this.#end(1006, '')
      else if (sent === 'failed') await this.#pause()
      else this.#delivered(pong)
    }
    this.#posting = false
  }

  #outgoing(flag: 'pong' | 'bye' | null): URL {
    const url = new URL(this.#base)
    url.searchParams.set('n', String(this.#inFlight > 0 ? this.#batch + 1 : 0))
    url.searchParams.set('ack', String(this.#seen))
    if (flag !== null) url.searchParams.set(flag, '')
    return url
  }

  #body(): string {
    return this.#queue.slice(0, this.#inFlight).join('\n')
  }

  #delivered(pong: boolean): void {
    if (pong) this.#pongDue = false
    if (this.#inFlight === 0) return
    this.#batch++
    for (const text of this.#queue.splice(0, this.#inFlight)) this.#bufferedBytes -= text.length
    this.#inFlight = 0
  }

  async #deliver(url: URL, body: string): Promise<'taken' | 'failed' | 'gone'> {
    try {
      const response = await this.#request(url, { method: 'POST', body })
      if (response.status === 404) return 'gone'
      // 413 and the like will not go better a second time.
      if (response.status < 500) {
        this.#failures = 0
        return 'taken'
      }
      return 'failed'
    } catch {
      return 'failed'
    }
  }

  /** False when there is no use in going on. */
  async #pause(): Promise<boolean> {
    if (++this.#failures > mostFailures) {
      this.#end(1006, '')
      return false
    }
    const ms = pauseMs * 2 ** (this.#failures - 1) * (0.5 + this.#options.random())
    await new Promise<void>(resolve => {
      const name = `${this.#options.alarm} pause ${this.#failures}`
      this.#options.alarms.set(name, ms, resolve)
      this.#ending.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return this.readyState === 1
  }

  /** Says what is still to be said, and good-bye; `keepalive` lets that outlive the page. */
  async #leave(wasOpen: boolean): Promise<void> {
    let isLast = !wasOpen
    while (!isLast) {
      if (this.#inFlight === 0) this.#inFlight = batchLength(this.#queue)
      isLast = this.#inFlight === this.#queue.length
      try {
        const url = this.#outgoing(isLast ? 'bye' : null)
        await this.#fetch(url, { method: 'POST', body: this.#body(), keepalive: true })
      } catch {
        // The tracker notices by itself that nobody listens.
        break
      }
      this.#delivered(false)
    }
    this.#end(1000, '')
  }

  #end(code: number, reason: string): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.#ending.abort()
    this.#queue = []
    this.#bufferedBytes = 0
    this.onclose?.({ code, reason } as never)
  }

  #request(url: URL, init: RequestInit): Promise<Response> {
    const signals = [this.#ending.signal, ...(init.signal ? [init.signal] : [])]
    return this.#fetch(url, { ...init, signal: anyOf(signals) })
  }

  #fetch(url: URL, init: RequestInit): Promise<Response> {
    const { fetch } = this.#options
    return fetch(url, { ...init, cache: 'no-store', credentials: 'omit' })
  }
}

/** `wss://host/path?token=…` → `https://host/path/signal?token=…` */
function signalUrl(text: string): URL {
  const url = new URL(text)
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new TypeError(`not a URL of a WebSocket: ${text}`)
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:'
  url.pathname = `${url.pathname.replace(/\/$/, '')}/signal`
  url.hash = ''
  return url
}

/** How many of the waiting texts fit into one request. */
function batchLength(queue: readonly string[]): number {
  let bytes = 0
  for (const [i, text] of queue.entries()) {
    // A character is at most three bytes in UTF-8; what does not fit goes alone and is judged by the tracker.
    bytes += 3 * text.length + 1
    if (bytes > signallingLimits.frameBytes && i > 0) return i
  }
  return queue.length
}

function closing(data: string): { readonly code: number; readonly reason: string } {
  try {
    const { code, reason } = JSON.parse(data) as { code?: unknown; reason?: unknown }
    if (typeof code === 'number' && typeof reason === 'string') return { code, reason }
  } catch {
    // Said by no tracker of ours.
  }
  return { code: 1006, reason: '' }
}

/** `AbortSignal.any` is too new (2024) for the browsers that hls.js still serves. */
function anyOf(signals: readonly AbortSignal[]): AbortSignal {
  const [first, second] = signals
  if (first === undefined || second === undefined) return first ?? new AbortController().signal
  const both = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) both.abort()
    signal.addEventListener('abort', () => both.abort(), { once: true, signal: both.signal })
  }
  return both.signal
}
