import { type CoreConfig, defaultConfig } from '../../peer-core/src/core/config.ts'
import { type Constant, isConstant } from './core-config.ts'
import type { FigureName } from './sweep-figures.ts'
import type { Variation } from './variation.ts'

/** A scenario with what the command line would change of it. */
export interface World
  extends Pick<
    Variation,
    'viewers' | 'duration' | 'bitrate' | 'lineRatio' | 'churn' | 'uplink' | 'edgeDelay'
  > {
  readonly scenario: string
}

/** One constant, the values it is tried with, and where it matters. */
export interface Sweep {
  readonly constant: Constant
  /** Why it is there and what speaks for more and for less of it. */
  readonly reason: string
  /** In ascending order; the default is one of them. */
  readonly values: readonly number[]
  /** Another constant that has a meaning only as so many times this one. */
  readonly along?: Partial<Record<Constant, number>>
  readonly worlds: readonly World[]
  readonly figures: readonly FigureName[]
}

const office: World = { scenario: 'live-office' }
const fullOffice: World = { scenario: 'live-office', viewers: 24, duration: 60 }
const smallStorm: World = { scenario: 'storm', viewers: 6, duration: 45 }
const storm: World = { scenario: 'storm', viewers: 24, duration: 45 }
const thin: World = { scenario: 'thin', viewers: 24, duration: 60 }
/** Fetchers die here, and leases with them. */
const thinChurn: World = { scenario: 'thin', viewers: 24, churn: 30, duration: 60 }
const largeThinChurn: World = { scenario: 'thin', viewers: 60, churn: 30, duration: 60 }
const thinStorm: World = { scenario: 'storm-thin', viewers: 24, lineRatio: 1.3, duration: 45 }
const smallThinStorm: World = { scenario: 'storm-thin', lineRatio: 1.3, duration: 45 }
const churn: World = { scenario: 'churn' }
const faulty: World = { scenario: 'silent-slow', viewers: 12 }
const busyEdge: World = { scenario: 'edge-503', viewers: 12 }
const jumps: World = { scenario: 'vod-seek' }
const thinJumps: World = { scenario: 'vod-seek', lineRatio: 1.3 }
const recording: World = { scenario: 'vod-staggered' }
const fatRecording: World = { scenario: 'vod-staggered', bitrate: 8 }
const slowUplinks: World = { scenario: 'live-office', viewers: 12, uplink: [1.5, 6] }

const atStart = ['copiesWithJoins', 'startP50', 'startP99', 'stalled', 'duplicate'] as const
const onThinLine = ['copies', 'copiesWithJoins', 'stalls', 'stalled', 'startP50', 'startP99'] as const
const inTrouble = ['copies', 'stalls', 'stalled', 'startP99', 'duplicate'] as const

