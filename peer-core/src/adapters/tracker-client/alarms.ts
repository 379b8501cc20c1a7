import type { Clock } from '../../ports.ts'

/** Several alarms, by name, on a clock that has one timer. */
export class Alarms {
  readonly #clock: Clock
  readonly #alarms = new Map<string, { readonly at: number; readonly fire: () => void }>()
  #disarm: (() => void) | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  /** Replaces an alarm of the same name. */
  set(name: string, afterMs: number, fire: () => void): void {
    this.#alarms.set(name, { at: this.#clock.now() + afterMs, fire })
    this.#arm()
  }

  /** When the alarm rings, or null when it is not set. */
  at(name: string): number | null {
    return this.#alarms.get(name)?.at ?? null
  }

  clear(name: string): void {
    if (this.#alarms.delete(name)) this.#arm()
  }

  #arm(): void {
    this.#disarm?.()
    this.#disarm = null
    let next = Number.POSITIVE_INFINITY
    for (const { at } of this.#alarms.values()) next = Math.min(next, at)
    if (next < Number.POSITIVE_INFINITY) this.#disarm = this.#clock.arm(next, () => this.#ring())
  }

  #ring(): void {
    this.#disarm = null
    const now = this.#clock.now()
    for (const [name, alarm] of [...this.#alarms]) {
      // An alarm that rang before this one may have cleared or moved it.
      if (alarm.at > now || this.#alarms.get(name) !== alarm) continue
      this.#alarms.delete(name)
      alarm.fire()
    }
    this.#arm()
  }
}
