import type { Policy } from '../../policy.ts'
import type { Scenario } from '../../scenario.ts'
import { createPmlAgent } from '../pml/agent.ts'
import { acceptPeers, mostPeers, pruneSlowest } from './churn.ts'
import { livePlan, urgentBelowMs } from './live-delay.ts'
import { createSchedule } from './schedule.ts'

/** `webRtcOffersCount`. */
const offers = 5
/** The election is looked at again by a timer too, whatever the swarm's size. */
const electEveryMs = [1_000, 2_000] as const

/** p2p-media-loader's 2026 rewrite (v3 to v5, Apache-2.0), its rules re-told: the rival at its best. */
export function pml5Policy(scenario: Scenario): Policy {
  return {
    name: 'pml5',
    peers: true,
    matching: { type: 'random', offers, offerBelow: mostPeers, acceptBelow: acceptPeers },
    playerPlan: livePlan,
    createAgent(surroundings) {
      const { dice } = surroundings.station
      return createPmlAgent(surroundings, scenario.storeBytes, () => ({
        ...createSchedule(urgentBelowMs(scenario.stream), dice),
        prefetchAfterMs: () => dice.between(...electEveryMs),
        prune: pruneSlowest,
      }))
    },
  }
}
