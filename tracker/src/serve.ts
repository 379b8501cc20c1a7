import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { TrackerConfig } from './config/settings.ts'
import { createProcessLog, describeCrash } from './process-log.ts'
import { type ListenOptions, listenTracker } from './server/listen.ts'
import type { Log } from './server/log.ts'
import { type ReadSites, readSites } from './sites/read-sites.ts'
import { TrackerError } from './tracker-error.ts'

/** The tracker as a process of its own: until a signal ends it. */
export async function serve(config: TrackerConfig): Promise<void> {
  const log = logOf(config)
  process.on('uncaughtException', error => {
    log({ level: 'error', event: 'crash', message: describeCrash(error) })
    process.exit(1)
  })
  const file = config.sites
  const { tracker, port, url, close } = await listenTracker({
    ...optionsFrom(config),
    ...(file !== null && { sites: readSitesFile(file) }),
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
  if (file !== null) {
    reportSites(log, file, readSites(readSitesFile(file)))
    // Editors replace files rather than write to them, which polling survives and inotify on the file does not.
    watchFile(file, { interval: 500 }, () => reportSites(log, file, reload(file, tracker.setSites)))
  }
  console.log(JSON.stringify({ ready: true, announce: url }))

  const now = new AbortController()
  let stopping = false
  /** The first SIGTERM drains; SIGINT, or any second signal, stops at once. */
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping || signal === 'SIGINT') now.abort()
    if (stopping) return
    stopping = true
    if (file !== null) unwatchFile(file)
    if (!now.signal.aborted) {
      const connections = tracker.stats().connections
      const message = `Draining ${connections} connections; a second signal stops at once.`
      log({ level: 'info', event: 'draining', message, fields: { connections } })
      await tracker.drain(config.drain, now.signal)
    }
    await close()
    log({ level: 'info', event: 'stopped', message: 'Stopped.' })
    process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  if (file !== null) process.on('SIGHUP', () => reportSites(log, file, reload(file, tracker.setSites)))
}

/** @throws TrackerError */
export function readSitesFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TrackerError(
      'bad-sites',
      `cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}

export function badSites(file: string, read: Extract<ReadSites, { ok: false }>): TrackerError {
  const lines = read.problems.map(({ line, message }) => `  line ${line}: ${message}`)
  return new TrackerError('bad-sites', `${file} has errors:\n${lines.join('\n')}`)
}

/** What a configuration means to the library. */
function optionsFrom(config: TrackerConfig): ListenOptions {
  const { port, host, secret, trustedProxies, proxyHeader, stun, stunUrls, backlogBytes, limits } = config
  const { metrics, http } = config
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
    metrics: { access: metrics.access, token: metrics.token },
    ...(metrics.port !== 0 && { metricsPort: { port: metrics.port, host: metrics.host } }),
    headersMs: http.headersMs,
  }
}

function reload(file: string, apply: (csv: string) => ReadSites): ReadSites {
  try {
    return apply(readSitesFile(file))
  } catch (error) {
    return {
      ok: false,
      problems: [{ line: 0, message: error instanceof Error ? error.message : String(error) }],
    }
  }
}

function reportSites(log: Log, file: string, read: ReadSites): void {
  if (!read.ok) {
    const message = `${badSites(file, read).message}\nThe sites stay as they were.`
    return log({
      level: 'error',
      event: 'sites-refused',
      message,
      fields: { problems: read.problems.length },
    })
  }
  const rows = read.table.rules.length
  log({ level: 'info', event: 'sites-applied', message: `${file}: ${rows} rows apply.`, fields: { rows } })
  for (const { line, message } of read.warnings)
    log({ level: 'warn', event: 'site-unreachable', message: `${file} line ${line}: ${message}` })
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
