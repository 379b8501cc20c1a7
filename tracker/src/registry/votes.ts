/**
 * How a dial between two peers went: `direct` by addresses of their own network, `via` only by what a STUN server or a
 * relay saw of them, or not at all.
 */
export type Vote = 'direct' | 'via' | 'failed'

interface Voter {
  readonly until: number
  readonly counts: Record<Vote, number>
}

/** Outcomes of one reporter that count. More say nothing new, and nobody outweighs others by reporting much. */
const mostOutcomes = 8
/** Reporters remembered for one question; the one heard first goes. */
const mostVoters = 256
/** What was true an hour ago need not be: networks are rebuilt, addresses handed on. */
const lastingMs = 3_600_000

/** What reporters say, one vote each by the majority of their own outcomes. */
export class Votes {
  readonly #voters = new Map<number, Voter>()

  add(voter: number, vote: Vote, now: number): void {
    let entry = this.#voters.get(voter)
    if (entry === undefined || entry.until <= now) {
      this.#voters.delete(voter)
      entry = { until: now + lastingMs, counts: { direct: 0, via: 0, failed: 0 } }
      this.#voters.set(voter, entry)
      const [oldest] = this.#voters.keys()
      if (this.#voters.size > mostVoters && oldest !== undefined) this.#voters.delete(oldest)
    }
    const { counts } = entry
    if (counts.direct + counts.via + counts.failed < mostOutcomes) counts[vote]++
  }

  count(now: number): Record<Vote, number> {
    const votes = { direct: 0, via: 0, failed: 0 }
    for (const [voter, { until, counts }] of this.#voters) {
      if (until <= now) this.#voters.delete(voter)
      else votes[majority(counts)]++
    }
    return votes
  }

  get isEmpty(): boolean {
    return this.#voters.size === 0
  }
}

function majority({ direct, via, failed }: Record<Vote, number>): Vote {
  if (direct >= via + failed) return 'direct'
  return via >= failed ? 'via' : 'failed'
}