export const sweeps: readonly Sweep[] = [
  {
    constant: 'startBytes',
    reason:
      'So much a first request takes whatever happens: from here on it ends as soon as a neighbour brings the rest. It is what comes in the time of a connection set-up.',
    values: [16_384, 32_768, 65_536, 131_072, 524_288],
    worlds: [office, smallStorm],
    figures: atStart,
  },
  {
    constant: 'candidateAgeMs',
    reason:
      'A newcomer sees its neighbours and their leases one by one. Too young, and it fetches what is under way; too old, and a small group has nobody to fetch.',
    values: [0, 500, 1_000, 2_000, 4_000, 8_000],
    worlds: [fullOffice, churn, thin],
    figures: ['copies', ...atStart],
  },
  {
    constant: 'minRankDelayMs',
    reason:
      "The next rank must have heard of a lease before its own turn: a round trip, and the other's event loop, which the simulator has no load for.",
    values: [0, 20, 40, 80, 160],
    worlds: [fullOffice],
    figures: ['copies', 'stalled', 'latency', 'duplicate'],
  },
  {
    constant: 'maxRankDelayMs',
    reason: 'Where round trips are long the last ranks would come after the deadline.',
    values: [60, 120, 250, 500, 1_000],
    worlds: [{ scenario: 'live-homes', viewers: 8 }, slowUplinks],
    figures: ['copies', 'stalled', 'startP99', 'duplicate'],
  },
  {
    constant: 'maxThinRankMs',
    reason:
      'On a thin line a first block takes long, and two viewers without a link hear of each other only by relays.',
    values: [40, 150, 300, 600, 1_200],
    worlds: [thin, thinChurn],
    figures: onThinLine,
  },
  {
    constant: 'thinSilentMs',
    reason:
      'A lease that waits in the queue of a full line is silent for a while, and so would be whoever replaced it.',
    values: [250, 500, 1_000, 1_500, 3_000],
    worlds: [thin, thinChurn],
    figures: onThinLine,
  },
  {
    constant: 'thinMemberMs',
    reason:
      'A member of a large group does not see who fetches. Were it to help itself early, hundreds would.',
    values: [1_500, 3_000, 6_000, 12_000],
    worlds: [largeThinChurn],
    figures: onThinLine,
  },
  {
    constant: 'starvedMs',
    reason:
      'Who wants what nobody else wants would find a thin line full for ever. Sooner, and it takes from a line that others need.',
    values: [1_000, 2_000, 4_000, 8_000, Number.POSITIVE_INFINITY],
    worlds: [thinChurn, thinJumps],
    figures: [...onThinLine, 'seek'],
  },
  {
    constant: 'startRankMs',
    reason:
      'Who start together on a thin line do not see each other yet: the first to ask shall have told the others before they ask.',
    values: [0, 25, 50, 100, 200],
    worlds: [smallThinStorm, thinStorm],
    figures: onThinLine,
  },
  {
    constant: 'maxStartRankMs',
    reason:
      'Ranks at a start are guessed from the size of the group. Nobody waits longer than a link takes to come.',
    values: [0, 250, 500, 1_000, 2_000],
    worlds: [smallThinStorm, thinStorm],
    figures: onThinLine,
  },
  {
    constant: 'startLinkMs',
    reason:
      'A link takes 100 to 250 ms to make and a dial in ten fails; on a thin line that is less than a fragment.',
    values: [0, 200, 400, 800, 1_600],
    worlds: [thin, thinStorm],
    figures: onThinLine,
  },
  {
    constant: 'companyMs',
    reason: 'The same for what is not urgent: it can wait for first links, as long as there is a buffer.',
    values: [0, 500, 1_500, 4_000, 8_000],
    worlds: [office, smallStorm],
    figures: ['copies', ...atStart],
  },
  {
    constant: 'crowd',
    reason: 'Among few a start is worth its own first bite; among many these bites are copies.',
    values: [2, 4, 8, 16, Number.POSITIVE_INFINITY],
    worlds: [office, { scenario: 'live-office', viewers: 12, duration: 60 }],
    figures: atStart,
  },
  {
    constant: 'crowdLinkMs',
    reason:
      'In a crowd the first link is there before the edge has answered. Longer, and starts wait for links that failed.',
    values: [0, 150, 300, 600, 1_200],
    worlds: [fullOffice, storm],
    figures: atStart,
  },
  {
    constant: 'startHoldMs',
    reason:
      'A player that shows its first fragment at once stalls on the second, when a thin line is behind. Longer is a later start.',
    values: [0, 1_000, 2_000, 3_500, 5_000, 8_000],
    worlds: [thin, thinStorm],
    figures: [...onThinLine, 'latency'],
  },
  {
    constant: 'seekPatienceMs',
    reason: 'After a seek on a thin line the peers are looked at before the line is used.',
    values: [0, 50, 100, 200, 400],
    worlds: [thinJumps],
    figures: ['copies', 'stalls', 'stalled', 'seek'],
  },
  {
    constant: 'silentMs',
    reason: 'A dead fetcher is replaced after this long at most. Less replaces those that are only slow.',
    values: [500, 1_000, 1_500, 3_000, 6_000],
    worlds: [churn, faulty, slowUplinks],
    figures: inTrouble,
  },
  {
    constant: 'minSilentMs',
    reason:
      'Near the deadline a lease gets this long: an edge answers within it, a request that was replaced comes twice.',
    values: [100, 200, 400, 800, 1_500],
    worlds: [churn, faulty, slowUplinks],
    figures: inTrouble,
  },
  {
    constant: 'urgentSilentMs',
    reason:
      'A start is due at once, so holders get a few round trips to answer. More is waited for silent ones.',
    values: [50, 100, 200, 400, 800],
    worlds: [faulty, jumps],
    figures: ['copiesWithJoins', 'startP50', 'startP99', 'seek', 'stalls', 'duplicate'],
  },
  {
    constant: 'abstainMs',
    reason:
      'Whose uplink is dead takes turns that help nobody. Forever would be wrong after a pause of the network.',
    values: [0, 10_000, 30_000, 90_000],
    worlds: [faulty, slowUplinks],
    figures: inTrouble,
  },
  {
    constant: 'marginMs',
    reason:
      'A segment must be decoded before it is shown, and a prediction may be wrong. More sends to the edge what peers would have brought.',
    values: [0, 200, 400, 800, 1_600],
    worlds: [busyEdge, churn, thin],
    figures: ['copies', 'stalls', 'stalled', 'startP99', 'duplicate'],
  },
  {
    constant: 'backwardsBytes',
    reason:
      'Behind a slow lease the end is taken in bites, so that the two meet: small bites are many requests, large ones come twice.',
    values: [16_384, 65_536, 262_144, 1_048_576],
    worlds: [{ scenario: 'thin-unstated', viewers: 12 }, slowUplinks],
    figures: inTrouble,
  },
  {
    constant: 'pingMs',
    reason:
      'A wire is asked for a sign of life after 1.5 × this and given up after `deadMs`, here three times this.',
    values: [500, 750, 1_500, 3_000, 6_000],
    along: { deadMs: 3 },
    worlds: [churn, faulty],
    figures: [...inTrouble, 'control'],
  },
  {
    constant: 'deadMs',
    reason: 'Two pings must have gone unanswered: a machine that sleeps for a second is not dead.',
    values: [3_000, 4_500, 6_750, 9_000, 18_000],
    worlds: [churn, faulty],
    figures: inTrouble,
  },
  {
    constant: 'minAskWindowBytes',
    reason: 'Before a rate is measured, and of a slow peer, so much is asked at once: eight blocks.',
    values: [16_384, 65_536, 131_072, 524_288],
    worlds: [office, slowUplinks],
    figures: [...inTrouble, 'latency'],
  },
  {
    constant: 'maxAskWindowBytes',
    reason:
      'What is asked of one peer cannot be asked of another without coming twice; a fast link needs two round trips of it.',
    values: [131_072, 524_288, 2_097_152, 8_388_608],
    worlds: [fatRecording],
    figures: ['copiesWithJoins', 'stalled', 'startP99', 'duplicate', 'control'],
  },
  {
    constant: 'linkWindowBytes',
    reason: 'What waits in a link is sent, however urgent another becomes; too little leaves the link idle.',
    values: [16_384, 65_536, 262_144, 1_048_576, 4_194_304],
    worlds: [slowUplinks, fatRecording],
    figures: ['copiesWithJoins', 'stalled', 'startP99', 'duplicate'],
  },
  {
    constant: 'prefetchSegments',
    reason:
      'A segment ahead of the player is one that a neighbour can give. More is memory, and uplink for what may never be watched.',
    values: [0, 1, 2, 3, 5, 8],
    worlds: [office, churn, recording],
    figures: ['copiesWithJoins', 'stalled', 'startP99', 'duplicate', 'control'],
  },
  {
    constant: 'thinCopies',
    reason: 'Below this many copies the careful rules hold: a line that could carry more loses time by them.',
    values: [1, 2, 3, 4, 6, 12],
    worlds: [thinAt(1.3), thinAt(3.5), thinAt(5), thinAt(10)],
    figures: onThinLine,
  },
  {
    constant: 'relayStepBytes',
    reason: 'Each step is a message to every neighbour; a coarser one makes those behind a relay wait.',
    values: [16_384, 32_768, 65_536, 131_072, 262_144],
    worlds: [fullOffice, thin, largeThinChurn],
    figures: ['copies', 'stalled', 'startP99', 'latency', 'control'],
  },
  {
    constant: 'assumedGroupBps',
    reason:
      'A neighbour is believed to be fast until it was measured: too slow a belief asks the edge as well.',
    values: [500_000, 1_000_000, 4_000_000, 12_500_000],
    worlds: [office, slowUplinks],
    figures: atStart,
  },
  {
    constant: 'assumedOutsideBps',
    reason: 'A peer outside is believed to be a home uplink of a few Mbit/s.',
    values: [100_000, 400_000, 1_000_000, 4_000_000],
    worlds: [{ scenario: 'live-homes', viewers: 8 }],
    figures: atStart,
  },
  {
    constant: 'assumedEdgeBps',
    reason:
      'Before its first answer the edge is believed to need a second for a short segment: a start decides by it how long peers may take.',
    values: [125_000, 250_000, 500_000, 2_000_000],
    worlds: [office, jumps],
    figures: [...atStart, 'seek'],
  },
]

