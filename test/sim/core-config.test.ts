import { expect, it } from 'vitest'
import { constants, formatCoreConfig, parseCoreConfig } from './core-config.ts'
import { figuresOf } from './figures.ts'
import { run } from './runs.ts'
import { officeScenario } from './scenario.ts'

it('reads constants with their values', () => {
  expect(parseCoreConfig('candidateAgeMs=0,silentMs=Infinity')).toEqual({
    candidateAgeMs: 0,
    silentMs: Number.POSITIVE_INFINITY,
  })
  expect(parseCoreConfig('')).toEqual({})
  expect(parseCoreConfig(formatCoreConfig({ thinCopies: 2, pingMs: 750 }))).toEqual({
    thinCopies: 2,
    pingMs: 750,
  })
})

it('names the known constants when one is unknown, and refuses what is no amount', () => {
  expect(() => parseCoreConfig('candidateAge=1')).toThrow(
    `"candidateAge" is no constant. Known: ${constants.join(', ')}`,
  )
  expect(() => parseCoreConfig('toString=1')).toThrow('no constant')
  expect(() => parseCoreConfig('silentMs')).toThrow('no number')
  expect(() => parseCoreConfig('silentMs=-1')).toThrow('no number')
})

it('reaches the cores: who takes nothing ahead decides otherwise, and the default is the default', () => {
  const scenario = { ...officeScenario, viewers: 3, durationMs: 30_000 }
  const hash = (config: string): string =>
    figuresOf(run(scenario, 'nearcast', 1, { config: parseCoreConfig(config) })).traceHash
  expect(hash('prefetchSegments=3')).toBe(hash(''))
  expect(hash('prefetchSegments=0')).not.toBe(hash(''))
})

it('holds the rules to the store it sets', () => {
  const scenario = { ...officeScenario, viewers: 2, durationMs: 30_000, storeBytes: 1_000_000 }
  expect(run(scenario, 'nearcast', 1, { config: { storeBytes: 8_000_000 } }).violations).toEqual([])
})
