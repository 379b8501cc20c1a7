/** `npm run bench:office`: scenarios of the office lab, for one or several ways to play. */
import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { adapters, pickAdapters } from './adapter.ts'
import { type Figures, figuresOf } from './figures.ts'
import { labMedia } from './media.ts'
import type { Observation } from './observation.ts'
import { obstacle } from './requirements.ts'
import { runScenario } from './run.ts'
import { resize, type Scenario } from './scenario.ts'
import { pickScenarios, scenarios } from './scenarios.ts'
import { tableOf } from './table.ts'

const command = new Command('npm run bench:office --')
  .description('Real Chromium in offices made of network namespaces, behind metered lines. Linux, root.')
  .addOption(
    new Option('--scenario <names>', 'one, several by comma, or all')
      .argParser(picked(pickScenarios))
      .default(pickScenarios('live-office'), 'live-office'),
  )
  .addOption(
    new Option('--adapters <names>', 'what plays, by comma')
      .argParser(picked(pickAdapters))
      .default(pickAdapters('nearcast,hlsjs'), 'nearcast,hlsjs'),
  )
  .option('--viewers <n>', 'viewers a site (default: the scenario’s)', whole)
  .option('--seconds <n>', 'seconds watched after the last join (default: the scenario’s)', whole)
  .option(
    '--line <what>',
    'state the line to the tracker: stated, unstated (default: the scenario’s)',
    stance,
  )
  .option('--edge-delay <ms>', 'delay of every answer of the edge (default: the scenario’s)', whole)
  .option('--details <file>', 'write every viewer’s report and the edge’s log there, as JSON')
  .option('--json', 'print one JSON array on the last line')
  .addHelpText(
    'after',
    [
      '\nScenarios:',
      ...scenarios.map(({ name, about }) => `  ${name.padEnd(18)}${about}`),
      '\nAdapters:',
      ...Object.entries(adapters).map(([name, about]) => `  ${name.padEnd(18)}${about}`),
    ].join('\n'),
  )
  .parse()

const options = command.opts<{
  scenario: ReturnType<typeof pickScenarios>
  adapters: ReturnType<typeof pickAdapters>
  viewers?: number
  seconds?: number
  line?: boolean
  edgeDelay?: number
  details?: string
  json?: boolean
}>()

const why = obstacle()
if (why !== null) {
  console.error(why)
  process.exit(1)
}

const rows: (Figures & Pick<Scenario, 'lineRatio' | 'lineStated' | 'edgeDelayMs'>)[] = []
const observations: Observation[] = []
const media = labMedia()
for (const given of options.scenario) {
  const sized = resize(given, options.viewers ?? 0, options.seconds ?? 0)
  const scenario = {
    ...sized,
    ...(options.line !== undefined && { lineStated: options.line }),
    ...(options.edgeDelay !== undefined && { edgeDelayMs: options.edgeDelay }),
  }
  for (const adapter of options.adapters) {
    const attempt = () =>
      runScenario(scenario, adapter, media, progress =>
        console.error(`${scenario.name} ${adapter}: ${progress}`),
      )
    let observation = await attempt()
    let figures = figuresOf(observation)
    if (figures.void) {
      console.error(`${scenario.name} ${adapter}: void, a timer was ${figures.lateMs} ms late; once more`)
      observation = await attempt()
      figures = figuresOf(observation)
    }
    rows.push({
      ...figures,
      lineRatio: scenario.lineRatio,
      lineStated: scenario.lineStated,
      edgeDelayMs: scenario.edgeDelayMs,
    })
    observations.push(observation)
    console.error(tableOf([figures]).split('\n')[1])
  }
}
if (options.details !== undefined) writeFileSync(options.details, JSON.stringify(observations))
console.log(tableOf(rows))
if (options.json) console.log(JSON.stringify(rows))
process.exit(0)

function picked<T>(pick: (names: string) => T): (names: string) => T {
  return names => {
    try {
      return pick(names)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
    }
  }
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is wanted')
  return Number(text)
}

function stance(text: string): boolean {
  if (text !== 'stated' && text !== 'unstated') throw new InvalidArgumentError('stated or unstated')
  return text === 'stated'
}
