import { hash32 } from './core/hash.ts'
import { signallingLimits } from './signalling/limits.ts'
import type { OwnReport, WatchedSegment } from './signalling/report.ts'
import type { Swarm } from './swarm.ts'

/** What only the player knows. */
export type Playback = Pick<OwnReport, 'startMs' | 'latencyMs' | 'kbps' | 'stalls' | 'stallMs'>

/** Unlike any seed of the wire's hashes, so that a report tells nothing about what was said to peers. */
const hashSeed = 0x7a11e7

/** Adds up what a tracker's operator may know of one viewer: see `OwnReport`. */
export class Tally {
  readonly #now: () => number
  readonly #since: number
  readonly #recent: WatchedSegment[] = []
  #swarm: Swarm | null = null
  #segments = 0
  #watched = 0
  #plain = 0

  /** `now`: monotonic ms. */
  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  watch(swarm: Swarm): void {
    this.#swarm = swarm
    swarm.on('segment', ({ key, size }) => this.#add(key, size))
  }

  /** What the player's own loader brought; `name` is the same for all viewers of it. */
  addPlain(name: string, bytes: number): void {
    this.#plain += bytes
    this.#add(name, bytes)
  }

  /** Null before there is a swarm. `segmentsBefore`: how many of `segments` were told in `fresh` already. */
  report(segmentsBefore: number, peering: string, playback: Playback | null): OwnReport | null {
    if (!this.#swarm) return null
    // What a node fetches for its shelf nobody has watched yet.
    const node = playback === null
    const { bytes, verification } = this.#swarm.snapshot()
    const news = Math.min(this.#segments - segmentsBefore, this.#recent.length)
    return {
      ageMs: Math.round(this.#now() - this.#since),
      node,
      edge: bytes.edge + this.#plain,
      group: bytes.group,
      outside: bytes.outside,
      uploaded: bytes.uploaded,
      segments: this.#segments,
      watched: node ? 0 : this.#watched,
      polluters: verification.banned,
      peering,
      stalls: 0,
      stallMs: 0,
      startMs: null,
      latencyMs: null,
      kbps: null,
      ...playback,
      fresh: news > 0 && !node ? this.#recent.slice(-news) : [],
    }
  }

  #add(name: string, bytes: number): void {
    if (bytes <= 0) return
    this.#segments++
    this.#watched += bytes
    this.#recent.push({ hash: hash32(name, hashSeed), bytes })
    if (this.#recent.length > signallingLimits.freshSegments) this.#recent.shift()
  }
}
