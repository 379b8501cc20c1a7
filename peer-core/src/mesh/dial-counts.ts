import type { DialOutcome, MeshState } from '../ports.ts'

/** Outcomes kept for the tracker until they are taken. */
const maxOutcomes = 32

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

  failed(how: 'iceFailed' | 'noAnswer' | 'protocolError'): void {
    this.#failed[how]++
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
