import type { Place } from '../core/events.ts'
import type { Hello, PeerId } from '../core/messages.ts'
import type { Link } from '../ports.ts'
import type { Attempt } from './attempt.ts'
import { keepNewer } from './rules.ts'

export interface OpenLink {
  readonly attempt: Attempt
  readonly link: Link
  readonly hello: Hello
  readonly place: Place
}

interface Entry extends OpenLink {
  /** Takes over once this one has ended, so that nobody sees two. */
  successor: OpenLink | null
}

/** The open links: one a peer, also while two connections of one pair sort themselves out. */
export class LinkBook {
  #self: PeerId
  #onOpen: (open: OpenLink) => void
  #entries = new Map<PeerId, Entry>()

  /** `onOpen` is told of each link when it becomes the pair's one. */
  constructor(self: PeerId, onOpen: (open: OpenLink) => void) {
    this.#self = self
    this.#onOpen = onOpen
  }

  get size(): number {
    return this.#entries.size
  }

  has(peer: PeerId): boolean {
    return this.#entries.has(peer)
  }

  count(place: Place): number {
    let count = 0
    for (const entry of this.#entries.values()) if (entry.place === place) count++
    return count
  }

  admit(open: OpenLink): void {
    const older = this.#entries.get(open.link.peer)
    if (!older) {
      this.#entries.set(open.link.peer, { ...open, successor: null })
      this.#onOpen(open)
      return
    }
    const { attempt } = open
    // A directed offer says that the other side has no link; two connections that crossed are told apart by name.
    const replaces = attempt.plan.kind === 'answer' && attempt.plan.trickle
    if (!replaces && !keepNewer(attempt.name(this.#self), older.attempt.name(this.#self))) {
      open.link.close('duplicate')
      return
    }
    older.successor?.link.close('duplicate')
    older.successor = open
    older.link.close('duplicate')
  }

  /** The link of `attempt` has ended. True when its peer has none left. */
  ended(attempt: Attempt): boolean {
    attempt.ended = true
    const peer = attempt.peer ?? ''
    const entry = this.#entries.get(peer)
    if (entry?.attempt !== attempt) {
      if (entry?.successor?.attempt === attempt) entry.successor = null
      return false
    }
    this.#entries.delete(peer)
    const { successor } = entry
    if (!successor) return true
    // After the old link's listener has heard of its end.
    queueMicrotask(() => {
      if (!successor.attempt.ended) this.admit(successor)
    })
    return false
  }

  close(which: (peer: PeerId, place: Place) => boolean, reason: string): void {
    for (const { link, place, successor } of [...this.#entries.values()]) {
      if (!which(link.peer, place)) continue
      successor?.link.close(reason)
      link.close(reason)
    }
  }
}
