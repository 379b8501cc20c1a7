/** What is added up a slot, for each row. */
export const tallied = [
  'edge',
  'group',
  'outside',
  'uploaded',
  'watched',
  'segments',
  'stalls',
  'stallMs',
  'polluters',
  /** One copy of what was new to the site. */
  'news',
  /** Time that viewers were there, ms. */
  'presenceMs',
  'rejected',
] as const

export type Tallied = (typeof tallied)[number]

export type Sums = Record<Tallied, number>

export const slotMs = 10_000
/** An hour. */
export const slotCount = 360

const places = Object.fromEntries(tallied.map((name, index) => [name, index])) as Record<Tallied, number>

/** An hour of sums in slots of ten seconds. Slots in which nothing happened take no memory. */
export class Slots {
  readonly #ring: ({ readonly slot: number; readonly sums: Float64Array } | undefined)[] = []

  add(slot: number, name: Tallied, amount: number): void {
    if (amount === 0) return
    const index = slot % slotCount
    const held = this.#ring[index]
    const entry = held?.slot === slot ? held : { slot, sums: new Float64Array(tallied.length) }
    this.#ring[index] = entry
    entry.sums[places[name]]! += amount
  }

  /** Sums of the slots from `first` to `last`, both included. */
  sum(first: number, last: number): Sums {
    const sums = new Float64Array(tallied.length)
    for (const entry of this.#ring) {
      if (entry === undefined || entry.slot < first || entry.slot > last) continue
      for (let i = 0; i < sums.length; i++) sums[i]! += entry.sums[i]!
    }
    return Object.fromEntries(tallied.map((name, index) => [name, sums[index]])) as Sums
  }

  /** One number a slot, oldest first. */
  series(name: Tallied, first: number, last: number): number[] {
    const values: number[] = []
    for (let slot = first; slot <= last; slot++) {
      const entry = this.#ring[slot % slotCount]
      values.push(entry?.slot === slot ? entry.sums[places[name]]! : 0)
    }
    return values
  }
}
