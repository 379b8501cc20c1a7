import { expect, it } from 'vitest'
import { combine, figuresOf, quantile, setbacks } from './figures.ts'
import { run } from './runs.ts'
import { officeScenario } from './scenario.ts'
import { scenarioFor, scenarioNames } from './scenarios.ts'
import { table } from './table.ts'
import { parseFaults, parseList, parseNumber, parseRange, vary } from './variation.ts'

it('reads faults, ranges and numbers, and says what is wrong with others', () => {
  expect(parseFaults('slow:0.2,lying:0.1')).toEqual({ slow: 0.2, silent: 0, lying: 0.1 })
  expect(() => parseFaults('lazy:0.2')).toThrow('lazy:0.2')
  expect(() => parseFaults('slow:2')).toThrow('no number')
  expect(parseRange('1-20')).toEqual([1, 20])
  expect(() => parseRange('20-1')).toThrow('the first is the smaller')
  expect(parseList('1.3,2,10')).toEqual([1.3, 2, 10])
  expect(() => parseList('2,,3')).toThrow('no number')
  expect(parseNumber('Infinity', 0)).toBe(Number.POSITIVE_INFINITY)
  expect(() => parseNumber('', 0)).toThrow('no number')
})

it('changes what it is told and nothing else', () => {
  const varied = vary(officeScenario, { viewers: 3, bitrate: 8, churn: 60, uplink: [1, 20] })
  expect(varied.viewers).toBe(3)
  expect(varied.stream.videoBps).toBe(8e6)
  expect(varied.churnMs).toBe(60_000)
  expect(varied.uplinkBps).toEqual([1e6, 20e6])
  expect(vary(officeScenario, {})).toEqual(officeScenario)
})

it('knows every scenario by its name, and makes another mixed world of each seed', () => {
  for (const name of scenarioNames) expect(scenarioFor(name, 3).name).toBe(name)
  expect(scenarioFor('mixed', 3)).toEqual(scenarioFor('mixed', 3))
  expect(scenarioFor('mixed', 3)).not.toEqual(scenarioFor('mixed', 4))
  expect(() => scenarioFor('nowhere', 1)).toThrow('nowhere')
})

it('takes medians over seeds and sums of what must not happen', () => {
  const runs = [1, 2, 3].map(seed => figuresOf(run({ ...officeScenario, durationMs: 30_000 }, 'http', seed)))
  const whole = combine(runs.map((figures, i) => ({ ...figures, stalls: i, copiesSteady: i, violations: 1 })))
  expect(whole).toMatchObject({ stalls: 3, copiesSteady: 1, violations: 3 })
  expect(whole.detail).toMatchObject({ seeds: 3, worstCopiesSteady: 2 })
  expect(combine([runs[0]!]).traceHash).toBe(runs[0]!.traceHash)
  expect(table([whole])).toContain('live-office  http')
})

it('takes the value above a share of all', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2)
  expect(quantile([1, 2, 3, 4], 0.99)).toBe(4)
  expect(quantile([], 0.5)).toBe(0)
})

it('names what the plain player does better, and nothing below noise', () => {
  const plain = figuresOf(run({ ...officeScenario, durationMs: 30_000 }, 'http', 1))
  expect(setbacks(plain, plain)).toEqual([])
  expect(setbacks(plain, undefined)).toEqual([])
  const detail = { ...plain.detail, stallSecondsPerViewerMinute: 2, neverStarted: 1 }
  expect(setbacks({ ...plain, detail, startupP99Ms: 5_000 }, plain)).toHaveLength(3)
})
