import { expect, it } from 'vitest'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'

/** Mixed worlds in which `npm run sim:soak` once found a broken rule, each with what it was. */
const found: readonly (readonly [number, string])[] = [
  [210, 'a rule that took a line shared by ten for a forgotten want'],
  [
    20557,
    'a lease that gave way to one it was taken back from at once, over and over, and claims that all grew',
  ],
  [20731, 'claims of one segment that all told of each block, long after their leases had ended'],
  [32880, 'a request to the edge for each block of a peer that fell silent'],
  [1097, 'a rule that took four newcomers, each told all that is held, for one peer'],
  [70599, 'a request that trickled for minutes while a neighbour had the whole, of another lineage'],
  [70605, 'planned copies of everything ahead, all asked for at once'],
  [509714, 'all of a recording ahead leased at once on a line that nobody knew'],
  [241, 'a rule that forgot the peers who had just left when it counted what was said to them'],
]

it.each(found)('seed %i breaks no rule again: %s', seed => {
  expect(run(scenarioFor('mixed', seed), 'nearcast', seed).violations).toEqual([])
})
