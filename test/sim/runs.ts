import type { CoreConfig } from '../../peer-core/src/core/config.ts'
import { createCore } from '../../peer-core/src/core/core.ts'
import type { Watcher } from './host.ts'
import { http } from './policies/http.ts'
import { nearcastPolicy } from './policies/nearcast.ts'
import { pml2Policy, pml2TightPolicy } from './policies/pml2/policy.ts'
import { pml5Policy } from './policies/pml5/policy.ts'
import type { Policy } from './policy.ts'
import type { Scenario } from './scenario.ts'
import type { Story } from './story.ts'
import { type Outcome, runWorld } from './world.ts'

/** Every policy that `--policy` knows, by name. */
export const policies: Readonly<
  Record<string, (watcher: Watcher, scenario: Scenario, config: Partial<CoreConfig>) => Policy>
> = {
  http: () => http,
  pml2: (_, scenario) => pml2Policy(scenario),
  'pml2-tight': (_, scenario) => pml2TightPolicy(scenario),
  pml5: (_, scenario) => pml5Policy(scenario),
  nearcast: (watcher, scenario, config) => nearcastPolicy(createCore, watcher, scenario, config),
}

export interface RunExtras {
  /** Constants of nearcast's cores that are not the default's. */
  readonly config?: Partial<CoreConfig>
  readonly story?: Story
  readonly onSecond?: (ms: number) => void
}

/** One scenario under one named policy with one seed. */
export function run(scenario: Scenario, policy: string, seed: number, extras: RunExtras = {}): Outcome {
  const { config = {}, ...rest } = extras
  const make = policies[policy]
  if (make === undefined)
    throw new Error(`no policy "${policy}"; there are: ${Object.keys(policies).join(', ')}`)
  return runWorld({
    // The rules hold a viewer to the scenario's store.
    scenario: { ...scenario, storeBytes: config.storeBytes ?? scenario.storeBytes },
    seed,
    policy: (watcher, world) => make(watcher, world, config),
    ...rest,
  })
}
