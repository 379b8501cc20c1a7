import { parseCidr } from '../address/cidr.ts'
import { accessSettings } from './access-settings.ts'
import { clusterSettings } from './cluster-settings.ts'
import { limitSettings } from './limit-settings.ts'
import { choice, list, optionalText, path, type Setting, secret, text, toggle, whole } from './setting.ts'

/**
 * Everything an operator may set, in the order of `--help`. A new one is one entry here: flag `--group-name`,
 * variable `NEARCAST_GROUP_NAME` and key `group.name` follow; `npm test -- tracker/src/config -u` writes
 * docs/tracker-settings.md anew.
 */
export const settings = {
  port: whole({
    about: 'TCP port of HTTP and WebSocket, and UDP port of STUN; 0 takes any free one.',
    default: 8080,
    unit: 'number',
    min: 0,
    max: 65_535,
  }),
  host: optionalText({ about: 'Address to listen on. Default: all.', unit: 'address' }),
  sites: path({
    about: 'CSV of site,cidr,mode,wan,uploadKbps,lineKbps. A changed file applies while running.',
  }),
  policies: path({
    about:
      'JSON of rules by site and content, such as {"rules": [{"site": "hq", "mode": "off"}]}. A changed file applies while running; what /admin/policy changes is written to it.',
  }),
  asnDatabase: path({
    about:
      'MMDB file that names the provider of an address, such as GeoLite2-ASN.mmdb. A changed file applies while running.',
  }),
  countryDatabase: path({
    about:
      'MMDB file that names the country of an address, such as GeoLite2-Country.mmdb. A changed file applies while running.',
  }),
  adminToken: secret({
    about: 'Token that opens /admin and the dashboard. Default: none, and both are shut.',
    leastChars: 16,
  }),
  contentNames: list({
    about:
      'What the dashboard calls a content, such as "Town hall=https://cdn.example/live.m3u8": a name, and the manifest’s URL, the content id or the info hash. Default: a short label.',
    default: [],
    unit: 'name=content',
    flag: 'content-name',
    check: item => (/^[^=]+=.+$/.test(item) ? null : 'give a name, =, and the content'),
  }),
  secret: secret({
    about: 'Key of group labels and resume tokens. Machines that serve together share it. Default: random.',
    leastChars: 16,
  }),
  trustedProxies: list({
    about: 'Networks of proxies whose forwarding header is believed. Default: none.',
    default: [],
    unit: 'cidr',
    flag: 'trust-proxy',
    check: cidrProblem,
  }),
  proxyHeader: text({
    about:
      'The one header those proxies write: x-forwarded-for, forwarded, or one with a single address such as x-real-ip.',
    default: 'x-forwarded-for',
    unit: 'name',
    check: name => (/^[A-Za-z0-9-]+$/.test(name) ? null : 'give the name of an HTTP header'),
  }),
  stun: toggle({ about: 'Whether STUN answers on UDP.', default: true }),
  stunUrls: list({
    about: 'Tell clients these STUN servers instead of our own.',
    default: [],
    unit: 'url',
    flag: 'stun-url',
    check: url => (/^stuns?:\S+$/.test(url) ? null : 'give a URL such as stun:stun.example.org:3478'),
  }),
  backlogBytes: whole({
    about:
      'Bytes that may wait for one slow reader before it is cut off. Every reader that stalls may cost so much memory.',
    default: 262_144,
    unit: 'bytes',
    min: 65_536,
    max: 67_108_864,
  }),
  access: accessSettings,
  cluster: clusterSettings,
  log: {
    level: choice({
      about: 'What is logged: errors only, warnings too, or what happens as well.',
      default: 'info',
      choices: ['error', 'warn', 'info'],
    }),
    format: choice({
      about: 'json is one object a line, text is for people; auto is text on a terminal and json elsewhere.',
      default: 'auto',
      choices: ['auto', 'json', 'text'],
    }),
  },
  metrics: {
    access: choice({
      about:
        'Who may read /metrics when there is no token: private addresses, anybody (open), or nobody (off).',
      default: 'private',
      choices: ['private', 'open', 'off'],
    }),
    token: secret({
      about: 'When set, /metrics needs it from everywhere: Authorization: Bearer …',
      leastChars: 16,
    }),
    port: whole({
      about: 'A port of its own for /metrics, which the main one then does not have; 0: none.',
      default: 0,
      unit: 'number',
      min: 0,
      max: 65_535,
    }),
    host: text({
      about: 'Address of that port.',
      default: '127.0.0.1',
      unit: 'address',
    }),
  },
  drain: {
    noticeMs: whole({
      about:
        'After SIGTERM, how long /readyz says 503 while all else goes on, until the balancer has noticed; 0: it needs none.',
      default: 5_000,
      unit: 'ms',
      min: 0,
      max: 600_000,
    }),
    spreadMs: whole({
      about: 'Then clients are sent away spread over this. Longer is kinder to the machines that take them.',
      default: 10_000,
      unit: 'ms',
      min: 0,
      max: 3_600_000,
    }),
    graceMs: whole({
      about:
        'What a client that was asked may take after its time has come; then it is closed. Costs nothing while all go.',
      default: 10_000,
      unit: 'ms',
      min: 0,
      max: 3_600_000,
    }),
    totalMs: whole({
      about:
        'Whoever is still here so long after SIGTERM is closed at once. Keep it below what the process manager waits.',
      default: 25_000,
      unit: 'ms',
      min: 0,
      max: 7_200_000,
    }),
  },
  http: {
    signalling: toggle({
      about: 'Whether clients may signal over HTTP, at …/signal, where WebSockets are blocked.',
      default: true,
    }),
    headersMs: whole({
      about: 'Time to send the head of a request, which every upgrade is. Slow ones hold a socket so long.',
      default: 10_000,
      unit: 'ms',
      min: 100,
      max: 600_000,
    }),
  },
  limits: limitSettings,
} as const satisfies SettingTable

export interface SettingTable {
  readonly [name: string]: Setting<unknown> | { readonly [name: string]: Setting<unknown> }
}

/** What the tracker's process runs with: every setting of the table, resolved and readonly. */
export type TrackerConfig = ConfigOf<typeof settings>

export type ConfigOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : ConfigOf<Table[Name]>
}

/** What no single setting can say: [key, what is wrong and what helps]. */
export function conflicts({
  access,
  limits,
  port,
  metrics,
  drain,
  cluster,
  secret: key,
}: TrackerConfig): (readonly [key: string, problem: string])[] {
  const problems: (readonly [string, string])[] = []
  if (limits.partners <= limits.meshSize)
    problems.push([
      'limits.partners',
      `must exceed limits.meshSize, ${limits.meshSize}: everybody in a mesh is a partner`,
    ])
  if (access.tokens !== 'off' && access.keys === null && access.secret === null)
    problems.push(['access.tokens', 'needs a key to verify them: set access.keys or access.secret'])
  if (cluster.redis !== null && key === null)
    problems.push([
      'cluster.redis',
      'needs a secret that all machines of the cluster share: set secretFile, or NEARCAST_SECRET',
    ])
  if (metrics.port !== 0 && metrics.port === port)
    problems.push(['metrics.port', `is the main port: give another, or 0 to have /metrics there`])
  if (drain.totalMs < drain.noticeMs + drain.spreadMs)
    problems.push([
      'drain.totalMs',
      `must be at least drain.noticeMs + drain.spreadMs, ${drain.noticeMs + drain.spreadMs}`,
    ])
  return problems
}

function cidrProblem(item: string): string | null {
  const parsed = parseCidr(item)
  return parsed.ok ? null : parsed.reason
}
