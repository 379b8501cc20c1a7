import { expect, it } from 'vitest'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'

/** Mixed worlds in which `npm run sim:soak` once found a broken rule, each with what it was. */
const found: readonly (readonly [number, string])[] = [
  [210, 'a rule that took a line shared by ten for a forgotten want'],
  [241, 'a rule that forgot the peers who had just left when it counted what was said to them'],
]

it.each(found)('seed %i breaks no rule again: %s', seed => {
  expect(run(scenarioFor('mixed', seed), 'nearcast', seed).violations).toEqual([])
})
