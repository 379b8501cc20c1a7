/** Union-find over members 0…n−1: in how many pieces is a swarm whose matched pairs are links? */
export class Pieces {
  readonly #parents: Int32Array

  constructor(size: number) {
    this.#parents = Int32Array.from({ length: size }, (_, i) => i)
  }

  link(a: number, b: number): void {
    this.#parents[this.#root(a)] = this.#root(b)
  }

  /** Members of the largest piece. */
  largest(): number {
    const sizes = new Map<number, number>()
    for (let i = 0; i < this.#parents.length; i++) {
      const root = this.#root(i)
      sizes.set(root, (sizes.get(root) ?? 0) + 1)
    }
    return Math.max(0, ...sizes.values())
  }

  #root(member: number): number {
    let at = member
    while (this.#parents[at] !== at) {
      // Halving the path keeps the trees flat.
      this.#parents[at] = this.#parents[this.#parents[at]!]!
      at = this.#parents[at]!
    }
    return at
  }
}
