import { expect, it } from 'vitest'
import { figuresOf } from './figures.ts'
import { type LabMedia, labMedia } from './media.ts'
import { obstacle } from './requirements.ts'
import { runScenario } from './run.ts'
import { resize } from './scenario.ts'
import { pickScenarios } from './scenarios.ts'

/** The small one of the office lab: three viewers, 25 s. `npm run bench:office` runs them all. */

let media: LabMedia | null = null
let why = obstacle()
if (why === null) {
  try {
    media = labMedia()
  } catch (error) {
    why = `the office lab makes its clip with ffmpeg: ${error instanceof Error ? error.message : error}`
  }
}
if (why !== null) console.warn(`skipped: ${why}`)

it.skipIf(media === null)(
  'gives an office each segment once over its line, without a stall',
  { timeout: 300_000 },
  async () => {
    const [office] = pickScenarios('live-office')
    // With a round trip to the edge, as any line has: on a lab's bare cable the bytes are there before the claim is heard.
    const small = { ...resize(office!, 3, 25), edgeDelayMs: 30 }
    const observation = await runScenario(small, 'nearcast', media!, () => {})
    const figures = figuresOf(observation)
    const shown = JSON.stringify(figures)
    expect(figures.neverStarted, shown).toBe(0)
    expect(figures.copiesSteady, shown).toBeLessThanOrEqual(1.2)
    // Where even timers come late the picture stands still with or without us.
    if (figures.void) console.warn(`stalls not judged: a timer was ${figures.lateMs} ms late`)
    else expect(figures.stalls, shown).toBe(0)
    const [site] = observation.sites
    for (const { links, bytes, errors } of site!.viewers) {
      expect(links, shown).toBe(2)
      expect(bytes!.edge + bytes!.peers, shown).toBeGreaterThan(1_000_000)
      expect(errors.filter(error => error.includes('fatal'))).toEqual([])
    }
    expect(figures.p2pShare, shown).toBeGreaterThan(0.4)
    // Through the LAN: nothing between peers crosses the line, and the line agrees with what the edge says it sent.
    expect(site!.line.down.peers.bytes + site!.line.up.peers.bytes).toBeLessThan(10_000)
    const bodies = site!.log.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(site!.line.down.edge.bytes / bodies).toBeGreaterThan(1)
    expect(site!.line.down.edge.bytes / bodies).toBeLessThan(1.1)
  },
)
