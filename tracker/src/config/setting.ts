/**
 * One thing an operator may set. Declared once, in `settings.ts`; its flag, environment variable, key in the file,
 * line in `--help` and row in the documentation follow from the declaration.
 */
export interface Setting<Value> {
  readonly kind: 'value' | 'path' | 'list' | 'switch' | 'secret'
  readonly default: Value
  /** For people: what it does, what raising it costs, what 0 and Infinity mean. A sentence or two. */
  readonly about: string
  /** What stands for the value in `--help`, with its unit: `ms`, `bytes`, `file`. */
  readonly unit: string
  /** The value as others may see it; null: as it is. */
  readonly mask: ((value: string) => string) | null
  /** The flag without `--`, where the key's own name would not read well. */
  readonly flag: string | null
  /** Reads one text of a flag or a variable, or one value of the file. Lists are read item by item. */
  read(value: unknown): Reading<Value>
}

export type Reading<Value> =
  | { readonly ok: true; readonly value: Value }
  /** What is wrong and what would be right; follows the name of the setting and the value. */
  | { readonly ok: false; readonly problem: string }

interface Words<Value> {
  readonly about: string
  readonly default: Value
  readonly flag?: string
}

/** A whole number. `max` Infinity lets `Infinity` through, written as that word in a file too. */
export function whole(
  words: Words<number> & { readonly min: number; readonly max: number; readonly unit: string },
): Setting<number> {
  const { min, max, unit } = words
  const isEndless = max === Number.POSITIVE_INFINITY
  const range = isEndless ? `${min} or more, or Infinity` : `${min} to ${max}`
  return {
    ...named(words),
    kind: 'value',
    unit,
    read(value) {
      const isWritten = typeof value === 'string' && /^(\d+|Infinity)$/.test(value)
      const number = isWritten ? Number(value) : value
      const isWhole = Number.isSafeInteger(number) || (isEndless && number === Number.POSITIVE_INFINITY)
      if (typeof number !== 'number' || !isWhole || number < min || number > max)
        return {
          ok: false,
          problem: `give a whole number${unit === 'number' ? '' : ` of ${unit}`}, ${range}`,
        }
      return { ok: true, value: number }
    },
  }
}

export function text(
  words: Words<string> & { readonly unit: string; readonly check?: (text: string) => string | null },
): Setting<string> {
  return { ...named(words), kind: 'value', unit: words.unit, read: value => readText(value, words.check) }
}

/** A text that may be absent. */
export function optionalText(
  words: Omit<Words<null>, 'default'> & {
    readonly unit: string
    readonly check?: (text: string) => string | null
  },
): Setting<string | null> {
  return {
    ...named({ ...words, default: null }),
    kind: 'value',
    unit: words.unit,
    read: value => readText(value, words.check),
  }
}

/** A URL that may hold a name and a password, which are not shown. */
export function url(
  words: Omit<Words<null>, 'default'> & { readonly check: (text: string) => string | null },
): Setting<string | null> {
  return {
    ...named({ ...words, default: null }),
    mask: value => value.replace(/^([\w+.-]+:\/\/)?.*@/, '$1(secret)@'),
    kind: 'value',
    unit: 'url',
    read: value => readText(value, words.check),
  }
}

export function choice<const Choice extends string>(
  words: Words<NoInfer<Choice>> & { readonly choices: readonly Choice[] },
): Setting<Choice> {
  const { choices } = words
  return {
    ...named(words),
    kind: 'value',
    unit: choices.join('|'),
    read(value) {
      const found = choices.find(item => item === value)
      return found === undefined
        ? { ok: false, problem: `choose one of ${choices.join(', ')}` }
        : { ok: true, value: found }
    },
  }
}

/** Several texts: a flag that may be repeated, a variable with commas, an array in the file. */
export function list(
  words: Words<readonly string[]> & {
    readonly unit: string
    /** What is wrong with an item, or null. */
    readonly check?: (item: string) => string | null
  },
): Setting<readonly string[]> {
  return {
    ...named(words),
    kind: 'list',
    unit: words.unit,
    read(value) {
      if (!Array.isArray(value)) return { ok: false, problem: `give a list, such as ["${words.unit}"]` }
      for (const item of value) {
        const reading = readText(item, words.check)
        if (!reading.ok) return { ok: false, problem: `item ${JSON.stringify(item)}: ${reading.problem}` }
      }
      return { ok: true, value: value as readonly string[] }
    },
  }
}

export function toggle(words: Words<boolean>): Setting<boolean> {
  return {
    ...named(words),
    kind: 'switch',
    unit: '',
    read(value) {
      if (typeof value === 'boolean') return { ok: true, value }
      if (value === 'true' || value === '1') return { ok: true, value: true }
      if (value === 'false' || value === '0') return { ok: true, value: false }
      return { ok: false, problem: 'give true or false' }
    },
  }
}

/** A file. Relative to the folder of whoever types it; in a configuration file, to that file. */
export function path(words: Omit<Words<null>, 'default'>): Setting<string | null> {
  return {
    ...named({ ...words, default: null }),
    kind: 'path',
    unit: 'file',
    read: value => readText(value),
  }
}

/**
 * What must not be seen. There is no flag for its value, because every user of a machine may list its processes;
 * flag, variable and key with `File` behind their name take it from a file, as containers like it.
 */
export function secret(
  words: Omit<Words<null>, 'default'> & { readonly leastChars: number },
): Setting<string | null> {
  return {
    ...named({ ...words, default: null }),
    kind: 'secret',
    unit: 'file',
    read(value) {
      if (typeof value === 'string' && value.length >= words.leastChars) return { ok: true, value }
      return { ok: false, problem: `give at least ${words.leastChars} characters that nobody can guess` }
    },
  }
}

function named<Value>({ about, default: fallback, flag }: Words<Value>) {
  return { about, default: fallback, flag: flag ?? null, mask: null }
}

function readText(value: unknown, check?: (text: string) => string | null): Reading<string> {
  if (typeof value !== 'string' || value === '')
    return { ok: false, problem: 'give a text that is not empty' }
  const problem = check?.(value) ?? null
  return problem === null ? { ok: true, value } : { ok: false, problem }
}
