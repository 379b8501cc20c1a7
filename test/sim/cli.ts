import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { CoreConfig } from '../../peer-core/src/core/config.ts'
import { checked, number, whole } from './arguments.ts'
import { parseCoreConfig } from './core-config.ts'
import { combine, costliest, type Figures, figuresOf, setbacks } from './figures.ts'
import type { PlotPoint } from './plot.ts'
import { policies, run } from './runs.ts'
import type { Scenario } from './scenario.ts'
import { scenarioFor, scenarioNames, scenarios } from './scenarios.ts'
import { createStory } from './story.ts'
import { table } from './table.ts'
import { parseFaults, parseList, parseRange, type Variation, vary } from './variation.ts'
import type { Outcome } from './world.ts'

interface Options extends Variation {
  readonly scenario: string
  readonly policy: string
  readonly seeds: number
  readonly seed: number
  readonly config: Partial<CoreConfig>
  readonly json?: true
  readonly explain?: true | string
  readonly log?: number
  readonly plot?: string
  readonly plotViewers: readonly number[]
  readonly plotRatios: readonly number[]
}

const program = new Command('npm run sim --')
  .description('Runs real cores in a simulated network: virtual time, seeded chance, no real clock.')
  .option('--scenario <names>', 'one or several by comma, or "all"', 'live-office')
  .option('--viewers <count>', 'viewers in all', whole(1))
  .option('--sites <count>', 'networks they sit in, evenly', whole(1))
  .option('--policy <names>', `${Object.keys(policies).join(', ')}, or "all"`, 'all')
  .option('--seeds <count>', 'runs, each with the next seed', whole(1), 1)
  .option('--seed <number>', 'the first seed', whole(0), 1)
  .option('--duration <seconds>', 'of world time', number(1))
  .option('--bitrate <Mbit/s>', 'of the video', number(0.01))
  .option(
    '--line-ratio <ratio>',
    "a site's line as a multiple of the bitrate (Infinity: no limit)",
    number(0.01),
  )
  .addOption(new Option('--joins <how>', 'when viewers come').choices(['storm', 'staggered', 'steady']))
  .option('--churn <seconds>', 'median session; who leaves is replaced', number(1))
  .option('--uplink <min-max>', 'Mbit/s of each viewer upwards, log-uniform', checked(parseRange))
  .option('--leech <share>', 'of the viewers take and never give', number(0, 1))
  .option('--faults <list>', 'shares, as slow:0.2,silent:0.2,lying:0.1', checked(parseFaults))
  .option('--edge-delay <min-max>', 'ms from a site to the edge, one way', checked(parseRange))
  .option(
    '--config <list>',
    "constants of nearcast's scheduler, as candidateAgeMs=0,silentMs=3000 (peer-core/src/core/config.ts)",
    checked(parseCoreConfig),
    {},
  )
  .option('--plot <file>', 'draw copies by viewers and stalls by line capacity as SVG, of the first scenario')
  .option('--plot-viewers <list>', 'for its first panel', checked(parseList), [2, 6, 24, 100])
  .option('--plot-ratios <list>', 'for its second panel', checked(parseList), [1.3, 2, 4, 10])
  .option('--json', 'print an array of figures as the last line')
  .option('--explain [text]', 'tell the story of each segment whose key contains the text (one seed)')
  .option('--log <viewer>', 'print every input and output of this viewer (one seed)', whole(0))
  .addHelpText(
    'after',
    `\nScenarios:\n${scenarios.map(s => `  ${s.name.padEnd(18)} ${s.about}`).join('\n')}\n  mixed              everything by chance: each seed is another world`,
  )
  .parse()

const options = program.opts<Options>()
const { config } = options
const chosen = choose(options.scenario, scenarioNames)
const names = choose(options.policy, Object.keys(policies))
let shown = false
if (options.plot !== undefined) await plot(options.plot)
else if (options.explain !== undefined || options.log !== undefined) explain()
else compare()

function compare(): void {
  const rows: Figures[] = []
  const worse: string[] = []
  let broken = false
  for (const name of chosen) {
    const plain = new Map<number, Figures>()
    for (const policy of names) {
      const runs: Figures[] = []
      for (let i = 0; i < options.seeds; i++) {
        const seed = options.seed + i
        const scenario = vary(scenarioFor(name, seed), options)
        const outcome = run(scenario, policy, seed, {
          config,
          onSecond: ms => progress(scenario, policy, seed, ms),
        })
        const figures = figuresOf(outcome)
        runs.push(figures)
        if (policy === 'http') plain.set(seed, figures)
        else
          worse.push(
            ...setbacks(figures, plain.get(seed)).map(what => `${name} seed ${seed}, ${policy}: ${what}`),
          )
        if (outcome.violations.length > 0) broken = true
        tellViolations(outcome)
      }
      rows.push(combine(runs))
    }
  }
  clearProgress()
  console.log(table(rows))
  if (worse.length > 0)
    console.log(`\nworse than the plain player in the same world\n  ${worse.join('\n  ')}`)
  if (options.json) console.log(JSON.stringify(rows))
  process.exitCode = broken ? 1 : 0
}

