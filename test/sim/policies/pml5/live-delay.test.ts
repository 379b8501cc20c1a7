import { expect, it } from 'vitest'
import { officeScenario } from '../../scenario.ts'
import { liveDelayMs, livePlan, playerBufferMs, urgentBelowMs } from './live-delay.ts'

const { stream } = officeScenario
const window = (windowSegments: number, segmentMs = 2_000) => ({ ...stream, windowSegments, segmentMs })

it("stays a segment inside the window's tail, a minute at most, a segment at least", () => {
  expect(liveDelayMs(window(8))).toBe(14_000)
  expect(liveDelayMs(window(100))).toBe(60_000)
  expect(liveDelayMs(window(1))).toBe(2_000)
})

it('buffers to a segment short of the edge, two segments at least', () => {
  expect(playerBufferMs(window(8))).toBe(12_000)
  expect(playerBufferMs(window(2))).toBe(4_000)
})

it('calls the nearer half urgent, 15 s at most, a segment at least; 15 s of a recording', () => {
  expect(urgentBelowMs(window(8))).toBe(6_000)
  expect(urgentBelowMs(window(100))).toBe(15_000)
  expect(urgentBelowMs(window(2))).toBe(2_000)
  expect(urgentBelowMs({ ...stream, kind: 'vod' })).toBe(15_000)
})

it('leaves the player of a recording as it is', () => {
  expect(livePlan(window(8))).toEqual({ liveSyncTargets: 7, goalMs: 12_000 })
  expect(livePlan({ ...stream, kind: 'vod' })).toEqual({})
})
