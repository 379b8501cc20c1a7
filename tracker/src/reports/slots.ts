/** What reports of viewers add to. */
export const credited = [
  'edge',
  'group',
  'outside',
  'uploaded',
  'watched',
  'segments',
  'stalls',
  'stallMs',
  'polluters',
] as const

/** What is added up a slot, for each row. */
export const tallied = [
  ...credited,
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

/** Where each sum lies in a slot. */
export const slotPlaces = Object.fromEntries(tallied.map((name, index) => [name, index])) as Record<
  Tallied,
  number
>

/** An hour of sums in slots of ten seconds: a ring in one piece, 36 KB, which is read from end to end at every look. */
export class Slots {
  readonly #sums = new Float64Array(slotCount * tallied.length)
  /** Which slot lies at each place of the ring. */
  readonly #held = new Float64Array(slotCount).fill(-1)

  /** `slot` is a whole number from 0. */
  add(slot: number, name: Tallied, amount: number): void {
    if (amount === 0 || slot < 0) return
    const index = slot % slotCount
    const start = index * tallied.length
    if (this.#held[index] !== slot) {
      this.#held[index] = slot
      this.#sums.fill(0, start, start + tallied.length)
    }
    this.#sums[start + slotPlaces[name]]! += amount
  }

  /** Sums of the slots from `first` to `last`, both included. */
  sum(first: number, last: number): Sums {
    const totals = new Float64Array(tallied.length)
    this.each(first, last, (sums, start) => {
      for (let i = 0; i < totals.length; i++) totals[i]! += sums[start + i]!
    })
    return Object.fromEntries(tallied.map((name, index) => [name, totals[index]])) as Sums
  }

  /** The slots in which something happened, oldest first: their sums begin at `start`; `index` counts from `first`. */
  each(first: number, last: number, visit: (sums: Float64Array, start: number, index: number) => void): void {
    for (let slot = Math.max(0, first); slot <= last; slot++) {
      const index = slot % slotCount
      if (this.#held[index] === slot) visit(this.#sums, index * tallied.length, slot - first)
    }
  }
}
