import { describe, expect, it } from 'vitest'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'

/** Fifty worlds in which anything may happen at once. A broken rule names the command that shows it. */
describe('fifty mixed worlds break no rule', () => {
  for (let seed = 1; seed <= 50; seed++) {
    it(`seed ${seed}`, () => {
      const outcome = run(scenarioFor('mixed', seed), 'nearcast', seed)
      const told = outcome.violations.map(
        ({ at, viewer, rule, what }) =>
          `${(at / 1000).toFixed(3)} s v${viewer} ${rule}: ${what} — npm run sim -- --scenario mixed --policy nearcast --seed ${seed} --explain`,
      )
      expect(told).toEqual([])
      expect(outcome.viewings.some(viewing => viewing.fatal)).toBe(false)
    })
  }
})
