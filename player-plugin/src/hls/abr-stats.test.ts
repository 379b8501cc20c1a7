import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LoadFacts, type PlayerEstimate, reportedTiming } from './abr-stats.ts'

/** hls.js's own arithmetic (abr-controller, onFragBuffered), bit/s, for a segment parsed at once. */
function sampled(facts: LoadFacts, estimate: PlayerEstimate): number {
  const { start, first, end } = reportedTiming(facts, estimate)
  return (facts.bytes * 8000) / (end - start - Math.min(first - start, estimate.ttfbMs))
}

const facts = (over: Partial<LoadFacts> = {}): LoadFacts => ({
  origin: 'edge',
  bytes: 375_000,
  now: 50_000,
  ttfbMs: 40,
  transferMs: 1000,
  edgeBps: 0,
  ...over,
})
const estimate: PlayerEstimate = { bitsPerSecond: 2_500_000, ttfbMs: 100, measured: true }

describe('reportedTiming', () => {
  it('charges no wait: a second of waiting and 20 ms of LAN is not 3 Mbit/s', () => {
    const held = facts({ origin: 'held', ttfbMs: 1000, transferMs: 20 })
    expect(sampled(held, estimate)).toBeCloseTo(2_500_000, 0)
  })

  it('reports the edge at the rate measured', () => {
    expect(sampled(facts(), estimate)).toBeCloseTo(3_000_000, 0)
    expect(sampled(facts({ edgeBps: 500_000 }), estimate)).toBeCloseTo(4_000_000, 0)
  })

  it("reports a leased segment at its fetcher's edge rate, however fast the LAN brought it", () => {
    expect(sampled(facts({ origin: 'leased', transferMs: 5, edgeBps: 400_000 }), estimate)).toBeCloseTo(
      3_200_000,
      0,
    )
  })

  it('reports a held segment at what hls.js believes already', () => {
    const held = facts({ origin: 'held', transferMs: 3, edgeBps: 9_000_000 })
    expect(sampled(held, estimate)).toBeCloseTo(2_500_000, 0)
    expect(reportedTiming(held, estimate).measured).toBe(false)
  })

  it("takes the fetcher's rate for a held segment while hls.js knows nothing but its default", () => {
    const held = facts({ origin: 'held', edgeBps: 400_000 })
    expect(sampled(held, { ...estimate, bitsPerSecond: 500_000, measured: false })).toBeCloseTo(3_200_000, 0)
  })

  it('teaches hls.js no time to first byte but that of its own edge load', () => {
    const leased = reportedTiming(facts({ origin: 'leased', ttfbMs: 3000, edgeBps: 400_000 }), estimate)
    expect(leased.first - leased.start).toBeCloseTo(estimate.ttfbMs)
    const edge = reportedTiming(facts({ ttfbMs: 40 }), estimate)
    expect(edge.first - edge.start).toBeCloseTo(40)
    const slow = reportedTiming(facts({ ttfbMs: 4000 }), estimate)
    expect(slow.first - slow.start).toBeCloseTo(estimate.ttfbMs)
  })

  it('keeps start ≤ first ≤ end = now, and the sample at the rate reported, for any facts (property)', () => {
    const positive = fc.double({ min: 1, max: 1e8, noNaN: true })
    fc.assert(
      fc.property(
        fc.record({
          origin: fc.constantFrom('edge' as const, 'leased' as const, 'held' as const),
          bytes: fc.integer({ min: 1, max: 20_000_000 }),
          now: fc.double({ min: 1e6, max: 1e8, noNaN: true }),
          ttfbMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
          transferMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
          edgeBps: fc.oneof(fc.constant(0), positive),
        }),
        fc.record({
          bitsPerSecond: fc.oneof(fc.constant(Number.NaN), positive),
          ttfbMs: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 5, max: 3000, noNaN: true })),
          measured: fc.boolean(),
        }),
        (load, player) => {
          const { start, first, end } = reportedTiming(load, player)
          expect(start).toBeLessThanOrEqual(first)
          expect(first).toBeLessThanOrEqual(end)
          expect(end).toBe(load.now)
          expect(Number.isFinite(start)).toBe(true)
        },
      ),
    )
  })
})
