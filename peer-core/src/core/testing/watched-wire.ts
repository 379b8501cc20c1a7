import { blockBytes, type OfferMessage, type PeerMessage, runBytes } from '../messages.ts'
import { ensure } from './ensure.ts'

/** What both sides of one wire know, kept apart from the core: its messages must make sense to the other side. */
export class WatchedWire {
  /** What the peer offered: a number refused once may be used again. */
  readonly offers = new Map<number, readonly OfferMessage[]>()
  /** Our requests without an answer, for the test to answer. */
  readonly asked: Extract<PeerMessage, { type: 'request' }>[] = []
  #theirs: string[] = []
  #told = new Map<number, { frontier: number; size: number }>()
  #tracks = new Set<number>()
  #lastN = -1

  /** One of the numbers we gave out on this wire. */
  toldNumber(choice: number): number | undefined {
    const numbers = [...this.#told.keys()]
    return numbers[choice % numbers.length]
  }

  hear(message: PeerMessage): void {
    switch (message.type) {
      case 'offer':
        this.offers.set(message.n, [...(this.offers.get(message.n) ?? []), message])
        return
      case 'request':
        this.#theirs.push(rangeOf(message))
        return
      case 'piece':
      case 'reject':
        remove(this.asked, ask => rangeOf(ask) === rangeOf(message))
        return
      default:
        return
    }
  }

  say(message: PeerMessage): void {
    switch (message.type) {
      case 'track':
        ensure(!this.#tracks.has(message.id), 'a track is named once')
        this.#tracks.add(message.id)
        return
      case 'offer':
        ensure(message.n > this.#lastN && message.n < 400_000, 'numbers are new')
        ensure(this.#tracks.has(message.track), 'the track is named first')
        ensure(message.from <= message.frontier, 'an offer is a range')
        ensure(message.size === 0 || message.frontier <= message.size, 'an offer lies within the segment')
        this.#lastN = message.n
        this.#told.set(message.n, { frontier: message.frontier, size: message.size })
        return
      case 'grow': {
        const told = this.#told.get(message.n)
        ensure(told !== undefined && message.frontier >= told.frontier, 'offers only grow')
        ensure(message.size === 0 || message.frontier <= message.size, 'an offer lies within the segment')
        told.frontier = message.frontier
        return
      }
      case 'withdraw':
      case 'have':
        ensure(this.#told.has(message.n), 'only what was offered')
        return
      case 'request': {
        const isOffered = this.offers.get(message.n)?.some(offer => offer.from <= message.offset)
        ensure(isOffered === true, 'only what they offered is asked')
        ensure(message.offset % blockBytes === 0, 'asked by blocks')
        ensure(message.length > 0 && message.length <= runBytes, 'asked in runs')
        this.asked.push(message)
        return
      }
      case 'cancel':
        ensure(
          remove(this.asked, ask => rangeOf(ask) === rangeOf(message)),
          'only what was asked is cancelled',
        )
        return
      case 'piece':
      case 'reject':
        ensure(
          remove(this.#theirs, range => range === rangeOf(message)),
          'each request has one answer',
        )
        return
      default:
        return
    }
  }
}

function rangeOf({ n, offset, length }: { n: number; offset: number; length: number }): string {
  return `${n} ${offset} ${length}`
}

function remove<T>(list: T[], matches: (item: T) => boolean): boolean {
  const index = list.findIndex(matches)
  if (index < 0) return false
  list.splice(index, 1)
  return true
}