/** Each point is as many seeds as asked for. The first panel's line is endless, the second's is stated. */
async function plot(file: string): Promise<void> {
  const { drawPlot } = await import('./plot.ts')
  const rows: Figures[] = []
  const measure = (change: Variation, lineStated: boolean): PlotPoint[] =>
    names.map(policy => {
      const runs: Figures[] = []
      for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
        const base = vary(scenarioFor(chosen[0]!, seed), { ...options, ...change })
        const scenario = { ...base, lineStated: base.lineStated || lineStated }
        runs.push(
          figuresOf(
            run(scenario, policy, seed, { config, onSecond: ms => progress(scenario, policy, seed, ms) }),
          ),
        )
      }
      const figures = combine(runs)
      rows.push(figures)
      return {
        policy,
        viewers: figures.viewers,
        lineRatio: change.lineRatio ?? 0,
        copies: figures.copiesSteady,
        stallSecondsPerViewerMinute: figures.detail.stallSecondsPerViewerMinute,
      }
    })
  const byViewers = options.plotViewers.flatMap(viewers =>
    measure({ viewers, lineRatio: options.lineRatio ?? Number.POSITIVE_INFINITY }, false),
  )
  const byLine = options.plotRatios.flatMap(lineRatio => measure({ lineRatio }, true))
  await writeFile(resolve(process.env.NEARCAST_CWD ?? '.', file), await drawPlot({ byViewers, byLine }))
  clearProgress()
  console.log(table(rows))
  if (options.json) console.log(JSON.stringify(rows))
}

function explain(): void {
  const scenario = vary(scenarioFor(chosen[0]!, options.seed), options)
  const policy = names.at(-1)!
  const story = createStory(options.log ?? null)
  const outcome = run(scenario, policy, options.seed, { config, story })
  if (options.log !== undefined) for (const line of story.log()) console.log(line)
  if (options.explain !== undefined) {
    const text = options.explain === true ? '' : options.explain
    console.log(story.tell(key => key.includes(text)))
  }
  console.log(`\n${table([figuresOf(outcome)])}\n\nsegments that cost most`)
  for (const line of costliest(outcome, 12)) console.log(`  ${line}`)
  tellViolations(outcome)
  process.exitCode = outcome.violations.length > 0 ? 1 : 0
}

function tellViolations(outcome: Outcome): void {
  if (outcome.violations.length === 0) return
  clearProgress()
  const { scenario, policy, seed } = outcome
  console.error(`${scenario.name}, ${policy}, seed ${seed}: ${outcome.violations.length} rules broken`)
  for (const { at, viewer, rule, what } of outcome.violations.slice(0, 10)) {
    console.error(`  ${(at / 1000).toFixed(3)} s  v${viewer}  ${rule}: ${what}`)
  }
  const flags = process.argv.slice(2).filter(flag => flag !== '--json')
  const rest = dropOption(
    dropOption(dropOption(dropOption(flags, '--seed'), '--seeds'), '--policy'),
    '--scenario',
  )
  const again = [
    '--scenario',
    scenario.name,
    ...rest,
    '--policy',
    policy,
    '--seed',
    String(seed),
    '--explain',
  ]
  console.error(`  again: npm run sim -- ${again.join(' ')}`)
}

function progress(scenario: Scenario, policy: string, seed: number, ms: number): void {
  if (!process.stderr.isTTY) return
  shown = true
  const done = Math.round((ms / scenario.durationMs) * 100)
  process.stderr.write(`\r\x1b[K${scenario.name} ${policy} seed ${seed}: ${done} %`)
}

function clearProgress(): void {
  if (shown) process.stderr.write('\r\x1b[K')
  shown = false
}

function choose(text: string, all: readonly string[]): readonly string[] {
  if (text === 'all') return all.filter(name => name !== 'mixed')
  const wanted = text.split(',')
  for (const name of wanted) {
    if (!all.includes(name)) program.error(`"${name}" is unknown. Known: ${all.join(', ')}, or all`)
  }
  return wanted
}

function dropOption(flags: readonly string[], name: string): string[] {
  const place = flags.indexOf(name)
  return place < 0 ? [...flags] : [...flags.slice(0, place), ...flags.slice(place + 2)]
}
