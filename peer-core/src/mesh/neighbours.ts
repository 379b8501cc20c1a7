import type { PeerId } from '../core/messages.ts'
import type { Neighbour } from '../ports.ts'

/** Remembered at most; more than any cap of links. */
const maxNeighbours = 256

/** Whom the tracker named, group first. */
export class Neighbours {
  #known = new Map<PeerId, Neighbour>()

  meet(neighbour: Neighbour): void {
    const [oldest] = this.#known.keys()
    if (!this.#known.has(neighbour.peer) && this.#known.size >= maxNeighbours && oldest !== undefined) {
      this.#known.delete(oldest)
    }
    this.#known.set(neighbour.peer, neighbour)
  }

  of(peer: PeerId): Neighbour | undefined {
    return this.#known.get(peer)
  }

  forget(peer: PeerId): void {
    this.#known.delete(peer)
  }

  nearestFirst(): readonly Neighbour[] {
    return [...this.#known.values()].sort(
      (a, b) => Number(a.place === 'outside') - Number(b.place === 'outside'),
    )
  }
}
