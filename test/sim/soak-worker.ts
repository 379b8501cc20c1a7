import { parentPort, workerData } from 'node:worker_threads'
import type { CoreConfig } from '../../peer-core/src/core/config.ts'
import { run } from './runs.ts'
import { scenarioFor } from './scenarios.ts'

/** What one world came to. */
export interface SoakReport {
  readonly seed: number
  /** The broken rules, as told to people. */
  readonly broken: readonly string[]
  /** What was thrown, or null. */
  readonly error: string | null
}

parentPort?.on('message', (seed: number) => parentPort?.postMessage(soak(seed)))

function soak(seed: number): SoakReport {
  try {
    const { violations } = run(scenarioFor('mixed', seed), 'nearcast', seed, {
      config: workerData as Partial<CoreConfig>,
    })
    const broken = violations.map(
      ({ at, viewer, rule, what }) => `${(at / 1000).toFixed(3)} s v${viewer} ${rule}: ${what}`,
    )
    return { seed, broken, error: null }
  } catch (error) {
    return {
      seed,
      broken: [],
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }
  }
}
