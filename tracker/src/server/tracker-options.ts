import type { WirePolicy } from '@nearcast/peer-core/signalling'
import type { AccessOptions } from '../access/gate.ts'
import type { CandidatePolicy } from '../candidates/screened.ts'
import type { JoinHub } from '../cluster/hub.ts'
import type { MetricsAccess } from '../metrics/metrics-access.ts'
import type { PolicyRule } from '../policy/policy-rule.ts'
import type { RegistryLimits } from '../registry/limits.ts'
import type { Locate } from '../registry/network.ts'
import type { Log } from './log.ts'

export interface TrackerOptions {
  /** Text of the site file; see `readSites`. A bad one throws. @default no sites */
  readonly sites?: string
  /** What applies outside the sites. @default share, wan allow, no caps */
  readonly policy?: WirePolicy
  /** Rules beside the sites, the way `/admin/policy` changes them. @default none */
  readonly rules?: readonly PolicyRule[]
  /** Provider and country of an address; see `locateIn` and `readDatabase`. @default nobody knows */
  readonly locate?: Locate
  /**
   * Opens `/admin/policy` and `/dashboard` to whoever shows it; at least 16 characters. With it, viewers are asked to report.
   * @default none: both are shut, and nobody reports
   */
  readonly adminToken?: string
  /** Keeps what was changed at `/admin/policy` over a restart; throws when it cannot. @default the rules end with the process */
  readonly savePolicies?: (rules: readonly PolicyRule[]) => void
  /** CIDRs of proxies whose forwarding header is believed. @default none */
  readonly trustedProxies?: readonly string[]
  /** The header they write. @default 'x-forwarded-for' */
  readonly proxyHeader?: string
  /**
   * STUN servers that clients are told: URLs, or the UDP port on this machine, reached by the host name the client
   * used. @default none
   */
  readonly stun?: { readonly urls: readonly string[] } | { readonly port: number }
  /** Key of group labels and resume tokens; share it among machines that serve together. @default random */
  readonly secret?: Uint8Array
  readonly limits?: Partial<RegistryLimits>
  /** Which pages may connect, and whether they need join tokens. @default all, and none */
  readonly access?: AccessOptions
  /** Which ICE candidates pass from client to client. @default 'own' */
  readonly candidates?: CandidatePolicy
  /** Whether clients may signal over HTTP where WebSockets are blocked. @default true */
  readonly httpSignalling?: boolean
  /**
   * What the dashboard calls a content, by its manifest's URL, its content id or its info hash (40 hex digits).
   * @default a short label
   */
  readonly contentNames?: Readonly<Record<string, string>>
  /** Bytes that may wait for one slow reader. @default 262144 */
  readonly backlogBytes?: number
  /** Who may read `/metrics`. @default whoever comes from a private address */
  readonly metrics?: MetricsAccess
  /**
   * Makes this one of several machines that serve together; see `createRedisHub`. All need the same `secret`.
   * @default it serves alone
   */
  readonly cluster?: ClusterOptions
  /** @default warnings and errors as text on stderr */
  readonly log?: Log
}

export interface ClusterOptions {
  /** Where the machines meet. */
  readonly join: JoinHub
  /** This machine's name in the others' logs. @default random */
  readonly node?: string
}
