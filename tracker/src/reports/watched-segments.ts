import type { WatchedSegment } from '@nearcast/peer-core/signalling'

interface Seen {
  readonly bytes: number
  /** Segments it stands for: 1, or more while only a sample is kept. */
  readonly weight: number
  /** Slot in which a viewer last had it. */
  readonly last: number
}

/** Beyond so many only a sample is kept: an hour of video and audio in segments of four seconds is 1800. */
const mostKept = 2_048

/**
 * What the viewers of one site watched, each segment once however many had it. Exact up to 2048 segments an hour; beyond,
 * a sample by hash (those below a threshold, which halves whenever there are too many), of which the sum has an error of
 * about 3 %: docs/decisions/0010.
 */
export class WatchedSegments {
  /** Least recently watched first. */
  readonly #seen = new Map<number, Seen>()
  /** Segments that one kept segment stands for: a power of two. */
  #weight = 1
  #loweredAt = 0

  /** Bytes that nobody of the site had watched since `oldest`: the segment's own, or an estimate of it. */
  add({ hash, bytes }: WatchedSegment, slot: number, oldest: number): number {
    this.#forget(oldest)
    const known = this.#seen.get(hash)
    if (known !== undefined) {
      // The first to name it says how large it is. One voice can be wrong; that many agree would be no proof either.
      this.#seen.delete(hash)
      this.#seen.set(hash, { ...known, last: slot })
      return 0
    }
    if (!isSampled(hash, this.#weight)) return 0
    this.#seen.set(hash, { bytes, weight: this.#weight, last: slot })
    const news = bytes * this.#weight
    if (this.#seen.size > mostKept) this.#thin(slot)
    return news
  }

  /** Bytes of one copy of all that was watched since that slot. */
  bytesSince(slot: number): number {
    let bytes = 0
    for (const { last, weight, bytes: each } of this.#seen.values()) if (last >= slot) bytes += each * weight
    return bytes
  }

  get size(): number {
    return this.#seen.size
  }

  #forget(oldest: number): void {
    for (const [hash, { last }] of this.#seen) {
      if (last >= oldest) break
      this.#seen.delete(hash)
    }
    // Once all that was thinned out is forgotten anyway, a finer sample is true again.
    if (this.#weight > 1 && this.#loweredAt < oldest && this.#seen.size < mostKept / 4) this.#weight /= 2
  }

  #thin(slot: number): void {
    this.#weight *= 2
    this.#loweredAt = slot
    for (const [hash, seen] of this.#seen) {
      if (!isSampled(hash, this.#weight)) this.#seen.delete(hash)
      else if (seen.weight < this.#weight) this.#seen.set(hash, { ...seen, weight: this.#weight })
    }
  }
}

/** Hashes are spread evenly (murmur3's finisher made them), so their lowest bits choose. */
function isSampled(hash: number, weight: number): boolean {
  return hash % weight === 0
}
