import { Command } from 'commander'
import { checked, whole } from './arguments.ts'
import type { Constant } from './core-config.ts'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'
import { type Measures, measuresOf } from './sweep-figures.ts'
import { jsonOf, type SweepJson, type SweepRow, section } from './sweep-report.ts'
import { configFor, parseConstants, type Sweep, sweeps, type World } from './sweeps.ts'
import { vary } from './variation.ts'

/**
 * `npm run sim:sweep`: what becomes of the figures when one constant of the scheduler is another one. Prints a
 * Markdown table a constant; docs/sweeps.md is made of them.
 */

interface Options {
  readonly only: readonly Constant[]
  readonly seeds: number
  readonly seed: number
  readonly json?: true
}

const defaultSeeds = 4

const { only, seeds, seed, json } = new Command('npm run sim:sweep --')
  .description('Runs the simulator with several values of one constant, in the worlds where it matters.')
  .option('--only <constants>', 'one or several by comma; all unless said', checked(parseConstants), [])
  .option('--seeds <count>', 'runs a value, each with the next seed', whole(1), defaultSeeds)
  .option('--seed <number>', 'the first seed', whole(0), 1)
  .option('--json', 'print an array of rows as the last line')
  .addHelpText('after', `\nConstants:\n${sweeps.map(describe).join('\n')}`)
  .parse()
  .opts<Options>()

const flags = `${seeds === defaultSeeds ? '' : ` --seeds ${seeds}`}${seed === 1 ? '' : ` --seed ${seed}`}`
/** Many sweeps share a world: its run with the defaults is one run. */
const known = new Map<string, Measures>()
const rows: SweepJson[] = []
for (const sweep of sweeps) {
  if (only.length > 0 && !only.includes(sweep.constant)) continue
  const found = sweep.worlds.flatMap(world => sweep.values.map(value => measure(sweep, world, value)))
  clearProgress()
  console.log(`${section(sweep, found, flags)}\n`)
  rows.push(...found.map(row => jsonOf(sweep, row)))
}
if (json) console.log(JSON.stringify(rows))

function measure(sweep: Sweep, world: World, value: number): SweepRow {
  const runs = Array.from({ length: seeds }, (_, i) => measureOne(sweep, world, value, seed + i))
  return { world, value, runs }
}

function measureOne(sweep: Sweep, world: World, value: number, runSeed: number): Measures {
  const config = configFor(sweep, value)
  const key = JSON.stringify([world, config, runSeed])
  const before = known.get(key)
  if (before !== undefined) return before
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K${sweep.constant} ${value}, ${world.scenario}, seed ${runSeed}`)
  const scenario = vary(scenarioFor(world.scenario, runSeed), world)
  const measures = measuresOf(run(scenario, 'nearcast', runSeed, { config }))
  known.set(key, measures)
  return measures
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

function describe({ constant, values }: Sweep): string {
  return `  ${constant.padEnd(18)} ${values.join(', ')}`
}
