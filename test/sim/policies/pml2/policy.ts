import type { PlayerPlan } from '../../player.ts'
import type { Policy } from '../../policy.ts'
import type { Scenario } from '../../scenario.ts'
import type { StreamPlan } from '../../stream.ts'
import { createPmlAgent } from '../pml/agent.ts'
import { prefetchAfterMs, prefetchByChance } from './prefetch.ts'
import { schedule } from './schedule.ts'

/** 2.3.1's hls.js integration goes this far from the live edge, or to the first segment listed. */
const mostLiveDelayMs = 120_000
/** What the WebTorrent client offers in one announce. */
const offers = 5

/** p2p-media-loader 2.3.1 (Apache-2.0), its rules re-told: the rival most sites use. */
export function pml2Policy(scenario: Scenario): Policy {
  return {
    name: 'pml2',
    peers: true,
    matching: {
      type: 'random',
      offers,
      offerBelow: Number.POSITIVE_INFINITY,
      acceptBelow: Number.POSITIVE_INFINITY,
    },
    playerPlan: liveSync,
    createAgent(surroundings) {
      const { dice } = surroundings.station
      return createPmlAgent(surroundings, scenario.storeBytes, () => ({
        pass: view => schedule(view, dice),
        prefetch: view => prefetchByChance(view, dice),
        prefetchAfterMs,
        prune: () => [],
      }))
    },
  }
}

/** The same rules held to the player's own latency: what 2.3.1 is worth when it may not raise it. */
export function pml2TightPolicy(scenario: Scenario): Policy {
  return { ...pml2Policy(scenario), name: 'pml2-tight', playerPlan: () => ({}) }
}

export function liveSync({ segmentMs, windowSegments }: StreamPlan): Partial<PlayerPlan> {
  return { liveSyncTargets: Math.min(windowSegments - 1, Math.floor(mostLiveDelayMs / segmentMs)) }
}
