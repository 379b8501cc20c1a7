/** Every constant of the scheduler, with its reason. Durations in ms, sizes in bytes, rates in bytes a second. */
export interface CoreConfig {
  /** Bytes kept for others. More serves late joiners and seeks; costs memory. @default 268435456 (256 MiB) */
  readonly storeBytes: number
  /** A segment above this goes to the edge alone: it would push everything else out. @default 16777216 */
  readonly sharedSegmentBytes: number
  /** First bite of a starting viewer whose group has others: what a connection set-up's time brings. @default 65536 */
  readonly startBytes: number
  /** A peer becomes a candidate for leases this long after it connected: younger ones still fill their buffer. @default 2000 */
  readonly candidateAgeMs: number
  /** Least distance between two ranks; the rule is 2 × p95 of the group's RTT, but event loops are slower. @default 40 */
  readonly minRankDelayMs: number
  /** Most distance between two ranks. @default 250 */
  readonly maxRankDelayMs: number
  /** And on a thin line, where a rank gives the one before it the time of a first block. @default 300 */
  readonly maxThinRankMs: number
  /** Least silence of a lease on a thin line: whoever replaced it would wait in the same queue. @default 1000 */
  readonly thinSilentMs: number
  /** On a thin line a member of a large group waits this long for its parents before it goes to the edge. @default 6000 */
  readonly thinMemberMs: number
  /** Longer than this no viewer waits for a thin line to become free: it shares it. @default 4000 */
  readonly starvedMs: number
  /** On a thin line rank r waits this × r, at most `maxStartRankMs`, before a first fragment. @default 50 */
  readonly startRankMs: number
  /** @default 500 */
  readonly maxStartRankMs: number
  /** And who has no link yet, though others are here, gives it this long: one takes 100 to 250 ms. @default 400 */
  readonly startLinkMs: number
  /** Who has no link yet, though others are here, waits so long before it takes from the edge what is not urgent. @default 4000 */
  readonly companyMs: number
  /** Among more viewers than these somebody joins all the time. @default 8 */
  readonly crowd: number
  /** There a start gives the first link this long. @default 300 */
  readonly crowdLinkMs: number
  /** On a thin line a first fragment waits at most this long for what follows it. @default 3500 */
  readonly startHoldMs: number
  /** On a thin line a seek looks at peers this long. @default 100 */
  readonly seekPatienceMs: number
  /** A lease or a peer that moves nothing for this long is silent, whatever the deadline. @default 1500 */
  readonly silentMs: number
  /** Least silence that counts when the deadline is near. @default 400 */
  readonly minSilentMs: number
  /** What holders get to answer a start or a seek, before the edge is asked as well. @default 200 */
  readonly urgentSilentMs: number
  /** Whose leases do not reach the others leaves its turns to them this long. @default 30000 */
  readonly abstainMs: number
  /** Kept between a predicted finish and the deadline, for decoding and for being wrong. @default 400 */
  readonly marginMs: number
  /** Backwards completion takes the end in bites of this size. @default 65536 */
  readonly backwardsBytes: number
  /** A wire on which nothing was heard for half as long again is asked for a sign of life this often. @default 1500 */
  readonly pingMs: number
  /** And given up after this long: a dead peer is noticed within five seconds. @default 4500 */
  readonly deadMs: number
  /** Least requests' bytes outstanding at one peer. @default 131072 */
  readonly minAskWindowBytes: number
  /** Most requests' bytes outstanding at one peer. @default 2097152 */
  readonly maxAskWindowBytes: number
  /** Bytes of ours that may wait in one link; the rest waits here, where it can be reordered. @default 262144 */
  readonly linkWindowBytes: number
  /** Segments fetched ahead of the player's own requests, from peers. @default 3 */
  readonly prefetchSegments: number
  /** A line is thin when it carries less than this many copies. @default 3 */
  readonly thinCopies: number
  /** A relay tells others each time it has this much more. @default 65536 */
  readonly relayStepBytes: number
  /** Offers remembered from one peer. @default 4096 */
  readonly maxOffersPerPeer: number
  /** Rate believed of a peer in the group before the first measurement. @default 4000000 */
  readonly assumedGroupBps: number
  /** Rate believed of a peer outside before the first measurement. @default 400000 */
  readonly assumedOutsideBps: number
  /** Rate believed of the edge before the first measurement. @default 500000 */
  readonly assumedEdgeBps: number
}

export const defaultConfig: CoreConfig = {
  storeBytes: 268_435_456,
  sharedSegmentBytes: 16_777_216,
  startBytes: 65_536,
  candidateAgeMs: 2_000,
  minRankDelayMs: 40,
  maxRankDelayMs: 250,
  maxThinRankMs: 300,
  thinSilentMs: 1_000,
  thinMemberMs: 6_000,
  starvedMs: 4_000,
  startRankMs: 50,
  maxStartRankMs: 500,
  startLinkMs: 400,
  companyMs: 4_000,
  crowd: 8,
  crowdLinkMs: 300,
  startHoldMs: 3_500,
  seekPatienceMs: 100,
  silentMs: 1_500,
  minSilentMs: 400,
  urgentSilentMs: 200,
  abstainMs: 30_000,
  marginMs: 400,
  backwardsBytes: 65_536,
  pingMs: 1_500,
  deadMs: 4_500,
  minAskWindowBytes: 131_072,
  maxAskWindowBytes: 2_097_152,
  linkWindowBytes: 262_144,
  prefetchSegments: 3,
  thinCopies: 3,
  relayStepBytes: 65_536,
  maxOffersPerPeer: 4_096,
  assumedGroupBps: 4_000_000,
  assumedOutsideBps: 400_000,
  assumedEdgeBps: 500_000,
}
