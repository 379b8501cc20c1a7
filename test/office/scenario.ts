/** What happens in the lab, as data. */
export interface Scenario {
  readonly name: string
  /** What it shows, in one line. */
  readonly about: string
  /** Viewers of each site. */
  readonly sites: readonly number[]
  readonly media: 'live' | 'vod' | 'live-ladder'
  /** Time between two joins, ms; they go round the sites. */
  readonly joinEveryMs: number
  /** Watched after the last join. */
  readonly seconds: number
  /** Each site's line as a multiple of the stream's bit rate, both ways; 0: as fast as it goes. */
  readonly lineRatio: number
  /** Delay of every answer of the edge, ms; the lab's own round trip is nothing. */
  readonly edgeDelayMs: number
  /** Whether the tracker's site file states the line; unstated, viewers must notice by themselves. */
  readonly lineStated: boolean
  /** What the line carries later, kbit/s, by time since the last join. */
  readonly lineSteps: readonly { readonly atMs: number; readonly kbps: number }[]
  /** `deny`: the operator named the sites and keeps each among itself. */
  readonly wan: 'allow' | 'deny'
  readonly multicast: 'open' | 'blocked'
  /** Where the tracker's STUN server stands. */
  readonly stun: 'internet' | 'lan'
  /** Whether the page is a secure context. */
  readonly origin: 'secure' | 'insecure'
  /** Features of Chromium that are switched on. */
  readonly features: readonly string[]
  readonly events: readonly LabEvent[]
}

/** Times are ms since the last of the first joins. */
export type LabEvent =
  /** Every second viewer's machine dies without a word; as many others join one by one, `everyMs` apart. */
  | { readonly type: 'churn'; readonly atMs: number; readonly everyMs: number }
  | { readonly type: 'outage'; readonly atMs: number; readonly forMs: number; readonly status: number }
  | { readonly type: 'seek'; readonly atMs: number; readonly viewer: number; readonly to: number }

/** One office of six on a line that nobody feels. */
const office: Scenario = {
  name: 'live-office',
  about: 'one office, six viewers of a live channel',
  sites: [6],
  media: 'live',
  // So that they come at different moments of a segment.
  joinEveryMs: 2_300,
  seconds: 45,
  lineRatio: 0,
  edgeDelayMs: 0,
  lineStated: false,
  lineSteps: [],
  wan: 'allow',
  multicast: 'open',
  stun: 'internet',
  origin: 'secure',
  features: [],
  events: [],
}

/** A scenario is the plain office, except for what makes it special. */
export function scenario(special: Pick<Scenario, 'name' | 'about'> & Partial<Scenario>): Scenario {
  return { ...office, ...special }
}

/** The same with other numbers of viewers or seconds; 0 leaves them. Seeks of viewers that are not there fall away. */
export function resize(given: Scenario, viewers: number, seconds: number): Scenario {
  const sites =
    viewers === 0
      ? given.sites
      : given.sites.map(count => (given.sites.length > 1 && count === 1 ? 1 : viewers))
  const last = Math.max(...sites)
  return {
    ...given,
    sites,
    seconds: seconds === 0 ? given.seconds : seconds,
    events: given.events.filter(event => event.type !== 'seek' || event.viewer < last),
  }
}
