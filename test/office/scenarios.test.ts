import { describe, expect, it } from 'vitest'
import { pickAdapters } from './adapter.ts'
import { ownerOf } from './namespace.ts'
import { resize } from './scenario.ts'
import { pickScenarios, scenarios } from './scenarios.ts'

describe('scenarios', () => {
  it('have names of their own', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
  })

  it.each(scenarios)('$name ends after its events, with time to settle', ({ seconds, events, lineSteps }) => {
    const ends = [
      ...events.map(event => event.atMs + (event.type === 'outage' ? event.forMs : 0)),
      ...lineSteps.map(({ atMs }) => atMs),
    ]
    expect(seconds * 1000).toBeGreaterThan(Math.max(0, ...ends) + 10_000)
    expect(seconds).toBeGreaterThan(20)
  })

  it.each(scenarios)('$name has a viewer for each seek', ({ sites, events }) => {
    const total = sites.reduce((sum, count) => sum + count, 0)
    for (const event of events) if (event.type === 'seek') expect(event.viewer).toBeLessThan(total)
  })

  it('are picked by name, by family, and all', () => {
    expect(pickScenarios('thin-wan').map(({ name }) => name)).toEqual(['thin-wan-2', 'thin-wan-1.3'])
    expect(pickScenarios('churn,lna').map(({ name }) => name)).toEqual(['churn', 'lna'])
    expect(pickScenarios('all')).toBe(scenarios)
    expect(() => pickScenarios('chrun')).toThrow(/no scenario chrun; there are live-office, /)
  })

  it('take another size, and drop the seeks of viewers that are not there', () => {
    const [seek] = pickScenarios('seek')
    const small = resize(seek!, 2, 30)
    expect(small).toMatchObject({ sites: [2], seconds: 30 })
    expect(small.events).toHaveLength(6)
    expect(resize(seek!, 0, 0)).toEqual(seek)
    const [homes] = pickScenarios('live-homes')
    expect(resize(homes!, 3, 0).sites).toEqual([1, 1, 1, 1])
  })
})

it('knows its adapters', () => {
  expect(pickAdapters('nearcast,pml-tuned')).toEqual(['nearcast', 'pml-tuned'])
  expect(() => pickAdapters('pml5')).toThrow(/no adapter pml5/)
})

it('knows its namespaces from those of others', () => {
  expect(ownerOf('nearcast-4711-3-desk0.2')).toBe(4711)
  expect(ownerOf('nearcast-x')).toBeNull()
  expect(ownerOf('vpn-4711-3-x')).toBeNull()
})
