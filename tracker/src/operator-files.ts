import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type Database, locateIn, readDatabase } from './geo/database.ts'
import type { PolicyRule } from './policy/policy-rule.ts'
import { type ReadPolicies, readPolicies, writeRule } from './policy/read-policies.ts'
import type { Locate } from './registry/network.ts'
import type { Log } from './server/log.ts'
import type { Tracker } from './server/tracker.ts'
import { type ReadSites, readSites } from './sites/read-sites.ts'
import type { SiteTable } from './sites/site-table.ts'
import { TrackerError } from './tracker-error.ts'
import { watchedFile } from './watched-file.ts'

/** Paths of the files by which an operator steers a running tracker; null: none. */
export interface OperatorPaths {
  readonly sites: string | null
  readonly policies: string | null
  readonly asnDatabase: string | null
  readonly countryDatabase: string | null
}

/** What is in them. */
export interface OperatorFiles {
  /** The site file's text and what it says. */
  readonly sites: { readonly csv: string; readonly table: SiteTable } | null
  readonly rules: readonly PolicyRule[]
  readonly locate: Locate
}

/**
 * Reads all of them, for a start or an explanation.
 * @throws TrackerError with every mistake of the first bad file
 */
export function readOperatorFiles(paths: OperatorPaths): OperatorFiles {
  const { sites, policies } = paths
  const csv = sites === null ? null : read(sites, 'bad-sites').toString()
  const json = policies === null ? null : read(policies, 'bad-policies').toString()
  return {
    sites: sites === null || csv === null ? null : { csv, table: soundSites(sites, readSites(csv)).table },
    rules: policies === null || json === null ? [] : soundPolicies(policies, readPolicies(json)).rules,
    locate: locateIn(readDatabases(paths)),
  }
}

/**
 * Applies them to a tracker, now and whenever one changes. A bad one leaves everything as it was, and is logged.
 * @throws TrackerError when one is bad now
 */
export function followOperatorFiles(
  paths: OperatorPaths,
  tracker: Pick<Tracker, 'setSites' | 'setRules' | 'setLocate'>,
  log: Log,
): { reload(): void; close(): void } {
  const appliers = [
    [paths.sites, applySites],
    [paths.policies, applyPolicies],
    [paths.asnDatabase, applyDatabases],
    [paths.countryDatabase, applyDatabases],
  ] as const
  for (const [file, apply] of appliers) if (file !== null) apply(file, read(file, reasonOf(file)))
  const watched = appliers.flatMap(([file, apply]) =>
    file === null
      ? []
      : [
          watchedFile(
            file,
            bytes => apply(file, bytes),
            error => complain(file, error),
          ),
        ],
  )
  return {
    reload() {
      for (const file of watched) file.reload()
    },
    close() {
      for (const file of watched) file.close()
    },
  }

  function applySites(file: string, bytes: Buffer): void {
    const { table, warnings } = soundSites(file, tracker.setSites(bytes.toString()))
    log({
      level: 'info',
      event: 'sites-applied',
      message: `${file}: ${table.rules.length} rows apply.`,
      fields: { rows: table.rules.length },
    })
    for (const { line, message } of warnings)
      log({ level: 'warn', event: 'sites-warning', message: `${file} line ${line}: ${message}` })
  }

  function applyPolicies(file: string, bytes: Buffer): void {
    const { rules } = soundPolicies(file, readPolicies(bytes.toString()))
    tracker.setRules(rules)
    log({ level: 'info', event: 'policies-applied', message: `${file}: ${rules.length} rules apply.` })
  }

  function applyDatabases(file: string): void {
    const databases = readDatabases(paths)
    tracker.setLocate(locateIn(databases))
    const built = databases.map(({ type, builtAt }) => `${type} of ${builtAt.toISOString().slice(0, 10)}`)
    log({ level: 'info', event: 'databases-applied', message: `${file}: ${built.join(', ')} in use.` })
  }

  function complain(file: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    const event =
      file === paths.sites
        ? 'sites-refused'
        : file === paths.policies
          ? 'policies-refused'
          : 'databases-refused'
    log({ level: 'error', event, message: `${why}\nWhat ${file} said before stays in force.` })
  }

  function reasonOf(file: string): TrackerError['reason'] {
    if (file === paths.sites) return 'bad-sites'
    return file === paths.policies ? 'bad-policies' : 'bad-database'
  }
}

/** Replaces the file in one step: a reader sees the old rules or the new ones, and so does a start after a crash. */
export function savePolicies(file: string, rules: readonly PolicyRule[]): void {
  const beside = `${file}.new`
  writeFileSync(beside, `${JSON.stringify({ rules: rules.map(writeRule) }, null, 2)}\n`, { mode: 0o644 })
  renameSync(beside, file)
}

function readDatabases({ asnDatabase, countryDatabase }: OperatorPaths): readonly Database[] {
  const files = [...new Set([asnDatabase, countryDatabase])].filter(file => file !== null)
  return files.map(file => readDatabase(read(file, 'bad-database'), file))
}

function soundSites(file: string, result: ReadSites): Extract<ReadSites, { ok: true }> {
  if (result.ok) return result
  throw badFile(
    'bad-sites',
    file,
    result.problems.map(({ line, message }) => `line ${line}: ${message}`),
  )
}

function soundPolicies(file: string, result: ReadPolicies): Extract<ReadPolicies, { ok: true }> {
  if (result.ok) return result
  throw badFile(
    'bad-policies',
    file,
    result.problems.map(({ rule, message }) => `rule ${rule}: ${message}`),
  )
}

function badFile(reason: TrackerError['reason'], file: string, lines: readonly string[]): TrackerError {
  return new TrackerError(reason, `${file} has errors:\n${lines.map(line => `  ${line}`).join('\n')}`)
}

function read(file: string, reason: TrackerError['reason']): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new TrackerError(
      reason,
      `cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}
