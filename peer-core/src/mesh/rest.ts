/** A time in which no connection is made; what came meanwhile is done afterwards, in its order. */
export class Rest {
  #now: () => number
  #until = 0
  #postponed: (() => void)[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** For so long from now, ms; 0: it is over. */
  begin(ms: number): void {
    this.#until = this.#now() + ms
  }

  get until(): number {
    return this.#until
  }

  get isOn(): boolean {
    return this.#now() < this.#until
  }

  /** Now, or when it is over. */
  after(does: () => void): void {
    if (this.isOn) this.#postponed.push(does)
    else does()
  }

  catchUp(): void {
    for (const does of this.#postponed.splice(0)) does()
  }
}
