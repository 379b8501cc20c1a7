import { type Books, createBooks } from '../../../books.ts'
import { type Clock, createClock } from '../../../clock.ts'
import { createEdge, type Outage } from '../../../edge.ts'
import { createNetwork, type Link } from '../../../network.ts'
import type { Delivery } from '../../../policy.ts'
import { createDice } from '../../../random.ts'
import { officeScenario } from '../../../scenario.ts'
import { createAccess, createSite } from '../../../site.ts'
import type { Station } from '../../../station.ts'
import { createStream, type Segment } from '../../../stream.ts'
import { createLoader, type Loader } from '../loader.ts'
import type { Decision, Rules, View } from '../rules.ts'
import { type Announcement, type Message, sendMessage } from '../wire.ts'

/** One loader in a small world, with rules and neighbours that the test plays. */
export interface Desk {
  readonly clock: Clock
  readonly books: Books
  readonly segments: readonly Segment[]
  readonly loader: Loader
  /** What the player was told. */
  readonly told: string[]
  readonly deliveries: Delivery[]
  /** Peers that the loader dropped. */
  readonly dropped: string[]
  /** The rules of each pass from now on. */
  decide(pass: (view: View) => readonly Decision[]): void
  want(segment: Segment): { cancel(): void }
  /** Somebody connects, and says and hears what the test wants. */
  meet(): Stranger
}

export interface Stranger {
  readonly id: string
  readonly link: Link
  readonly heard: Message[]
  announce(list: Partial<Announcement>): void
}

const network = {
  setupMs: [10, 10],
  dialFailure: 0,
  outsideDelayMs: [10, 10],
  iceTimeoutMs: [15_000, 15_000],
  partitions: [],
} as const

export function createDesk(outages: readonly Outage[] = [], lineBps = 100e6): Desk {
  const clock = createClock()
  const books = createBooks()
  const dice = createDice(1)
  const stream = createStream(1, { ...officeScenario.stream, kind: 'vod', vodSegments: 20 })
  const site = createSite(clock, 'site', { lineBps, discipline: 'fair', lanDelayMs: 1, edgeDelayMs: 10 })
  const edge = createEdge(clock, books, { thinkMs: 5, setupRoundTrips: 2, outages }, () => true)
  const net = createNetwork(clock, dice.fork('network'), books, network)
  let seated = 0
  const seat = (): Station => ({
    index: seated++,
    id: dice.hex(40),
    site,
    access: createAccess(clock, 'viewer', 100e6, 100e6),
    conduct: 'honest',
    mode: 'share',
    clock,
    dice: dice.fork('viewer'),
    joinedAt: 0,
    clockOffsetMs: 0,
    mediaOffsetMs: 0,
    alive: true,
  })
  const self = seat()
  const told: string[] = []
  const deliveries: Delivery[] = []
  const dropped: string[] = []
  let pass: (view: View) => readonly Decision[] = () => []
  const rules: Rules = {
    pass: view => pass(view),
    prefetch: () => [],
    prefetchAfterMs: () => 1_000_000,
    prune: () => [],
  }
  const surroundings = { station: self, edge: edge.open(self), stream, books, ban() {}, measured() {} }
  const loader = createLoader('video', rules, surroundings, Number.POSITIVE_INFINITY, peer => {
    dropped.push(peer)
    loader.leave(peer)
  })
  const { segments } = stream.playlist('video', 0)
  loader.setPlaylist({ live: false, init: null, segments, bytes: 0 })

  return {
    clock,
    books,
    segments,
    loader,
    told,
    deliveries,
    dropped,
    decide(next) {
      pass = next
    },
    want: segment =>
      loader.want({
        segment,
        deadline: 0,
        urgency: 'play',
        onProgress() {},
        onDelivered(how) {
          deliveries.push(how)
          told.push(`got ${segment.seq}`)
        },
        onFailed: reason => told.push(`${reason} ${segment.seq}`),
      }),
    meet() {
      const other = seat()
      const heard: Message[] = []
      let link: Link | null = null
      net.dial(self, other, {
        opened(at, end) {
          if (at === other) {
            link = end
            end.listen({ onPacket: body => heard.push(body as Message), onDrained() {}, onClose() {} })
            return
          }
          loader.join(end)
          end.listen({
            onPacket: body => loader.receive(end.peer, body as Message),
            onDrained: () => loader.drained(end.peer),
            onClose: () => loader.leave(end.peer),
          })
        },
        failed() {},
        lost() {},
      })
      clock.runUntil(clock.now() + 50)
      if (link === null) throw new Error('nobody came')
      const open: Link = link
      return {
        id: other.id,
        link: open,
        heard,
        announce({ held = new Set(), fetching = new Set() }) {
          sendMessage(open, { type: 'announce', track: 'video', list: { held, fetching } })
          clock.runUntil(clock.now() + 10)
        },
      }
    },
  }
}