function thinAt(lineRatio: number): World {
  return { scenario: 'thin', viewers: 12, lineRatio, duration: 60 }
}

/** Limits, which no world here comes near: what they cost or keep away is said in config.ts. */
export const unswept: readonly Constant[] = ['storeBytes', 'sharedSegmentBytes', 'maxOffersPerPeer']

/** What differs from the default when the constant has this value. */
export function configFor({ constant, along = {} }: Sweep, value: number): Partial<CoreConfig> {
  const all = { [constant]: value }
  for (const [other, times] of Object.entries(along)) all[other] = value * times
  const changed = Object.entries(all).filter(([name, amount]) => defaultConfig[name as Constant] !== amount)
  return Object.fromEntries(changed)
}

/** As `npm run sim --` takes it after `--scenario`. */
export function nameOf(world: World): string {
  const { scenario, viewers, duration, bitrate, lineRatio, churn, uplink, edgeDelay } = world
  const flags = Object.entries({
    viewers,
    'line-ratio': lineRatio,
    bitrate,
    churn,
    uplink: uplink?.join('-'),
    'edge-delay': edgeDelay?.join('-'),
    duration,
  })
  return [
    scenario,
    ...flags.flatMap(([flag, value]) => (value === undefined ? [] : `--${flag} ${value}`)),
  ].join(' ')
}

/** Names by comma; throws an Error that lists those that there are. */
export function parseConstants(text: string): readonly Constant[] {
  return text.split(',').map(name => {
    if (!isConstant(name) || !sweeps.some(sweep => sweep.constant === name))
      throw new Error(
        `"${name}" has no sweep. Those that have: ${sweeps.map(sweep => sweep.constant).join(', ')}`,
      )
    return name
  })
}
