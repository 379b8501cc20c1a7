import {
  parseTrackerText,
  type TrackerMessage,
  writeAnnounce,
  writeSignal,
} from '@nearcast/peer-core/signalling'
import type { Verified } from '../access/grant.ts'
import { parseAddress } from '../address/address.ts'
import type { Action, ConnectionId } from './action.ts'
import { createRegistry, type OpenInfo, type Registry, type RegistryOptions } from './registry.ts'

/** A registry with a clock and a mailbox for tests: sockets are numbers, time passes when told. */
export interface Lab {
  readonly registry: Registry
  open(address: string, info?: Pick<OpenInfo, 'origin' | 'grant'>): Client
  /** Passes time in steps of a sweep. */
  pass(ms: number): void
  readonly now: () => number
  /** Does what the registry wants done. */
  perform(actions: readonly Action[]): void
}

/** One socket. */
export interface Client {
  readonly id: ConnectionId
  readonly closed: () => number | null
  readonly pings: () => number
  say(value: unknown): void
  sayText(text: string): void
  announce(peer: string, fields?: AnnounceFields): void
  signal(peer: string, to: string, signal: SignalFields): void
  /** What arrived since the last call, parsed. */
  heard(): TrackerMessage[]
  /** The same as raw JSON. */
  raw(): Record<string, unknown>[]
  pong(): void
  /** Join tokens that the registry wants looked at, since the last call. */
  asked(): string[]
  verified(token: string, result: Verified): void
  close(): void
}

interface AnnounceFields {
  readonly swarm?: string
  readonly event?: 'started' | 'stopped' | 'completed' | 'update'
  /** That many offers; their ids are made of the peer's. */
  readonly offers?: number
  readonly numwant?: number
  readonly complete?: boolean
  readonly trackerId?: string
  readonly ours?: {
    readonly mode?: 'share' | 'leech' | 'off'
    readonly have?: number
    readonly want?: number
    readonly failed?: string
    readonly childLinks?: number
    readonly token?: string
    readonly lan?: string
    /** A peer reached, and over which kinds of addresses. */
    readonly reached?: readonly [peer: string, pair: string]
  }
}

type SignalFields =
  | {
      readonly type: 'offer' | 'answer'
      readonly offer: string
      readonly sdp?: string
      readonly swarm?: string
    }
  | {
      readonly type: 'candidates'
      readonly offer: string
      readonly candidates: readonly string[]
      readonly swarm?: string
    }

/** A 20-character id that contains the name, for tests to read. */
export function idOf(name: string): string {
  return name.padEnd(20, '.')
}

export function createLab(options: Partial<RegistryOptions> = {}): Lab {
  let now = 1_000_000
  let seed = 42
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const registry = createRegistry({
    now: () => now,
    wallClock: () => now,
    random,
    secret: new Uint8Array(32).fill(7),
    ...options,
  })
  const inboxes = new Map<
    ConnectionId,
    { messages: string[]; code: number | null; pings: number; asked: string[] }
  >()
  const perform = (actions: readonly Action[]) => {
    for (const action of actions) {
      const inbox = inboxes.get(action.to)
      if (inbox === undefined || inbox.code !== null) continue
      if (action.type === 'send') inbox.messages.push(action.message)
      else if (action.type === 'ping') inbox.pings++
      else if (action.type === 'verify') inbox.asked.push(action.token)
      else {
        inbox.code = action.code
        perform(registry.close(action.to))
      }
    }
  }
  let lastId = 0
  return {
    registry,
    now: () => now,
    perform,
    pass(ms) {
      for (let left = ms; left > 0; left -= 500) {
        now += Math.min(500, left)
        perform(registry.sweep())
      }
    },
    open(address, info = {}) {
      const id = ++lastId
      const inbox = { messages: [] as string[], code: null as number | null, pings: 0, asked: [] as string[] }
      inboxes.set(id, inbox)
      const parsed = parseAddress(address)
      if (parsed === null) throw new Error(`no address: ${address}`)
      perform(registry.open(id, { address: parsed, ...info }))
      const sayText = (text: string) => perform(registry.message(id, text))
      const take = () => inbox.messages.splice(0)
      return {
        id,
        closed: () => inbox.code,
        pings: () => inbox.pings,
        sayText,
        say: value => sayText(JSON.stringify(value)),
        announce(
          peer,
          {
            swarm = 'film',
            event = 'update',
            offers = 0,
            numwant,
            complete = true,
            trackerId = '',
            ours,
          } = {},
        ) {
          sayText(
            writeAnnounce({
              infoHash: idOf(swarm),
              peerId: idOf(peer),
              event,
              numwant: numwant ?? null,
              offers: Array.from({ length: offers }, (_, i) => ({
                offerId: idOf(`${peer}-${i}`),
                sdp: `sdp of ${peer}`,
              })),
              complete,
              trackerId,
              extras: ours
                ? {
                    mode: ours.mode ?? 'share',
                    have: ours.have ?? 0,
                    want: ours.want ?? 8,
                    outcomes: [
                      ...(ours.failed ? [{ peer: idOf(ours.failed), ok: false, ms: 9, pair: '' }] : []),
                      ...(ours.reached
                        ? [{ peer: idOf(ours.reached[0]), ok: true, ms: 9, pair: ours.reached[1] }]
                        : []),
                    ],
                    childLinks: ours.childLinks ?? null,
                    lan: ours.lan ?? null,
                    directed: true,
                    ...(ours.token !== undefined && { token: ours.token }),
                  }
                : null,
            }),
          )
        },
        signal(peer, to, signal) {
          const head = {
            infoHash: idOf(signal.swarm ?? 'film'),
            peerId: idOf(peer),
            to: idOf(to),
            offerId: idOf(signal.offer),
          }
          sayText(
            signal.type === 'candidates'
              ? writeSignal({ type: 'candidates', ...head, candidates: signal.candidates })
              : writeSignal({ type: signal.type, ...head, sdp: signal.sdp ?? `${signal.type} of ${peer}` }),
          )
        },
        heard: () => take().map(text => parseTrackerText(text) ?? expectNothing(text)),
        raw: () => take().map(text => JSON.parse(text)),
        asked: () => inbox.asked.splice(0),
        verified: (token, result) => perform(registry.verified(id, token, result)),
        pong: () => perform(registry.pong(id)),
        close() {
          inbox.code = 1000
          perform(registry.close(id))
        },
      }
    },
  }
}

function expectNothing(text: string): never {
  throw new Error(`the registry sent something no client understands: ${text}`)
}
