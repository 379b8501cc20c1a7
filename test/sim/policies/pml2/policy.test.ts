import { expect, it } from 'vitest'
import { officeScenario } from '../../scenario.ts'
import { liveSync, pml2TightPolicy } from './policy.ts'

const { stream } = officeScenario

it('goes as far from the live edge as the playlist lists, two minutes at most', () => {
  expect(liveSync({ ...stream, windowSegments: 8 })).toEqual({ liveSyncTargets: 7 })
  expect(liveSync({ ...stream, windowSegments: 10 })).toEqual({ liveSyncTargets: 9 })
  expect(liveSync({ ...stream, windowSegments: 500 })).toEqual({ liveSyncTargets: 60 })
})

it("keeps the player's own latency when held to it", () => {
  expect(pml2TightPolicy(officeScenario).playerPlan?.(stream)).toEqual({})
})
