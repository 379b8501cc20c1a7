import { followTokenKeys, readTokenKeys } from './access/key-file.ts'
import { sameRules } from './cluster/cluster.ts'
import { createRedisHub } from './cluster/redis-hub.ts'
import type { TrackerConfig } from './config/settings.ts'
import { followOperatorFiles, readOperatorFiles, savePolicies } from './operator-files.ts'
import type { PolicyRule } from './policy/policy-rule.ts'
import { createProcessLog, describeCrash } from './process-log.ts'
import { type ListenOptions, listenTracker } from './server/listen.ts'
import type { Log } from './server/log.ts'

/** The tracker as a process of its own: until a signal ends it. */
export async function serve(config: TrackerConfig): Promise<void> {
  const log = logOf(config)
  process.on('uncaughtException', error => {
    log({ level: 'error', event: 'crash', message: describeCrash(error) })
    process.exit(1)
  })
  // In force before anybody connects.
  const { sites, rules, locate } = readOperatorFiles(config)
  let written = rules
  /** The policy file decides when it changes; with other machines something else may have been decided since. */
  const followRules = (next: readonly PolicyRule[]) => {
    if (config.cluster.redis !== null && sameRules(next, written)) return
    written = next
    tracker.setRules(next)
  }
  const { tracker, port, url, close } = await listenTracker({
    ...optionsFrom(config),
    ...(config.policies !== null && {
      savePolicies(next: readonly PolicyRule[]) {
        if (config.policies !== null) savePolicies(config.policies, next)
        written = next
      },
    }),
    ...(sites !== null && { sites: sites.csv }),
    rules,
    locate,
    log,
  })
  const where = config.host ?? 'all addresses of this machine'
  const kinds = config.stun ? 'TCP, STUN on UDP' : 'TCP'
  log({
    level: 'info',
    event: 'listening',
    message: `Nearcast tracker on port ${port} (${kinds}), ${where}. Stop with Ctrl-C.`,
    fields: { port, stun: config.stun },
  })
  const files = followOperatorFiles(config, { ...tracker, setRules: followRules }, log)
  const keys = followTokenKeys(config.access, tracker, log)
  console.log(JSON.stringify({ ready: true, announce: url }))

  const now = new AbortController()
  let stopping = false
  /** The first SIGTERM drains; SIGINT, or any second signal, stops at once. */
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping || signal === 'SIGINT') now.abort()
    if (stopping) return
    stopping = true
    files.close()
    keys?.close()
    if (!now.signal.aborted) {
      const connections = tracker.stats().connections
      const message = `Draining ${connections} connections; a second signal stops at once.`
      log({ level: 'info', event: 'draining', message, fields: { connections } })
      const drained = await tracker.drain(config.drain, now.signal)
      const { left, closed, remaining } = drained
      log({
        level: 'info',
        event: 'drained',
        message: `${left} left by themselves, ${closed} were closed, ${remaining} remain.`,
        fields: { ...drained },
      })
    }
    await close()
    log({ level: 'info', event: 'stopped', message: 'Stopped.' })
    process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  process.on('SIGHUP', () => {
    files.reload()
    keys?.reload()
  })
}

/** What a configuration means to the library. */
function optionsFrom(config: TrackerConfig): ListenOptions {
  const {
    port,
    host,
    secret,
    trustedProxies,
    proxyHeader,
    stun,
    stunUrls,
    backlogBytes,
    access,
    limits,
    adminToken,
    cluster,
    metrics,
    http,
  } = config
  return {
    port,
    ...(host !== null && { host }),
    ...(secret !== null && { secret: Buffer.from(secret) }),
    trustedProxies,
    proxyHeader,
    ...(stunUrls.length > 0 && { stun: { urls: stunUrls } }),
    withStun: stun,
    backlogBytes,
    limits,
    candidates: access.candidates,
    access: {
      origins: access.origins,
      native: access.native,
      tokens: access.tokens,
      keys: readTokenKeys(access),
      ...(access.audience !== null && { audience: access.audience }),
    },
    metrics: { access: metrics.access, token: metrics.token },
    ...(metrics.port !== 0 && { metricsPort: { port: metrics.port, host: metrics.host } }),
    headersMs: http.headersMs,
    httpSignalling: http.signalling,
    ...(adminToken !== null && { adminToken }),
    ...(cluster.redis !== null && {
      cluster: {
        join: createRedisHub({
          url: cluster.redis,
          prefix: cluster.prefix,
          sharded: cluster.sharded,
          ...(cluster.redisPassword !== null && { password: cluster.redisPassword }),
        }),
        ...(cluster.node !== null && { node: cluster.node }),
      },
    }),
    contentNames: namesFrom(config.contentNames),
  }
}

function logOf({ log: { level, format } }: TrackerConfig): Log {
  return createProcessLog({
    level,
    format: format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : format,
    // Node writes there at once, so that the last words of a process are written too.
    write: line => process.stderr.write(line),
    wallClock: () => Date.now(),
  })
}

/** `name=content`; a content may hold = itself, as URLs do. */
function namesFrom(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map(item => {
      const at = item.indexOf('=')
      return [item.slice(at + 1).trim(), item.slice(0, at).trim()]
    }),
  )
}
