import type { ViewerReport } from '@nearcast/peer-core/signalling'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Account, defaultAccountLimits } from './account.ts'
import { reportOf } from './report-lab.ts'

const account = (joinedAt = 0) => new Account(joinedAt, defaultAccountLimits)
const MB = 1_000_000

describe("a viewer's account", () => {
  it('credits what grew between two reports, and what grew before the first', () => {
    const mine = account()
    expect(mine.take(reportOf({ ageMs: 9_000, edge: 3 * MB }), 10_000)).toMatchObject({
      type: 'credited',
      grown: { edge: 3 * MB },
    })
    expect(mine.take(reportOf({ ageMs: 19_000, edge: 5 * MB }), 20_000)).toMatchObject({
      type: 'credited',
      grown: { edge: 2 * MB, ageMs: 10_000 },
    })
  })

  it('credits a report that comes twice once', () => {
    const mine = account()
    const report = reportOf({ ageMs: 9_000, edge: 3 * MB, group: MB })
    mine.take(report, 10_000)
    expect(mine.take(report, 11_000)).toMatchObject({ type: 'credited', grown: { edge: 0, group: 0 } })
  })

  it('takes the first report of somebody who comes back for a mark only: it was credited before', () => {
    const mine = account(100_000)
    const old = reportOf({ ageMs: 600_000, edge: 300 * MB })
    expect(mine.take(old, 101_000)).toEqual({ type: 'baseline' })
    const next = reportOf({ ageMs: 610_000, edge: 302 * MB })
    expect(mine.take(next, 111_000)).toMatchObject({ type: 'credited', grown: { edge: 2 * MB } })
  })

  it('rejects sums that shrink, and counts from the new ones', () => {
    const mine = account()
    mine.take(reportOf({ ageMs: 9_000, edge: 3 * MB }), 10_000)
    expect(mine.take(reportOf({ ageMs: 19_000, edge: MB }), 20_000)).toEqual({ type: 'rejected' })
    expect(mine.take(reportOf({ ageMs: 29_000, edge: 2 * MB }), 30_000)).toMatchObject({
      grown: { edge: MB },
    })
  })

  it.each([
    ['edge', { edge: 400 * MB }],
    ['peers', { group: 200 * MB, outside: 200 * MB }],
    ['uploads', { uploaded: 400 * MB }],
    ['watching', { watched: 400 * MB }],
    ['segments', { segments: 5_000 }],
    ['stalls', { stalls: 4_000 }],
    ['stalled time', { stallMs: 60_000 }],
    ['polluters', { polluters: 5_000 }],
  ])('rejects more than a line carries in the time: %s', (_, claim) => {
    const mine = account()
    mine.take(reportOf({ ageMs: 900 }), 1_000)
    expect(mine.take(reportOf({ ageMs: 9_900, ...claim }), 10_000)).toEqual({ type: 'rejected' })
  })

  it('rejects fresh segments that are more than what was watched', () => {
    const mine = account()
    const fresh = [{ hash: 1, bytes: 900_000 }]
    expect(mine.take(reportOf({ segments: 1, watched: 500_000, fresh }), 10_000)).toEqual({
      type: 'rejected',
    })
    const two = [...fresh, { hash: 2, bytes: 1 }]
    const report = reportOf({ segments: 3, watched: 2 * MB, fresh: two })
    expect(mine.take(report, 20_000).type).toBe('credited')
  })

  it('never credits more than rate × time and one burst, whatever is said', () => {
    const claim = fc.record({
      edge: fc.nat(1e9),
      uploaded: fc.nat(1e9),
      watched: fc.nat(1e9),
      afterMs: fc.nat(60_000),
    })
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 40 }), claims => {
        const mine = account()
        const sums = { edge: 0, uploaded: 0, watched: 0 }
        const credited = { edge: 0, uploaded: 0, watched: 0 }
        let now = 0
        for (const { afterMs, ...grown } of claims) {
          now += afterMs
          for (const name of ['edge', 'uploaded', 'watched'] as const) sums[name] += grown[name]
          const result = mine.take(reportOf({ ageMs: now, ...sums }) as ViewerReport, now)
          if (result.type !== 'credited') continue
          for (const name of ['edge', 'uploaded', 'watched'] as const) credited[name] += result.grown[name]
        }
        const { viewerBps, burstBytes } = defaultAccountLimits
        for (const bytes of Object.values(credited))
          expect(bytes).toBeLessThanOrEqual(burstBytes + (viewerBps * now) / 1_000)
      }),
      { seed: 4, numRuns: 300 },
    )
  })
})
