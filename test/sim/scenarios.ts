import { mixedScenario } from './mixture.ts'
import { officeScenario, type Scenario } from './scenario.ts'

const { stream: live } = officeScenario
const vod = { ...live, kind: 'vod', vodSegments: 150 } as const

/** Everything that `--scenario` knows; options of the command line change single fields. */
export const scenarios: readonly Scenario[] = [
  officeScenario,
  {
    ...officeScenario,
    name: 'live-lab',
    about: 'the same with ten segments in the playlist, as in the office lab',
    stream: { ...live, windowSegments: 10 },
  },
  {
    ...officeScenario,
    name: 'live-two-offices',
    about: 'two offices of three, exchange between them denied',
    sites: 2,
  },
  {
    ...officeScenario,
    name: 'live-demuxed',
    about: 'video and a small audio track',
    stream: { ...live, audioBps: 128_000 },
  },
  {
    ...officeScenario,
    name: 'live-undigested',
    about: 'a publisher without digests',
    stream: { ...live, digests: false },
  },
  {
    ...officeScenario,
    name: 'live-homes',
    about: 'four viewers, each behind a line of its own, that may exchange',
    viewers: 4,
    sites: 4,
    lineRatio: 20,
    uplinkBps: [5_000_000, 20_000_000],
    outsideLinks: 3,
  },
  { ...officeScenario, name: 'one-viewer', about: 'nobody else is here', viewers: 1 },
  {
    ...officeScenario,
    name: 'vod-together',
    about: 'a recording, all within three seconds',
    stream: vod,
    joinOverMs: 3_000,
  },
  {
    ...officeScenario,
    name: 'vod-staggered',
    about: 'a recording, each eight seconds after the last',
    stream: vod,
    joinOverMs: 40_000,
  },
  {
    ...officeScenario,
    name: 'vod-seek',
    about: 'a recording whose viewers jump about',
    stream: vod,
    joinOverMs: 10_000,
    lineRatio: 6,
    actions: [
      { atMs: 20_000, viewer: 1, does: { type: 'seek', toMs: 120_000 } },
      { atMs: 30_000, viewer: 2, does: { type: 'seek', toMs: 121_000 } },
      { atMs: 40_000, viewer: 0, does: { type: 'seek', toMs: 5_000 } },
      { atMs: 45_000, viewer: 3, does: { type: 'pause' } },
      { atMs: 55_000, viewer: 3, does: { type: 'resume' } },
      { atMs: 60_000, viewer: 1, does: { type: 'seek', toMs: 10_000 } },
    ],
  },
  {
    ...officeScenario,
    name: 'thin',
    about: 'a line of 1.3 × the bitrate, stated, viewers joining over 30 s',
    lineRatio: 1.3,
    lineStated: true,
    joinOverMs: 30_000,
  },
  {
    ...officeScenario,
    name: 'thin-unstated',
    about: 'a line of 2 × the bitrate that nobody stated',
    lineRatio: 2,
    joinOverMs: 30_000,
  },
  {
    ...officeScenario,
    name: 'storm',
    about: 'all press play within one second',
    viewers: 12,
    joins: 'storm',
    lineRatio: 10,
  },
  {
    ...officeScenario,
    name: 'storm-thin',
    about: 'all press play within one second, on a line of 2 × the bitrate',
    joins: 'storm',
    lineRatio: 2,
    lineStated: true,
  },
  {
    ...officeScenario,
    name: 'churn',
    about: 'sessions of 30 s, most end without a word',
    viewers: 10,
    churnMs: 30_000,
    joinOverMs: 10_000,
  },
  {
    ...officeScenario,
    name: 'churn-4x',
    about: 'sessions of 60 s that all end without a word, on a line of 4 × the bitrate',
    viewers: 24,
    churnMs: 60_000,
    politeShare: 0,
    lineRatio: 4,
    durationMs: 150_000,
  },
  {
    ...officeScenario,
    name: 'public',
    about: 'a public swarm: 40 ISP groups, uplinks of 1 to 20 Mbit/s, 30 % only take',
    viewers: 1_000,
    sites: 40,
    stream: { ...live, videoBps: 3_000_000 },
    lineRatio: Number.POSITIVE_INFINITY,
    joinOverMs: 60_000,
    durationMs: 120_000,
    uplinkBps: [1_000_000, 20_000_000],
    leech: 0.3,
    outsideLinks: 4,
  },
  {
    ...officeScenario,
    name: 'silent-slow',
    about: 'a fifth of the viewers is silent, a fifth slow',
    viewers: 24,
    faults: { slow: 0.2, silent: 0.2, lying: 0 },
  },
  {
    ...officeScenario,
    name: 'dying-fetcher',
    about: 'whoever fetches most dies without a word, one each ten seconds',
    viewers: 300,
    durationMs: 120_000,
    fetcherDiesMs: 10_000,
  },
  {
    ...officeScenario,
    name: 'split',
    about: 'the office falls into two halves for 20 s',
    viewers: 24,
    durationMs: 120_000,
    partitions: [{ fromMs: 50_000, toMs: 70_000 }],
  },
  {
    ...officeScenario,
    name: 'wifi',
    about: 'thirty viewers on two access points of 120 Mbit/s airtime each',
    viewers: 30,
    wifi: { viewers: 15, airBps: 120_000_000 },
  },
  {
    ...officeScenario,
    name: 'abr-drop',
    about: 'three renditions on a line of 12 Mbit/s that is 4 Mbit/s for forty seconds',
    stream: { ...live, videoBps: 3_000_000, ladderBps: [400_000, 1_500_000, 3_000_000] },
    lineRatio: 4,
    lineChanges: [
      { atMs: 40_000, ratio: 4 / 3 },
      { atMs: 80_000, ratio: 4 },
    ],
    durationMs: 120_000,
  },
  {
    ...officeScenario,
    name: 'faults',
    about: 'slow, silent and lying peers',
    viewers: 10,
    faults: { slow: 0.2, silent: 0.2, lying: 0.1 },
  },
  {
    ...officeScenario,
    name: 'small-store',
    about: 'stores of 2 MB: nothing is kept for long',
    stream: vod,
    joinOverMs: 40_000,
    storeBytes: 2_000_000,
  },
  { ...officeScenario, name: 'leech', about: 'half of the viewers only take', viewers: 8, leech: 0.5 },
  {
    ...officeScenario,
    name: 'tracker-down',
    about: 'the tracker dies at 30 s while viewers still come',
    trackerDownMs: 30_000,
    joinOverMs: 50_000,
  },
  {
    ...officeScenario,
    name: 'edge-503',
    about: 'the edge answers 503 for four seconds',
    outages: [{ fromMs: 45_000, toMs: 49_000, how: 'busy' }],
  },
  {
    ...officeScenario,
    name: 'edge-503-media',
    about: 'the edge answers media with 503 for four seconds; playlists go on, as in the office lab',
    outages: [{ fromMs: 45_000, toMs: 49_000, how: 'media-busy' }],
  },
  {
    ...officeScenario,
    name: 'edge-silent',
    about: 'the edge answers nothing for three seconds',
    outages: [{ fromMs: 45_000, toMs: 48_000, how: 'silent' }],
  },
]

/** What `--scenario` takes; "all" means those with a place in the table. */
export const scenarioNames: readonly string[] = [...scenarios.map(scenario => scenario.name), 'mixed']

/** `mixed` is another world for each seed; the others are what they are. */
export function scenarioFor(name: string, seed: number): Scenario {
  const found = name === 'mixed' ? mixedScenario(seed) : scenarios.find(scenario => scenario.name === name)
  if (found === undefined) throw new Error(`no scenario "${name}"; there are: ${scenarioNames.join(', ')}`)
  return found
}
