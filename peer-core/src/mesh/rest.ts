/**
 * A time in which no connection is made; what came meanwhile is done afterwards, in its order. Time comes in: whoever
 * asks whether it is over and then arms a timer for its end must do both by one reading of the clock, or it may end
 * between the two and nobody wakes.
 */
export class Rest {
  #until = 0
  #postponed: (() => void)[] = []

  /** For so long from now, ms; 0: it is over. */
  begin(ms: number, now: number): void {
    this.#until = now + ms
  }

  get until(): number {
    return this.#until
  }

  isOn(now: number): boolean {
    return now < this.#until
  }

  /** Now, or when it is over. */
  after(does: () => void, now: number): void {
    this.#postponed.push(does)
    if (!this.isOn(now)) this.catchUp()
  }

  catchUp(): void {
    for (const does of this.#postponed.splice(0)) does()
  }
}
