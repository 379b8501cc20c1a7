import { followTokenKeys, readTokenKeys } from './access/key-file.ts'
import type { TrackerConfig } from './config/settings.ts'
import { followOperatorFiles, readOperatorFiles, savePolicies } from './operator-files.ts'
import { type ListenOptions, listenTracker } from './server/listen.ts'
import type { Log } from './server/log.ts'

const severity = ['error', 'warn', 'info'] as const

/** The tracker as a process of its own: until a signal ends it. */
export async function serve(config: TrackerConfig): Promise<void> {
  const log: Log = ({ level, message }) => {
    if (severity.indexOf(level) <= severity.indexOf(config.log.level)) console.error(`${level}: ${message}`)
  }
  // In force before anybody connects.
  const { sites, rules, locate } = readOperatorFiles(config)
  const { tracker, port, url, close } = await listenTracker({
    ...optionsFrom(config),
    ...(sites !== null && { sites: sites.csv }),
    rules,
    locate,
    log,
  })
  const where = config.host ?? 'all addresses of this machine'
  const kinds = config.stun ? 'TCP, STUN on UDP' : 'TCP'
  console.error(`Nearcast tracker on port ${port} (${kinds}), ${where}. Stop with Ctrl-C.`)
  const files = followOperatorFiles(config, tracker, log)
  const keys = followTokenKeys(config.access, tracker, log)
  console.log(JSON.stringify({ ready: true, announce: url }))

  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    files.close()
    keys?.close()
    await close()
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
    policies,
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
    ...(adminToken !== null && { adminToken }),
    ...(policies !== null && { savePolicies: rules => savePolicies(policies, rules) }),
  }
}
