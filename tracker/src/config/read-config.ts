import { dirname, resolve } from 'node:path'
import { type FileValue, readConfigFile } from './config-file.ts'
import { type Entry, entriesOf } from './entries.ts'
import { nearest } from './nearest.ts'
import { type ConfigOf, conflicts, type SettingTable, settings, type TrackerConfig } from './settings.ts'

/** Where a value came from: `--port`, `NEARCAST_PORT`, `nearcast.yaml line 4` or `default`. */
export interface Effective {
  readonly key: string
  readonly value: unknown
  readonly from: string
  readonly isSecret: boolean
  /** Hides what others must not see of a value that is no secret as a whole; null: nothing. */
  readonly mask: ((value: string) => string) | null
}

export type ReadConfig =
  | { readonly ok: true; readonly config: TrackerConfig; readonly effective: readonly Effective[] }
  /** All of them at once, each a sentence that names the setting, its place and the remedy. */
  | { readonly ok: false; readonly problems: readonly string[] }

export interface ConfigSources {
  /** What was typed, by flag without `--`; switches are booleans, lists arrays. */
  readonly flags: ReadonlyMap<string, FlagValue>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Folder to which paths in flags and variables are relative. */
  readonly folder: string
  /** @throws Error that says why not */
  readonly readFile: (path: string) => string
}

export type FlagValue = string | boolean | readonly string[]

/** Variables of other programs of ours, and what Kubernetes makes of a service called "nearcast". */
const foreign = /^NEARCAST_(CWD|LAB_MEDIA|NAMESPACE|CHROMIUM|CONFIG|SERVICE_.*|PORT_\d+_.*)$/

/** Flags go before variables, variables before the file, the file before defaults. */
export function readConfig(sources: ConfigSources): ReadConfig {
  const entries = entriesOf(settings)
  const problems: string[] = []
  const file = openFile(sources, problems)
  reportUnknown(sources, file, entries, problems)
  const effective = entries.map(entry => resolveEntry(entry, sources, file, problems))
  if (problems.length > 0) return { ok: false, problems }
  const values = new Map(effective.map(({ key, value }) => [key, value]))
  const config = assemble(settings, values) as TrackerConfig
  for (const [key, problem] of conflicts(config)) {
    const from = effective.find(item => item.key === key)?.from ?? 'default'
    problems.push(`${key} (${from}) ${problem}`)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config, effective }
}

interface OpenedFile {
  readonly name: string
  readonly folder: string
  readonly values: ReadonlyMap<string, FileValue>
}

function openFile({ flags, environment, folder, readFile }: ConfigSources, problems: string[]): OpenedFile {
  const typed = flags.get('config')
  const name = typeof typed === 'string' ? typed : (environment['NEARCAST_CONFIG'] ?? null)
  if (name === null || name === '') return { name: '', folder, values: new Map() }
  const path = resolve(folder, name)
  try {
    const { values, problems: wrong } = readConfigFile(readFile(path))
    for (const { line, message } of wrong) problems.push(`${name} line ${line}: ${message}`)
    return { name, folder: dirname(path), values }
  } catch (error) {
    problems.push(`cannot read the configuration file: ${error instanceof Error ? error.message : error}`)
    return { name, folder, values: new Map() }
  }
}

function reportUnknown(
  { environment }: ConfigSources,
  file: OpenedFile,
  entries: readonly Entry[],
  problems: string[],
): void {
  const keys = entries.flatMap(namesOf(entry => entry.key, 'File'))
  for (const [key, { line }] of file.values) {
    if (keys.includes(key)) continue
    problems.push(`${key} (${file.name} line ${line}) is no setting${alike(key, keys)}`)
  }
  const variables = entries.flatMap(namesOf(entry => entry.variable, '_FILE'))
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('NEARCAST_') || foreign.test(name) || variables.includes(name)) continue
    problems.push(`${name} (environment) is no setting${alike(name, variables)}`)
  }
}

function namesOf(name: (entry: Entry) => string, fileSuffix: string): (entry: Entry) => string[] {
  return entry => (entry.setting.kind === 'secret' ? [name(entry), name(entry) + fileSuffix] : [name(entry)])
}

function alike(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return meant === null ? ': --help lists what there is' : `: did you mean ${meant}?`
}

interface Found {
  readonly value: unknown
  readonly from: string
  /** Folder to which a path is relative. */
  readonly folder: string
}

function resolveEntry(entry: Entry, sources: ConfigSources, file: OpenedFile, problems: string[]): Effective {
  const { key, setting } = entry
  const isSecret = setting.kind === 'secret'
  const { mask } = setting
  const found = isSecret ? findSecret(entry, sources, file, problems) : find(entry, sources, file)
  if (found === null) return { key, value: setting.default, from: 'default', isSecret, mask }
  const { value, from, folder } = found
  const reading = setting.read(value)
  if (!reading.ok) {
    const shown = isSecret
      ? 'is not good'
      : `is ${JSON.stringify(mask !== null && typeof value === 'string' ? mask(value) : value)}`
    problems.push(`${key} (${from}) ${shown}: ${reading.problem}`)
    return { key, value: setting.default, from, isSecret, mask }
  }
  const isPath = setting.kind === 'path' && typeof reading.value === 'string'
  return { key, value: isPath ? resolve(folder, String(reading.value)) : reading.value, from, isSecret, mask }
}

function find(
  { key, flag, variable, setting }: Entry,
  sources: ConfigSources,
  file: OpenedFile,
): Found | null {
  const typed = sources.flags.get(flag)
  const switched = typed === false ? `--no-${flag}` : `--${flag}`
  if (typed !== undefined) return { value: typed, from: switched, folder: sources.folder }
  const said = sources.environment[variable]
  if (said !== undefined && said !== '') {
    const value = setting.kind === 'list' ? said.split(',').map(item => item.trim()) : said
    return { value, from: variable, folder: sources.folder }
  }
  const written = file.values.get(key)
  if (written === undefined) return null
  return { value: written.value, from: `${file.name} line ${written.line}`, folder: file.folder }
}

/** The value itself, or what the named file holds, without white space around it. */
function findSecret(
  { key, flag, variable }: Entry,
  { flags, environment, folder, readFile }: ConfigSources,
  file: OpenedFile,
  problems: string[],
): Found | null {
  const inFile = file.values.get(`${key}File`)
  const written = file.values.get(key)
  const candidates: readonly (readonly [value: unknown, from: string, folder: string | null])[] = [
    [flags.get(flag), `--${flag}`, folder],
    [environment[`${variable}_FILE`] || undefined, `${variable}_FILE`, folder],
    [environment[variable] || undefined, variable, null],
    [inFile?.value, `${file.name} line ${inFile?.line}`, file.folder],
    [written?.value, `${file.name} line ${written?.line}`, null],
  ]
  const found = candidates.find(([value]) => value !== undefined)
  if (found === undefined) return null
  const [value, from, base] = found
  if (base === null) return { value, from, folder }
  try {
    return { value: readFile(resolve(base, String(value))).trim(), from, folder: base }
  } catch (error) {
    problems.push(`${key} (${from}): ${error instanceof Error ? error.message : error}`)
    return null
  }
}

function assemble(table: SettingTable, values: ReadonlyMap<string, unknown>): ConfigOf<SettingTable> {
  const config: Record<string, unknown> = {}
  for (const { key } of entriesOf(table)) {
    const [group, name] = key.split('.')
    if (group === undefined) continue
    if (name === undefined) config[group] = values.get(key)
    else config[group] = { ...(config[group] as object | undefined), [name]: values.get(key) }
  }
  return config as ConfigOf<SettingTable>
}
