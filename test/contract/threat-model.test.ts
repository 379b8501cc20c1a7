import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

test('every test that the threat model names exists where it says', () => {
  const text = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')
  let named = 0
  for (const row of text.split('\n')) {
    let waiting: string[] = []
    for (const [, title, file] of row.matchAll(/“([^”]+)”|\(`([^`]+\.test\.ts)`\)/g)) {
      if (title !== undefined) waiting.push(title)
      if (file === undefined) continue
      expect(waiting.length, `no test is named before ${file}`).toBeGreaterThan(0)
      const source = readFileSync(join(root, file), 'utf8')
      for (const name of waiting)
        expect(source.includes(`'${name}'`), `${file} has no test “${name}”`).toBe(true)
      named += waiting.length
      waiting = []
    }
    expect(waiting, 'named without a file').toEqual([])
  }
  expect(named).toBeGreaterThan(25)
})
