import { createHash } from 'node:crypto'
import { contentId, isHexId, swarmText, type WirePolicy } from '@nearcast/peer-core/signalling'
import { type PolicyRule, scopeOf } from './policy-rule.ts'

/** Something wrong with one rule, in words for whoever wrote it. */
export interface PolicyProblem {
  /** Number of the rule, from 1; 0 when it concerns the whole file. */
  readonly rule: number
  readonly message: string
}

export type ReadPolicies =
  | { readonly ok: true; readonly rules: readonly PolicyRule[] }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

const fieldNames = [
  'site',
  'content',
  'rollout',
  'mode',
  'wan',
  'uploadKbps',
  'lineKbps',
  'maxPeers',
  'integrity',
] as const

/**
 * Reads `{"rules": [{"site": …, "content": …, "mode": …}, …]}`. One bad rule spoils the whole: nothing is half-applied.
 * `content` is an info hash in hex, or what the viewers' players call it: the manifest's URL, or the id set there.
 */
export function readPolicies(text: string): ReadPolicies {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return whole(`not JSON: ${error instanceof Error ? error.message : error}`)
  }
  return parsePolicies(value)
}

export function parsePolicies(value: unknown): ReadPolicies {
  const list = isObject(value) ? value['rules'] : undefined
  if (!isObject(value) || !Array.isArray(list)) return whole('needs the form {"rules": [ … ]}')
  const unknown = Object.keys(value).filter(name => name !== 'rules')
  if (unknown.length > 0) return whole(`"${unknown[0]}" is unknown beside "rules"`)
  const problems: PolicyProblem[] = []
  const rules: PolicyRule[] = []
  const scopes = new Map<string, number>()
  list.forEach((item, i) => {
    const rule = parseRule(item, message => problems.push({ rule: i + 1, message }))
    if (rule === null) return
    const twin = scopes.get(scopeOf(rule))
    if (twin !== undefined) problems.push({ rule: i + 1, message: `has the same scope as rule ${twin}` })
    scopes.set(scopeOf(rule), i + 1)
    rules.push(rule)
  })
  return problems.length > 0 ? { ok: false, problems } : { ok: true, rules }
}

/** One rule of a file or a request, or null when something was reported. */
export function parseRule(value: unknown, report: (message: string) => void): PolicyRule | null {
  if (!isObject(value)) {
    report('is no object')
    return null
  }
  let sound = true
  const bad = (message: string) => {
    sound = false
    report(message)
  }
  for (const name of Object.keys(value))
    if (!(fieldNames as readonly string[]).includes(name))
      bad(`"${name}" is unknown; known are ${fieldNames.join(', ')}`)
  const text = (name: 'site' | 'content', most: number) => {
    const field = value[name]
    if (field === undefined) return undefined
    if (typeof field === 'string' && field !== '' && field.length <= most) return field
    bad(`"${name}" is no text of 1 to ${most} characters`)
    return undefined
  }
  const oneOf = <T extends string>(name: string, choices: readonly T[]) => {
    const field = value[name]
    if (field === undefined) return undefined
    const choice = choices.find(item => item === field)
    if (choice === undefined) bad(`"${name}" is none of ${choices.join(', ')}`)
    return choice
  }
  const whole = (name: string, most: number) => {
    const field = value[name]
    if (field === undefined) return undefined
    if (typeof field === 'number' && Number.isInteger(field) && field >= 0 && field <= most) return field
    bad(`"${name}" is no whole number from 0 to ${most}`)
    return undefined
  }
  const rollout = value['rollout']
  if (rollout !== undefined && !(typeof rollout === 'number' && rollout >= 0 && rollout <= 100))
    bad('"rollout" is no percentage from 0 to 100')
  const site = text('site', 128)
  const content = text('content', 2_048)
  const policy = defined({
    mode: oneOf('mode', ['share', 'leech', 'off']),
    wan: oneOf('wan', ['allow', 'deny']),
    uploadKbps: whole('uploadKbps', 1_000_000_000),
    lineKbps: whole('lineKbps', 1_000_000_000),
    maxPeers: whole('maxPeers', 10_000),
    integrity: oneOf('integrity', ['required', 'prefer', 'audit', 'off']),
  }) satisfies WirePolicy
  if (sound && rollout === undefined && Object.keys(policy).length === 0) bad('decides nothing')
  if (!sound) return null
  return {
    ...(site !== undefined && { site }),
    ...(content !== undefined && { content: infoHashOf(content) }),
    ...(typeof rollout === 'number' && { rollout }),
    policy,
  }
}

/** The form that `parseRule` reads. */
export function writeRule({ policy, ...scope }: PolicyRule): object {
  return { ...scope, ...policy }
}

/** Of a content named by its info hash, by its manifest's URL, or by the id that the site owner set. */
export function infoHashOf(content: string): string {
  if (isHexId(content.toLowerCase())) return content.toLowerCase()
  const text = swarmText(contentId(content) ?? content)
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function whole(message: string): ReadPolicies {
  return { ok: false, problems: [{ rule: 0, message }] }
}
