/** A seeded generator: the same seed gives the same numbers on every engine. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2⁻³². */
  next(): number
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 32-bit integer operations only, so engines cannot disagree. */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = seed | 0
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4_294_967_296
  }
  for (let i = 0; i < 12; i++) next()
  return { next }
}
