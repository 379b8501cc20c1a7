import { createDice, type Dice } from './random.ts'
import { type Action, officeScenario, type Partition, type Scenario } from './scenario.ts'

/** A small world in which anything may happen at once; the seed says what. */
export function mixedScenario(seed: number): Scenario {
  const dice = createDice(seed).fork('mixture')
  const pick = <T>(...items: readonly T[]): T => items[dice.below(items.length)]!
  const viewers = 1 + dice.below(12)
  const durationMs = 60_000
  const kind = dice.chance(0.6) ? 'live' : 'vod'
  return {
    ...officeScenario,
    name: 'mixed',
    about: 'everything by chance',
    viewers,
    sites: dice.chance(0.3) ? 1 + dice.below(viewers) : 1,
    durationMs,
    stream: {
      ...officeScenario.stream,
      kind,
      segmentMs: pick(1_000, 2_000, 4_000),
      videoBps: pick(400_000, 1_500_000, 3_000_000),
      audioBps: pick(0, 0, 96_000),
      init: dice.chance(0.5),
      digests: dice.chance(0.75),
      windowSegments: pick(4, 6, 10),
      vodSegments: pick(8, 60),
    },
    lineRatio: pick(1.3, 2, 4, 10, 40, Number.POSITIVE_INFINITY),
    discipline: pick('fair', 'fifo'),
    lineStated: dice.chance(0.3),
    joins: pick('storm', 'staggered', 'steady'),
    joinOverMs: dice.between(1_000, 20_000),
    churnMs: dice.chance(0.3) ? dice.between(10_000, 40_000) : Number.POSITIVE_INFINITY,
    accessBps: pick(10e6, 100e6, 1e9),
    uplinkBps: dice.chance(0.3) ? [1e6, 20e6] : [100e6, 100e6],
    leech: dice.chance(0.2) ? dice.between(0, 0.6) : 0,
    faults: {
      slow: dice.chance(0.25) ? 0.25 : 0,
      silent: dice.chance(0.25) ? 0.25 : 0,
      lying: dice.chance(0.25) ? 0.25 : 0,
    },
    outages: dice.chance(0.2)
      ? [
          {
            fromMs: 20_000,
            toMs: 20_000 + dice.between(500, 5_000),
            how: pick(seed % 5 === 3 ? 'media-busy' : 'busy', 'silent'),
          },
        ]
      : [],
    fetcherDiesMs: dice.chance(0.15) ? dice.between(5_000, 20_000) : Number.POSITIVE_INFINITY,
    partitions: dice.chance(0.2) ? mixedPartitions(dice, durationMs) : [],
    edgeDelayMs: pick([8, 20], [8, 20], [40, 90]),
    wifi: dice.chance(0.2) ? { viewers: pick(2, 6, 12), airBps: pick(30e6, 150e6) } : null,
    trackerDownMs: dice.chance(0.1) ? dice.between(1_000, durationMs) : Number.POSITIVE_INFINITY,
    outsideLinks: dice.chance(0.3) ? 3 : 0,
    actions: kind === 'vod' || dice.chance(0.2) ? mixedActions(dice, viewers, durationMs) : [],
    storeBytes: dice.chance(0.2) ? 3_000_000 : officeScenario.storeBytes,
  }
}

function mixedPartitions(dice: Dice, durationMs: number): Partition[] {
  const fromMs = dice.between(5_000, durationMs - 15_000)
  return [{ fromMs, toMs: fromMs + dice.between(1_000, 25_000) }]
}

function mixedActions(dice: Dice, viewers: number, durationMs: number): Action[] {
  return Array.from({ length: dice.below(6) }, (): Action => {
    const atMs = dice.between(5_000, durationMs)
    const viewer = dice.below(viewers)
    const luck = dice.next()
    if (luck < 0.6) return { atMs, viewer, does: { type: 'seek', toMs: dice.between(0, 80_000) } }
    return { atMs, viewer, does: { type: luck < 0.8 ? 'pause' : 'resume' } }
  })
}
