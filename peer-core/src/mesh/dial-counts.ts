import type { DialOutcome, MeshState } from '../ports.ts'

/** Outcomes kept for the tracker until they are taken. */
const maxOutcomes = 32

export type DialFailure = 'iceFailed' | 'noAnswer' | 'protocolError'

/** How dials went: counters for people, outcomes for the tracker's matching. */
export class DialCounts {
  #started = 0
  #open = 0
  #failed = { iceFailed: 0, noAnswer: 0, protocolError: 0 }
  #outcomes: DialOutcome[] = []

  started(): void {
    this.#started++
  }

  opened(): void {
    this.#open++
  }

  /** Counts a dial that ended for `reason`, and says as what. */
  failed(reason: string, answered: boolean): DialFailure {
    const how = failure(reason, answered)
    this.#failed[how]++
    return how
  }

  outcome(outcome: DialOutcome): void {
    this.#outcomes.push(outcome)
    if (this.#outcomes.length > maxOutcomes) this.#outcomes.shift()
  }

  /** Each outcome is taken once. */
  takeOutcomes(): readonly DialOutcome[] {
    return this.#outcomes.splice(0)
  }

  snapshot(): MeshState['dials'] {
    return { started: this.#started, open: this.#open, ...this.#failed }
  }
}

function failure(reason: string, answered: boolean): DialFailure {
  switch (reason) {
    case 'protocol-error':
    case 'wrong-peer':
    case 'wrong-swarm':
    case 'bad-signal':
      return 'protocolError'
    default:
      return answered ? 'iceFailed' : 'noAnswer'
  }
}
