import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WirePolicy } from '@nearcast/peer-core/signalling'
import type { Hono } from 'hono'
import { type Admission, createGate } from '../access/gate.ts'
import type { Grant } from '../access/grant.ts'
import { addressKey, parseAddress } from '../address/address.ts'
import { parseCidr } from '../address/cidr.ts'
import { type Cluster, createCluster } from '../cluster/cluster.ts'
import { Outbox } from '../cluster/outbox.ts'
import { createDashboardRoutes } from '../dashboard/dashboard-routes.ts'
import { createHttpSignalling } from '../http-signalling/http-signalling.ts'
import { clusterMetrics } from '../metrics/cluster-metrics.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { MetricsAccess, Reader } from '../metrics/metrics-access.ts'
import {
  httpSignallingMetrics,
  registryMetrics,
  reportMetrics,
  socketMetrics,
} from '../metrics/tracker-metrics.ts'
import { createPolicyRoutes } from '../policy/policy-routes.ts'
import type { PolicyRule } from '../policy/policy-rule.ts'
import type { Action } from '../registry/action.ts'
import type { Locate } from '../registry/network.ts'
import { createRegistry, type OpenInfo, type RegistryStats } from '../registry/registry.ts'
import { addNames } from '../registry/reporting.ts'
import { createReports } from '../reports/reports.ts'
import { type ReadSites, readSites } from '../sites/read-sites.ts'
import { TrackerError } from '../tracker-error.ts'
import { createAdminToken } from './admin-token.ts'
import { type BunHandlers, createBunHandlers } from './bun-handlers.ts'
import { type Caller, callerIn } from './caller.ts'
import { clientAddress, isForwarded } from './client-address.ts'
import { type Drained, type DrainOptions, drain } from './drain.ts'
import type { Log } from './log.ts'
import { createNodeUpgrades, type Doorkeeper } from './node-upgrades.ts'
import { createProxyCheck } from './proxy-check.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import { createAdminRoutes, createRoutes } from './routes.ts'
import { createSockets } from './sockets.ts'
import { stunUrlFor } from './stun-urls.ts'
import type { TrackerOptions } from './tracker-options.ts'

/** A tracker to mount on any http server, beside whatever else that serves. */
export interface Tracker {
  /** `/healthz`, `/readyz`, `/metrics`, `/admin/policy`, `/dashboard` and a greeting at `/`. */
  readonly app: Hono
  /** The same without the greeting and with `/metrics` in any case, for a port of their own. */
  adminApp(access?: MetricsAccess): Hono
  /** Figures of other rooms may be added to it. */
  readonly metrics: Metrics
  /** Anything may hold it up; `/readyz` tells. */
  readonly readiness: Readiness
  /** Takes every WebSocket upgrade of the server, whatever the path. Returns how to detach. */
  attach(server: Server): () => void
  /** For servers that dispatch upgrades themselves. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** The app and the WebSockets for `Bun.serve`, which has no use for `attach`. */
  forBun(): BunHandlers
  /** Takes a new site file. When it has a bad row nothing changes. Viewers hear of changes within a second. */
  setSites(csv: string): ReadSites
  /** Switches something at run time for a site, or for all with null. `{ mode: 'off' }` is the kill switch. */
  setOverride(site: string | null, override: WirePolicy | null): void
  /** The rules in force beside the sites. */
  rules(): readonly PolicyRule[]
  /** Replaces all of them, what was set by `setOverride` and at `/admin/policy` too. */
  setRules(rules: readonly PolicyRule[]): void
  /** Replaces what says the provider and country of an address; see `locateIn` and `readDatabase`. */
  setLocate(locate: Locate): void
  /** Adds to what the dashboard calls contents; holds for viewers who report for the first time from now on. */
  nameContents(names: Readonly<Record<string, string>>): void
  /** Tells clients of this STUN port from now on, unless URLs were given. */
  announceStun(port: number): void
  /** Takes other keys for join tokens. Returns what is wrong with them; then nothing has changed. */
  setTokenKeys(texts: readonly string[]): readonly string[]
  stats(): RegistryStats
  /**
   * Empties the tracker before it closes: not ready, no upgrades, our clients move to wherever the URL leads next,
   * others are closed little by little. Aborting ends it at once.
   */
  drain(options?: DrainOptions, signal?: AbortSignal): Promise<Drained>
  close(): Promise<void>
}

/** How long a start waits for the cluster. */
const joinMs = 3_000
const unreachable = 'the cluster cannot be reached'

/** Rule changes and group sizes reach viewers with this delay at most, ms. */
const sweepMs = 100

