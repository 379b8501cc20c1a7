import { describe, expect, it } from 'vitest'
import { defaultConfig } from '../../peer-core/src/core/config.ts'
import { constants } from './core-config.ts'
import { run } from './runs.ts'
import { scenarioFor, scenarioNames } from './scenarios.ts'
import { judge, type Measures, meanOf, measuresOf } from './sweep-figures.ts'
import { jsonOf, section } from './sweep-report.ts'
import { configFor, nameOf, parseConstants, type Sweep, sweeps, unswept } from './sweeps.ts'
import { vary } from './variation.ts'

describe('the sweeps', () => {
  it('cover each constant of the scheduler once, or name it as a limit', () => {
    const covered = [...sweeps.map(({ constant }) => constant), ...unswept]
    expect([...covered].sort()).toEqual([...constants].sort())
  })

  it.each(sweeps)('$constant: values ascend and include the default, in worlds that exist', sweep => {
    expect(sweep.values).toContain(defaultConfig[sweep.constant])
    expect([...new Set(sweep.values)].sort((a, b) => a - b)).toEqual(sweep.values)
    expect(sweep.figures.length).toBe(new Set(sweep.figures).size)
    for (const { scenario } of sweep.worlds) expect(scenarioNames).toContain(scenario)
  })

  it('change what they say and nothing when it is the default', () => {
    const ping = sweeps.find(({ constant }) => constant === 'pingMs')!
    expect(configFor(ping, 1_500)).toEqual({})
    expect(configFor(ping, 500)).toEqual({ pingMs: 500, deadMs: 1_500 })
  })

  it('name their worlds as the command line takes them', () => {
    expect(nameOf({ scenario: 'thin', viewers: 24, lineRatio: 1.3, uplink: [1, 6], duration: 60 })).toBe(
      'thin --viewers 24 --line-ratio 1.3 --uplink 1-6 --duration 60',
    )
  })

  it('are chosen by name, and an unknown one is answered with those that exist', () => {
    expect(parseConstants('silentMs,marginMs')).toEqual(['silentMs', 'marginMs'])
    expect(() => parseConstants('silent')).toThrow('"silent" has no sweep. Those that have: startBytes, ')
    expect(() => parseConstants('storeBytes')).toThrow('has no sweep')
  })
})

it('calls better or worse what is so beyond chance, seed by seed', () => {
  expect(judge([1, 2, 3], [2, 3, 4])).toBe('better')
  expect(judge([2.1, 3, 4.1], [1, 2, 3])).toBe('worse')
  expect(judge([1, 2, 9], [2, 3, 4])).toBe('same')
  expect(judge([1, 1, 1], [1, 1, 1])).toBe('same')
  expect(judge([1], [2])).toBe('same')
  expect(meanOf([1, 2, 3])).toEqual({ mean: 2, error: Math.sqrt(1 / 3) })
  expect(meanOf([5])).toEqual({ mean: 5, error: 0 })
})

describe('a report', () => {
  const sweep: Sweep = {
    constant: 'prefetchSegments',
    reason: 'Because.',
    values: [0, 3],
    worlds: [{ scenario: 'live-office', viewers: 3, duration: 25 }],
    figures: ['copiesWithJoins', 'control'],
  }
  const world = sweep.worlds[0]!
  const row = (value: number, runs: readonly Partial<Measures>[]) => ({
    world,
    value,
    runs: runs.map(measures => ({ violations: 0, ...measures }) as Measures),
  })
  const measured = (copiesWithJoins: number, violations = 0) =>
    [0, 0.01, 0.02].map(noise => ({ copiesWithJoins: copiesWithJoins + noise, control: 2, violations }))

  it('is a table in Markdown that marks the default, and what is better or worse', () => {
    const rows = [row(0, measured(1.2)), row(3, measured(1.1)), row(5, measured(1))]
    expect(section(sweep, rows, ' --seeds 3').split('\n')).toEqual([
      '### prefetchSegments',
      '',
      'Because.',
      '',
      '`npm run sim:sweep -- --only prefetchSegments --seeds 3`',
      '',
      '| world                                 | prefetchSegments | with joins      | control MB |',
      '| ------------------------------------- | ---------------- | --------------- | ---------- |',
      '| live-office --viewers 3 --duration 25 | 0                | _1.21 ± 0.01_   | 2.00       |',
      '|                                       | 3 (default)      | 1.11 ± 0.01     | 2.00       |',
      '|                                       | 5                | **1.01 ± 0.01** | 2.00       |',
    ])
  })

  it('takes neighbouring values together that make no difference', () => {
    const rows = [0, 1, 3, 5].map(value => row(value, measured(value === 0 ? 1.2 : 1)))
    expect(section(sweep, rows).split('\n').slice(8)).toEqual([
      '| live-office --viewers 3 --duration 25 | 0                  | _1.21 ± 0.01_ | 2.00       |',
      '|                                       | 1 to 5 (default 3) | 1.01 ± 0.01   | 2.00       |',
    ])
  })

  it('shows copies that nobody saw as endless', () => {
    const rows = [row(0, measured(Number.POSITIVE_INFINITY)), row(3, measured(1))]
    expect(section(sweep, rows)).toContain('| _∞_ ')
  })

  it('counts broken rules where there are some', () => {
    expect(section(sweep, [row(3, measured(1))])).not.toContain('broken')
    const lines = section(sweep, [row(3, measured(1, 2))]).split('\n')
    expect(lines.at(-3)).toContain('| broken |')
    expect(lines.at(-1)).toContain('| 6      |')
  })

  it('gives machines means and their errors', () => {
    expect(jsonOf(sweep, row(3, measured(1)))).toMatchObject({
      constant: 'prefetchSegments',
      world: 'live-office --viewers 3 --duration 25',
      value: 3,
      isDefault: true,
      seeds: 3,
      figures: { control: { mean: 2, error: 0 } },
    })
  })

  it('is made of what a run measures', () => {
    const measures = measuresOf(run(vary(scenarioFor(world.scenario, 1), world), 'nearcast', 1))
    expect(measures.copiesWithJoins).toBeGreaterThan(0.9)
    expect(measures.startP50).toBeGreaterThan(0.05)
    expect(measures.startP50).toBeLessThan(2)
    expect(measures).toMatchObject({ stalls: 0, seek: 0, violations: 0 })
  })
})
