import { hash32 } from '../../peer-core/src/core/hash.ts'

/** A running hash of values, in the order given: equal runs have equal fingerprints on every engine. */
export interface Fingerprint {
  add(value: unknown): void
  /** 16 lower-case hex digits. */
  digest(): string
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

export function createFingerprint(): Fingerprint {
  const strings = new Map<string, number>()
  let a = 0x811c9dc5 | 0
  let b = 0x9e3779b9 | 0

  const mix = (word: number): void => {
    a = Math.imul(a ^ word, 0x01000193)
    b = Math.imul(b ^ (word + (a >>> 15)), 0x85ebca6b)
    b ^= b >>> 13
  }

  const number = (value: number): void => {
    if ((value | 0) === value) {
      mix(value)
      return
    }
    float[0] = value
    mix(words[0]!)
    mix(words[1]!)
  }

  const string = (value: string): void => {
    let hash = strings.get(value)
    if (hash === undefined) {
      hash = hash32(value, 0)
      // The cache is for names that come again; a run must not keep every text it ever saw.
      if (strings.size > 100_000) strings.clear()
      strings.set(value, hash)
    }
    mix(hash)
  }

  const add = (value: unknown): void => {
    switch (typeof value) {
      case 'number':
        return number(value)
      case 'string':
        return string(value)
      case 'boolean':
        return mix(value ? 1 : 2)
      case 'object':
        if (value === null) return mix(3)
        if (Array.isArray(value)) {
          mix(value.length)
          for (const item of value) add(item)
          return
        }
        // Key order is the order of the literal that made it: part of the code, so the same in every run.
        for (const key in value) add((value as Record<string, unknown>)[key])
        return
      default:
        mix(4)
    }
  }

  return {
    add,
    digest: () => hex8(a ^ (a >>> 16)) + hex8(b ^ (b >>> 16)),
  }
}

function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
