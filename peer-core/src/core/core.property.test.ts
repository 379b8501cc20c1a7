import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chaos, tightConfig } from './testing/chaos.ts'
import { self } from './testing/probe.ts'
import { steps } from './testing/steps.ts'
import { replayTrace } from './trace.ts'

const seed = Number(process.env['SEED'] ?? 20_240_607)
const numRuns = Number(process.env['RUNS'] ?? 4_000)

describe('whatever comes in', () => {
  it('keeps every law of the core, and answers the same inputs with the same outputs', () => {
    const reached = { delivered: 0, failed: 0, uploaded: 0, banned: 0 }
    fc.assert(
      fc.property(steps, sequence => {
        const chaos = new Chaos()
        chaos.run(sequence)
        reached.delivered += chaos.watch.delivered
        reached.failed += chaos.watch.failed
        reached.uploaded += chaos.watch.uploaded
        reached.banned += chaos.watch.banned.size
        chaos.settle()
        const open = [...chaos.watch.openWants]
        if (open.length > 0) throw new Error(`wants ${open.join(' ')} never ended`)
        const head = JSON.stringify({ nearcast: 1, self, seed: 7, config: tightConfig })
        const again = replayTrace([head, ...chaos.watch.log].join('\n'))
        if (!again.ok) throw new Error(`line ${again.line}: ${again.expected} became ${again.actual}`)
      }),
      { seed, numRuns },
    )
    // The sequences reach what the laws are about.
    expect(reached.delivered).toBeGreaterThan(numRuns / 10)
    expect(reached.failed).toBeGreaterThan(0)
    expect(reached.uploaded).toBeGreaterThan(0)
    expect(reached.banned).toBeGreaterThan(0)
  })
})
