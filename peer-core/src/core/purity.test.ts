import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
const sources = readdirSync(here).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))

/** What every engine computes alike (ECMA-262 leaves the others' last bits to the engine) and what is no randomness. */
const exact = new Set([
  'abs',
  'ceil',
  'clz32',
  'floor',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
])

it('computes with + − × ÷ √ only, so that every engine replays a trace alike', () => {
  expect(sources.length).toBeGreaterThan(20)
  for (const name of sources) {
    const code = readFileSync(join(here, name), 'utf8')
    for (const [, member] of code.matchAll(/\bMath\.(\w+)/g))
      expect(exact, `${name}: Math.${member}`).toContain(member)
    expect(code, name).not.toMatch(/[\w)] \*\* [\w(]|\blocaleCompare\b|\bIntl\b|\bWeakRef\b/)
  }
})
