import { type LabEvent, type Scenario, scenario } from './scenario.ts'

export const scenarios: readonly Scenario[] = [
  scenario({ name: 'live-office', about: 'one office, six viewers of a live channel' }),
  scenario({
    name: 'live-two-offices',
    about: 'two offices of three, kept apart by wan=deny',
    sites: [3, 3],
    wan: 'deny',
  }),
  scenario({
    name: 'live-homes',
    about: 'four homes, each behind its own NAT, exchange allowed',
    sites: [1, 1, 1, 1],
  }),
  scenario({
    name: 'vod-staggered',
    about: 'a recording; six viewers, 8 s apart',
    media: 'vod',
    joinEveryMs: 8_000,
  }),
  scenario({
    name: 'vod-together',
    about: 'a recording; six viewers within 3 s',
    media: 'vod',
    joinEveryMs: 600,
  }),
  scenario({
    name: 'thin-wan-2',
    about: 'a line of twice the bit rate for six viewers',
    lineRatio: 2,
    joinEveryMs: 3_100,
  }),
  scenario({
    name: 'thin-wan-1.3',
    about: 'a line of 1.3 times the bit rate for six viewers',
    lineRatio: 1.3,
    joinEveryMs: 3_100,
  }),
  scenario({
    name: 'storm-thin',
    about: 'all six press play within a second, on a line of twice the bit rate',
    lineRatio: 2,
    joinEveryMs: 180,
  }),
  scenario({
    name: 'churn',
    about: 'half of the office dies at once and is replaced',
    events: [{ type: 'churn', atMs: 15_000, everyMs: 2_000 }],
    seconds: 60,
  }),
  scenario({
    name: 'edge-outage',
    about: 'the edge answers 503 for four seconds',
    events: [{ type: 'outage', atMs: 20_000, forMs: 4_000, status: 503 }],
  }),
  scenario({
    name: 'abr-drop',
    about: 'three renditions; the line drops from 12 to 4 Mbit/s and recovers',
    media: 'live-ladder',
    lineRatio: 8,
    lineSteps: [
      { atMs: 15_000, kbps: 4_000 },
      { atMs: 40_000, kbps: 12_000 },
    ],
    seconds: 60,
  }),
  scenario({
    name: 'seek',
    about: 'four viewers of a recording seek about, on a line of six times the bit rate',
    sites: [4],
    media: 'vod',
    lineRatio: 6,
    joinEveryMs: 3_100,
    events: seeks(),
    seconds: 55,
  }),
  scenario({
    name: 'mdns-blocked',
    about: 'no multicast in the office; the STUN server on its LAN connects it',
    multicast: 'blocked',
    stun: 'lan',
  }),
  scenario({
    name: 'lna',
    about: 'the browser denies the local network: plain playback, and diagnose() says so',
    features: ['LocalNetworkAccessChecksWebRTC'],
    seconds: 30,
  }),
  scenario({
    name: 'http-origin',
    about: 'an intranet page without https, so without crypto.subtle',
    origin: 'insecure',
  }),
]

/** In turn the first viewer goes somewhere new, and the others follow to where it has been. */
function seeks(): LabEvent[] {
  return [60, 100, 20].flatMap((to, round) =>
    [0, 1, 2, 3].map((viewer): LabEvent => {
      const after = viewer === 0 ? 0 : 5_000 + viewer * 700
      return { type: 'seek', atMs: 8_000 + round * 13_000 + after, viewer, to: to + viewer * 0.5 }
    }),
  )
}

/**
 * The scenarios of a comma-separated list, `all`, or a family such as `thin-wan`.
 * @throws when a name is unknown, with the known ones
 */
export function pickScenarios(names: string): readonly Scenario[] {
  if (names === 'all') return scenarios
  return names.split(',').flatMap(name => {
    const exact = scenarios.filter(each => each.name === name)
    const found = exact.length > 0 ? exact : scenarios.filter(each => each.name.startsWith(`${name}-`))
    if (found.length === 0) {
      throw new Error(
        `there is no scenario ${name}; there are ${scenarios.map(each => each.name).join(', ')}`,
      )
    }
    return found
  })
}
