import { blockBytes, type PeerId } from '../../../peer-core/src/core/messages.ts'
import type { HostView } from '../host.ts'
import type { Invariant, Report } from './violation.ts'

/** Most that a core may remember, given its peers; an order of magnitude above what a healthy one needs. */
const mostSegments = 4_000
const mostOffersPerPeer = 4_096
const mostAsksPerPeer = 256
const mostFetches = 24
/** Requests of peers that wait for our uplink. */
const mostQueuedPerPeer = 256
/** Above the store's budget: what is arriving or wanted just now. */
const slackBytes = 33_554_432

/** Tables and bytes are bounded. */
export function memoryIsBounded(report: Report, storeBytes: number): Invariant {
  return {
    second(host) {
      const sizes = host.core.inspect()
      const peers = Math.max(1, host.peers())
      const bound = (name: string, value: number, most: number): void => {
        if (value > most) report(host, 'memory', `${value} ${name}, at most ${most} with ${peers} peers`)
      }
      bound('segments', sizes.segments, mostSegments)
      bound('offers', sizes.offers, mostOffersPerPeer * peers)
      bound('asks', sizes.asks, mostAsksPerPeer * peers)
      bound('fetches', sizes.fetches, mostFetches)
      bound('queued', sizes.queued, mostQueuedPerPeer * peers)
      bound('held bytes', sizes.heldBytes, storeBytes + slackBytes)
      bound('bytes on the shelf', host.shelf.heldBytes(), storeBytes + slackBytes)
    },
  }
}

/** Wakes in a row that asked for a time already gone. */
const mostLateWakes = 50
const windowMs = 5_000
const ticksPerSecond = 250
/** Messages that carry no data, per connection and second, and besides; each new block may be told to everybody. */
const messagesPerPeerSecond = 60
const messagesPerSecond = 60

interface Rate {
  since: number
  ticks: number
  messages: number
  lateWakes: number
  /** Blocks that came in. */
  blocks: number
  /** Everybody that was spoken to: each newcomer is told all that is held, and may be gone since. */
  peers: Set<PeerId>
}

/** A core neither spins on its timer nor floods its links. */
export function coreIsCalm(report: Report): Invariant {
  const rates = new Map<HostView, Rate>()
  const rateOf = (host: HostView, now: number): Rate => {
    let rate = rates.get(host)
    if (rate === undefined) {
      rate = { since: now, ticks: 0, messages: 0, lateWakes: 0, blocks: 0, peers: new Set() }
      rates.set(host, rate)
    }
    return rate
  }

  return {
    input(host, now, input) {
      const rate = rateOf(host, now)
      if (input.type === 'tick') rate.ticks++
      else rate.lateWakes = 0
    },
    output(host, now, output) {
      const rate = rateOf(host, now)
      if (output.type === 'wakeAt') {
        if (Number.isNaN(output.at)) report(host, 'timers', 'wakes at no time')
        rate.lateWakes = output.at <= now ? rate.lateWakes + 1 : 0
        if (rate.lateWakes === mostLateWakes)
          report(host, 'timers', `${mostLateWakes} wakes in the past in a row`)
      } else if (output.type === 'send' && isChatter(output.message.type)) {
        rate.messages++
        rate.peers.add(output.peer)
      } else if (output.type === 'accept') rate.blocks += output.length / blockBytes
    },
    second(host, now) {
      const rate = rateOf(host, now)
      const seconds = (now - rate.since) / 1000
      if (seconds * 1000 < windowMs) return
      const each = messagesPerPeerSecond + rate.blocks / seconds
      const most = messagesPerSecond + each * rate.peers.size
      if (rate.ticks > ticksPerSecond * seconds) {
        report(host, 'timers', `${Math.round(rate.ticks / seconds)} ticks a second`)
      }
      if (rate.messages > most * seconds) {
        report(
          host,
          'chatter',
          `${Math.round(rate.messages / seconds)} messages a second to ${rate.peers.size} peers`,
        )
      }
      rates.set(host, {
        since: now,
        ticks: 0,
        messages: 0,
        lateWakes: rate.lateWakes,
        blocks: 0,
        peers: new Set(),
      })
    },
    closed: host => void rates.delete(host),
  }
}

function isChatter(type: string): boolean {
  return type !== 'request' && type !== 'piece' && type !== 'reject' && type !== 'cancel'
}
