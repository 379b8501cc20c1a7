import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Command } from 'commander'
import type { CoreConfig } from '../../peer-core/src/core/config.ts'
import { checked, whole } from './arguments.ts'
import { formatCoreConfig, parseCoreConfig } from './core-config.ts'
import type { SoakReport } from './soak-worker.ts'

/**
 * `npm run sim:soak`: thousands of small worlds in which anything may happen at once, on all cores. Prints each seed
 * that breaks a rule with the command that shows it and, as its last line, one JSON object.
 */

interface Options {
  readonly seeds: number
  readonly from: number
  readonly jobs: number
  readonly config: Partial<CoreConfig>
}

const { seeds, from, jobs, config } = new Command('npm run sim:soak --')
  .description('Runs mixed worlds of up to twelve viewers, a minute each, and looks for broken rules.')
  .option('--seeds <count>', 'worlds', whole(1), 10_000)
  .option('--from <seed>', 'the first seed', whole(1), 1)
  .option('--jobs <count>', 'worlds at once', whole(1), availableParallelism())
  .option('--config <list>', 'constants of the scheduler, as in `npm run sim`', checked(parseCoreConfig), {})
  .parse()
  .opts<Options>()

const changed = Object.keys(config).length > 0 ? ` --config ${formatCoreConfig(config)}` : ''
const startedAt = performance.now()
const failing: number[] = []
let violations = 0
let done = 0
let next = from
let shownAt = 0

await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, work))
failing.sort((a, b) => a - b)
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
const minutes = (performance.now() - startedAt) / 60_000
console.log(
  `${done} worlds in ${minutes.toFixed(1)} min: ${failing.length === 0 ? 'no rule broken' : `${failing.length} break a rule`}`,
)
console.log(JSON.stringify({ seeds: done, from, violations, failing }))
process.exitCode = failing.length > 0 ? 1 : 0

/** One thread, given one seed after the other until none is left. */
function work(): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./soak-worker.ts', import.meta.url), { workerData: config })
    const give = (): void => {
      if (next < from + seeds) worker.postMessage(next++)
      else void worker.terminate().then(() => resolve())
    }
    worker.on('message', (report: SoakReport) => {
      hear(report)
      give()
    })
    worker.on('error', reject)
    give()
  })
}

function hear({ seed, broken, error }: SoakReport): void {
  done++
  violations += broken.length
  if (broken.length > 0 || error !== null) {
    failing.push(seed)
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    console.log(`seed ${seed}: ${error ?? `${broken.length} rules broken, first ${broken[0]}`}`)
    console.log(`  npm run sim -- --scenario mixed --policy nearcast --seed ${seed}${changed} --explain`)
  }
  progress()
}

function progress(): void {
  const now = performance.now()
  const isTerminal = process.stderr.isTTY
  if (now - shownAt < (isTerminal ? 200 : 30_000)) return
  shownAt = now
  const left = ((now - startedAt) / done) * (seeds - done)
  const text = `${done} of ${seeds} worlds, ${failing.length} failing, ${Math.ceil(left / 60_000)} min left`
  process.stderr.write(isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
}