export function createTracker(options: TrackerOptions = {}): Tracker {
  const log = options.log ?? logToStderr
  const now = () => performance.now()
  const gate = createGate(options.access)
  const said = new Set<string>()
  const admin = createAdminToken(options.adminToken ?? null, now, addressOf)
  const reports = admin.isSet ? createReports() : null
  const contentNames = new Map<string, string>()
  addNames(contentNames, options.contentNames ?? {})
  const outbox = options.cluster ? new Outbox({ node: nodeId(options) }) : null
  const registry = createRegistry({
    now,
    wallClock: () => Date.now(),
    random: () => Math.random(),
    secret: options.secret ?? randomBytes(32),
    ...(options.policy && { policy: options.policy }),
    ...(options.locate && { locate: options.locate }),
    ...(options.limits && { limits: options.limits }),
    ...(options.candidates && { candidates: options.candidates }),
    tokens: gate.tokens,
    ...(outbox && { cluster: outbox }),
    ...(reports && { reports }),
    contentNames,
  })
  const trust = {
    proxies: (options.trustedProxies ?? []).map(proxy),
    header: options.proxyHeader ?? 'x-forwarded-for',
  }
  const checkProxy = createProxyCheck(log)
  let stun = options.stun ?? null
  const { backlogBytes = 262_144 } = options
  const sockets = createSockets({ registry, elsewhere, backlogBytes })
  const doorkeeper: Doorkeeper = {
    admit(caller) {
      const admission = admit(caller)
      if (admission instanceof Promise) return admission.then(noted)
      return noted(admission)
    },
    identify,
  }
  const upgrades = createNodeUpgrades(sockets, doorkeeper)
  const http = createHttpSignalling({
    registry,
    admit,
    allowsOrigin: gate.allowsOrigin,
    identify,
    perform: sockets.perform,
    now,
    backlogBytes,
  })
  if (options.rules !== undefined) registry.setRules(options.rules)
  if (options.sites !== undefined) {
    const read = setSites(options.sites)
    if (!read.ok) {
      const where = read.problems.map(({ line, message }) => `line ${line}: ${message}`).join('\n')
      throw new TrackerError('bad-sites', `the site file has errors:\n${where}`)
    }
  }

  const readiness = createReadiness()
  const metrics = createMetrics()
  metrics.add(registryMetrics(registry.stats, registry.groupSizes))
  metrics.add(socketMetrics(sockets.counters, readiness))
  if (reports) metrics.add(reportMetrics(reports.counts))
  metrics.add(httpSignallingMetrics(http))
  const facts = {
    startedAt: now(),
    now,
    stats: registry.stats,
    readiness,
    metrics,
    metricsAccess: options.metrics ?? {},
    readerOf,
  }
  const cluster = joinCluster()
  const sweeping = setInterval(() => {
    sockets.perform(registry.sweep())
    cluster?.tick()
  }, sweepMs)
  const pinging = setInterval(() => {
    sockets.pingSome()
    http.tend()
  }, 1_000)
  const detachers = new Set<() => void>()

  const closing = new AbortController()
  const policyRoutes = createPolicyRoutes({
    admin,
    rules: registry.rules,
    setRules,
    save: options.savePolicies ?? null,
    log,
  })
  const dashboardRoutes = createDashboardRoutes({
    admin,
    reports,
    now,
    wallClock: () => Date.now(),
    peers: () => registry.stats().peers,
    closed: closing.signal,
  })
  const withAdmin = (app: Hono) =>
    app.route('/admin/policy', policyRoutes).route('/dashboard', dashboardRoutes)

  const app = withAdmin(createRoutes(facts, options.httpSignalling === false ? [] : [http.routes]))

  return {
    app,
    adminApp: (access = facts.metricsAccess) =>
      withAdmin(createAdminRoutes({ ...facts, metricsAccess: access })),
    metrics,
    readiness,
    attach(server) {
      const detach = upgrades.attach(server)
      detachers.add(detach)
      return () => {
        detachers.delete(detach)
        detach()
      }
    },
    upgrade: upgrades.upgrade,
    forBun: () => createBunHandlers(app, sockets, doorkeeper, backlogBytes),
    setSites,
    setOverride(site, override) {
      registry.setOverride(site, override)
      cluster?.shareRules(registry.rules())
    },
    rules: registry.rules,
    setRules,
    setLocate: registry.setLocate,
    nameContents: names => addNames(contentNames, names),
    announceStun(port) {
      stun ??= { port }
    },
    setTokenKeys: texts => gate.setKeys(texts),
    stats: () => registry.stats(),
    async drain(drainOptions = {}, signal = new AbortController().signal) {
      // Nobody is sent here from now on; that the others know it does not hold up whoever is here.
      const left = cluster?.leave()
      const drained = await drain(
        drainOptions,
        {
          readiness,
          carriers: [sockets, http],
          dismiss: registry.dismiss,
          perform: sockets.perform,
          now,
          random: () => Math.random(),
        },
        signal,
      )
      await left
      return drained
    },
    async close() {
      closing.abort()
      clearInterval(sweeping)
      clearInterval(pinging)
      http.close()
      await Promise.all([sockets.close(), cluster?.close()])
      for (const detach of detachers) detach()
      detachers.clear()
    },
  }

  /** Everywhere. */
  function setRules(rules: readonly PolicyRule[]): void {
    registry.setRules(rules)
    cluster?.shareRules(rules)
  }

  function joinCluster(): Cluster | null {
    if (options.cluster === undefined || outbox === null || registry.cluster === null) return null
    // The rules of the others come first; without the others it must not wait for ever.
    const joined = readiness.hold('joining the cluster')
    const late = setTimeout(joined, joinMs)
    let mend = readiness.note(unreachable)
    const joining = createCluster({
      join: options.cluster.join,
      outbox,
      side: registry.cluster,
      perform: sockets.perform,
      rules: registry.rules,
      setRules: registry.setRules,
      onChange(isUp) {
        mend()
        if (!isUp) {
          mend = readiness.note(unreachable)
          return
        }
        clearTimeout(late)
        joined()
      },
      log,
      now,
    })
    metrics.add(clusterMetrics(joining.facts))
    return joining
  }

  function setSites(csv: string): ReadSites {
    const read = readSites(csv)
    if (read.ok) registry.setSites(read.table)
    return read
  }

  function admit({ url, headers }: Caller): Admission | Promise<Admission> {
    return gate.admit({ url, origin: headers.origin })
  }

  function noted(admission: Admission): Admission {
    if (!admission.ok) sayOnce(admission.reason)
    return admission
  }

  /** Whoever is turned away may come back a thousand times; that it happens at all is what the operator must know. */
  function sayOnce(reason: string): void {
    if (said.has(reason)) return
    said.add(reason)
    log({
      level: 'warn',
      event: 'turned-away',
      message: `Turned a client away: ${reason}. Further ones are counted and not logged.`,
    })
  }

  function elsewhere(action: Action): void {
    if (action.type !== 'verify') return http.perform(action)
    const { to, token } = action
    void gate.verify(token).then(result => sockets.perform(registry.verified(to, token, result)))
  }

  function readerOf({ remoteAddress, headers }: Caller): Reader {
    const from = parseAddress(remoteAddress ?? '')
    const address = from === null ? null : clientAddress(from, headers, trust)
    return {
      address,
      isForwarded: isForwarded(headers) && address === from,
      authorization: headers.authorization,
    }
  }

  /** Whose wrong admin tokens count together; '' where nobody can tell. */
  function addressOf(bindings: unknown): string {
    const caller = callerIn(bindings)
    const address = caller === null ? null : readerOf(caller).address
    return address === null ? '' : addressKey(address)
  }

  function identify(caller: Caller, grant: Grant | null): OpenInfo | null {
    const { headers } = caller
    const socketAddress = parseAddress(caller.remoteAddress ?? '')
    if (socketAddress === null) return null
    const address = clientAddress(socketAddress, headers, trust)
    checkProxy(address, trust.proxies.length === 0 && isForwarded(headers))
    const { origin } = headers
    return {
      address,
      ice: iceFor(caller),
      ...(origin !== undefined && { origin }),
      ...(grant !== null && { grant }),
    }
  }

  function iceFor(caller: Caller): readonly string[] {
    if (stun === null) return []
    if ('urls' in stun) return stun.urls
    const url = stunUrlFor(caller, stun.port)
    return url === null ? [] : [url]
  }
}

/** Its name and something random: a process that comes back under its name is another node. */
function nodeId({ cluster, secret }: TrackerOptions): string {
  if (secret === undefined)
    throw new TrackerError(
      'bad-cluster',
      'machines that serve together need the same secret: without it each would call the same group something else',
    )
  const random = randomBytes(4).toString('hex')
  return cluster?.node === undefined ? random : `${cluster.node}~${random}`
}

function proxy(text: string) {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new TrackerError('bad-proxy', `trusted proxy ${parsed.reason}`)
  return parsed.cidr
}

function logToStderr({ level, message }: Parameters<Log>[0]): void {
  if (level !== 'info') console.error(`${level}: ${message}`)
}
