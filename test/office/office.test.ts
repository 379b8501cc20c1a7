import { expect, it } from 'vitest'
import { figuresOf } from './figures.ts'
import { labMedia } from './media.ts'
import { obstacle } from './requirements.ts'
import { runScenario } from './run.ts'
import { resize } from './scenario.ts'
import { pickScenarios } from './scenarios.ts'

/** The small one of the office lab: three viewers, 25 s. `npm run bench:office` runs them all. */

const why = obstacle()
if (why !== null) console.warn(`skipped: ${why}`)

it.skipIf(why !== null)(
  'gives an office each segment once over its line, without a stall',
  { timeout: 300_000 },
  async () => {
    const media = labMedia()
    const [office] = pickScenarios('live-office')
    // With a round trip to the edge, as any line has: on a lab's bare cable the bytes are there before the claim is heard.
    const small = { ...resize(office!, 3, 25), edgeDelayMs: 30 }
    const observation = await runScenario(small, 'nearcast', media, () => {})
    const figures = figuresOf(observation)
    const shown = JSON.stringify(figures)
    expect(figures.neverStarted, shown).toBe(0)
    expect(figures.stalls, shown).toBe(0)
    expect(figures.copiesSteady, shown).toBeLessThanOrEqual(1.2)
    const [site] = observation.sites
    for (const { links, bytes, errors } of site!.viewers) {
      expect(links, shown).toBe(2)
      expect(bytes!.peers, shown).toBeGreaterThan(1_000_000)
      expect(errors).toEqual([])
    }
    // Through the LAN: nothing between peers crosses the line, and the line agrees with what the edge says it sent.
    expect(site!.line.down.peers.bytes + site!.line.up.peers.bytes).toBeLessThan(10_000)
    const bodies = site!.log.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(site!.line.down.edge.bytes / bodies).toBeGreaterThan(1)
    expect(site!.line.down.edge.bytes / bodies).toBeLessThan(1.1)
  },
)
