import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { TrackerConfig } from './config/settings.ts'
import { type ListenOptions, listenTracker } from './server/listen.ts'
import { type ReadSites, readSites } from './sites/read-sites.ts'
import { TrackerError } from './tracker-error.ts'

const severity = ['error', 'warn', 'info'] as const

/** The tracker as a process of its own: until a signal ends it. */
export async function serve(config: TrackerConfig): Promise<void> {
  const file = config.sites
  const { tracker, port, url, close } = await listenTracker({
    ...optionsFrom(config),
    ...(file !== null && { sites: readSitesFile(file) }),
    log: ({ level, message }) => {
      if (severity.indexOf(level) <= severity.indexOf(config.log.level)) console.error(`${level}: ${message}`)
    },
  })
  const where = config.host ?? 'all addresses of this machine'
  const kinds = config.stun ? 'TCP, STUN on UDP' : 'TCP'
  console.error(`Nearcast tracker on port ${port} (${kinds}), ${where}. Stop with Ctrl-C.`)
  if (file !== null) {
    reportSites(file, readSites(readSitesFile(file)))
    // Editors replace files rather than write to them, which polling survives and inotify on the file does not.
    watchFile(file, { interval: 500 }, () => reportSites(file, reload(file, tracker.setSites)))
  }
  const keys = config.access.keys
  if (keys !== null) watchFile(keys, { interval: 500 }, () => reloadKeys(keys, config, tracker.setTokenKeys))
  console.log(JSON.stringify({ ready: true, announce: url }))

  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    if (file !== null) unwatchFile(file)
    if (keys !== null) unwatchFile(keys)
    await close()
    process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  if (file !== null) process.on('SIGHUP', () => reportSites(file, reload(file, tracker.setSites)))
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
  const { port, host, secret, trustedProxies, proxyHeader, stun, stunUrls, backlogBytes, access, limits } =
    config
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
      keys: tokenKeys(config),
      ...(access.audience !== null && { audience: access.audience }),
    },
  }
}

/** Texts of all keys that verify join tokens. @throws TrackerError */
function tokenKeys({ access }: TrackerConfig): readonly string[] {
  const { keys, secret } = access
  try {
    return [...(secret === null ? [] : [secret]), ...(keys === null ? [] : [readFileSync(keys, 'utf8')])]
  } catch (error) {
    const why = error instanceof Error ? error.message : error
    throw new TrackerError('bad-access', `cannot read ${keys}: ${why}`, error)
  }
}

function reloadKeys(
  file: string,
  config: TrackerConfig,
  apply: (texts: readonly string[]) => readonly string[],
): void {
  let problems: readonly string[]
  try {
    problems = apply(tokenKeys(config))
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)]
  }
  if (problems.length === 0) console.error(`info: ${file}: the token keys are replaced.`)
  else console.error(`error: ${file}: ${problems.join('; ')}\nThe token keys stay as they were.`)
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

function reportSites(file: string, read: ReadSites): void {
  if (!read.ok) {
    console.error(`error: ${badSites(file, read).message}\nThe sites stay as they were.`)
    return
  }
  console.error(`info: ${file}: ${read.table.rules.length} rows apply.`)
  for (const { line, message } of read.warnings) console.error(`warn: ${file} line ${line}: ${message}`)
}
