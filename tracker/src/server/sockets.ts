import type { Action, ConnectionId } from '../registry/action.ts'
import type { OpenInfo, Registry } from '../registry/registry.ts'
import {
  createSocketCounters,
  type Ending,
  type SocketCounters,
  type UpgradeRefusal,
} from './socket-counters.ts'

/** One open WebSocket, whatever the runtime. */
export interface Wire {
  /** Whether messages may still be sent. */
  readonly isOpen: boolean
  /** Sends text messages, all in one piece. Returns the bytes that wait for the reader. */
  send(texts: readonly string[]): number
  ping(): void
  /** Begins the closing handshake. */
  close(code: number, reason: string): void
  /** Ends it without a word. */
  terminate(): void
}

/** What an adapter tells of one socket. */
export interface Seat {
  heard(text: string): void
  heardBinary(): void
  heardPong(): void
  /** It broke RFC 6455; the runtime closes it. */
  broke(): void
  gone(): void
}

export interface SocketsOptions {
  readonly registry: Registry
  /** Takes what is for none of these sockets, and tokens to look at. */
  readonly elsewhere?: (action: Action) => void
  /** Bytes that may wait for a reader before it is cut off. @default 262144 */
  readonly backlogBytes?: number
  /** How often a quiet socket is asked whether it lives, ms. @default 30000 */
  readonly pingMs?: number
}

/** WebSockets for the registry: texts in, actions out, and nothing decided here. */
export interface Sockets {
  /** Takes a socket that has just opened. */
  seat(wire: Wire, info: OpenInfo): Seat
  perform(actions: readonly Action[]): void
  /** Asks some of the sockets whether they live, and cuts those that did not answer. Call it once a second. */
  pingSome(): void
  /** Ids of those open now. */
  ids(): readonly ConnectionId[]
  /** Seconds after which to come back; null while upgrades are taken. */
  readonly retryAfter: number | null
  /** Counts an upgrade that is not taken. Returns how to answer it. */
  turnAway(why: UpgradeRefusal): Refusal
  /** From now on upgrades are answered 503, with the hint to come back after so many seconds. */
  refuse(retryAfterSeconds: number): void
  /** Ends one because the tracker restarts (1012); the client comes back by itself. False when it is gone. */
  release(id: ConnectionId): boolean
  readonly counters: Readonly<SocketCounters>
  readonly size: number
  close(): Promise<void>
}

export interface Refusal {
  readonly status: number
  readonly words: string
  readonly headers: Readonly<Record<string, string>>
}

interface Entry {
  readonly id: ConnectionId
  readonly wire: Wire
  /** Seconds-slot in which it is pinged, so that pings spread evenly. */
  readonly slot: number
  heard: boolean
  /** Why we ended it; null while we did not. */
  ending: Ending | null
  /** Messages that go out together at the end of this turn of the event loop; null: none. */
  outbox: string[] | null
  /** Characters in it. */
  gathered: number
}

/** So much goes out at once, whatever else may come in the same turn. */
const batchChars = 65_536

export function createSockets(options: SocketsOptions): Sockets {
  const { registry, backlogBytes = 262_144, pingMs = 30_000 } = options
  const entries = new Map<ConnectionId, Entry>()
  const slots = Math.max(1, Math.round(pingMs / 1000))
  let lastId = 0
  let second = 0
  let retryAfter: number | null = null
  const counters = createSocketCounters()
  /** Those with an outbox. */
  let laden: Entry[] = []

  function seat(wire: Wire, info: OpenInfo): Seat {
    counters.accepted++
    const id = ++lastId
    const entry: Entry = { id, wire, slot: id % slots, heard: true, ending: null, outbox: null, gathered: 0 }
    entries.set(id, entry)
    perform(registry.open(id, info))
    return {
      heard(text) {
        entry.heard = true
        perform(registry.message(id, text))
      },
      heardBinary() {
        entry.heard = true
        // The protocol is text. 1003: a kind of data that cannot be accepted.
        end(entry, 'binary', 1003, 'text frames only')
      },
      heardPong() {
        entry.heard = true
        perform(registry.pong(id))
      },
      broke() {
        entry.ending ??= 'protocol'
      },
      gone() {
        if (!entries.delete(id)) return
        counters.ended[entry.ending ?? 'client']++
        perform(registry.close(id))
      },
    }
  }

  function perform(actions: readonly Action[]): void {
    for (const action of actions) {
      const entry = entries.get(action.to)
      if (entry === undefined || action.type === 'verify') {
        options.elsewhere?.(action)
        continue
      }
      switch (action.type) {
        case 'send':
          gather(entry, action.message)
          break
        case 'close':
          end(entry, 'rules', action.code, action.reason)
          break
        case 'ping':
          if (entry.wire.isOpen) entry.wire.ping()
          break
      }
    }
  }

  /**
   * A call of the kernel costs more than all that we do with a message. So what comes for one socket while others are
   * read goes out together, as soon as nothing more is to be read.
   */
  function gather(entry: Entry, message: string): void {
    if (entry.outbox === null) {
      entry.outbox = [message]
      entry.gathered = 0
      if (laden.push(entry) === 1) setImmediate(sendAll)
    } else entry.outbox.push(message)
    entry.gathered += message.length
    if (entry.gathered > batchChars) send(entry)
  }

  function sendAll(): void {
    const all = laden
    laden = []
    for (const entry of all) send(entry)
  }

  function send(entry: Entry): void {
    const { outbox, wire } = entry
    entry.outbox = null
    if (outbox === null || !wire.isOpen) return
    // A reader that never reads would otherwise cost hundreds of megabytes.
    if (wire.send(outbox) <= backlogBytes) return
    entry.ending ??= 'backlog'
    wire.terminate()
  }

  /** After all that was to be sent. */
  function end(entry: Entry, why: Ending, code: number, reason: string): void {
    send(entry)
    if (!entry.wire.isOpen) return
    entry.ending ??= why
    entry.wire.close(code, reason)
  }

  function release(id: ConnectionId): boolean {
    const entry = entries.get(id)
    if (entry === undefined) return false
    // 1012: the service restarts; clients come back by themselves.
    end(entry, 'drain', 1012, 'the tracker restarts')
    return true
  }

  return {
    seat,
    perform,
    pingSome() {
      second++
      for (const entry of entries.values()) {
        if (entry.slot !== second % slots) continue
        if (!entry.heard) {
          entry.ending ??= 'silence'
          entry.wire.terminate()
        }
        entry.heard = false
        if (entry.wire.isOpen) entry.wire.ping()
      }
    },
    ids: () => [...entries.keys()],
    get retryAfter() {
      return retryAfter
    },
    turnAway(why) {
      counters.refused[why]++
      const [status, words] = refusals[why]
      return { status, words, headers: why === 'draining' ? { 'Retry-After': String(retryAfter ?? 10) } : {} }
    },
    refuse(seconds) {
      retryAfter = seconds
    },
    release,
    counters,
    get size() {
      return entries.size
    },
    async close() {
      retryAfter ??= 10
      for (const id of [...entries.keys()]) release(id)
      const deadline = Date.now() + 1_000
      while (entries.size > 0 && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20))
      for (const { wire } of [...entries.values()]) wire.terminate()
    },
  }
}

const refusals: Record<UpgradeRefusal, readonly [status: number, words: string]> = {
  draining: [503, 'Service Unavailable'],
  address: [400, 'Bad Request'],
  handshake: [400, 'Bad Request'],
  origin: [403, 'Forbidden'],
  token: [401, 'Unauthorized'],
}
