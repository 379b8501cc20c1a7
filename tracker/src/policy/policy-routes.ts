import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { AdminToken } from '../server/admin-token.ts'
import type { Log } from '../server/log.ts'
import { describeScope, type PolicyRule, scopeOf } from './policy-rule.ts'
import { infoHashOf, parsePolicies, parseRule, type ReadPolicies, writeRule } from './read-policies.ts'

export interface PolicyRoutesOptions {
  readonly admin: AdminToken
  readonly rules: () => readonly PolicyRule[]
  readonly setRules: (rules: readonly PolicyRule[]) => void
  /** Keeps the rules over a restart; when it throws nothing is applied. Null: they end with the process. */
  readonly save: ((rules: readonly PolicyRule[]) => void) | null
  readonly log: Log
}

/** Ten thousand rules fit. */
const bodyBytes = 1 << 20

/**
 * Policy at run time over HTTP, for whoever shows the admin token. GET: the rules. PUT: one rule, which replaces the
 * one of its scope, or all of them as `{"rules": […]}`. DELETE: takes one back, by `?site=…&content=…`. A rule without a scope
 * and `"mode": "off"` is the kill switch.
 */
export function createPolicyRoutes({ admin, rules, setRules, save, log }: PolicyRoutesOptions): Hono {
  const app = new Hono()
  const state = () => ({ rules: rules().map(writeRule), persistent: save !== null })

  app.use('*', async (c, next) => {
    c.header('Cache-Control', 'no-store')
    const verdict = admin.admits(c.req.raw.headers, c.env)
    if (verdict === 'admitted') return next()
    if (verdict === 'busy') return c.json({ error: 'too many wrong tokens; try again in a second' }, 429)
    const error = admin.isSet
      ? 'show the admin token: Authorization: Bearer …'
      : 'no admin token is configured'
    return c.json({ error }, 401, { 'WWW-Authenticate': 'Bearer' })
  })

  app.get('/', c => c.json(state()))

  app.put(
    '/',
    bodyLimit({ maxSize: bodyBytes, onError: c => c.json({ error: 'too large' }, 413) }),
    async c => {
      // Another type could be sent by a foreign page without asking first, with the cookie of a signed-in administrator.
      if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
        return c.json({ error: 'send application/json' }, 415)
      let body: unknown
      try {
        body = await c.req.json()
      } catch {
        return c.json({ error: 'not JSON' }, 400)
      }
      const read =
        typeof body === 'object' && body !== null && 'rules' in body ? parsePolicies(body) : one(body)
      if (!read.ok) return c.json({ error: 'nothing was changed', problems: read.problems }, 400)
      const changed = 'rules' in (body as object) ? read.rules : merged(rules(), read.rules)
      return apply(changed, read.rules.map(rule => `${describeScope(rule)}: ${decision(rule)}`).join('; '))
        ? c.json(state())
        : c.json({ error: 'the rules could not be saved; nothing was changed' }, 500)
    },
  )

  app.delete('/', c => {
    const site = c.req.query('site')
    const content = c.req.query('content')
    const scope = {
      ...(site !== undefined && { site }),
      ...(content !== undefined && { content: infoHashOf(content) }),
    }
    const left = rules().filter(rule => scopeOf(rule) !== scopeOf(scope))
    if (left.length === rules().length) return c.json({ error: 'no rule has this scope' }, 404)
    return apply(left, `${describeScope(scope)}: taken back`)
      ? c.json(state())
      : c.json({ error: 'the rules could not be saved; nothing was changed' }, 500)
  })

  return app

  function apply(changed: readonly PolicyRule[], what: string): boolean {
    try {
      save?.(changed)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      log({ level: 'error', event: 'policy-not-saved', message: `policy was not changed: ${why}` })
      return false
    }
    setRules(changed)
    log({
      level: 'info',
      event: 'policy',
      message: `an administrator changed the policy: ${what || 'no rules'}`,
    })
    return true
  }
}

function one(body: unknown): ReadPolicies {
  const problems: { rule: number; message: string }[] = []
  const rule = parseRule(body, message => problems.push({ rule: 1, message }))
  return rule === null ? { ok: false, problems } : { ok: true, rules: [rule] }
}

function merged(rules: readonly PolicyRule[], changed: readonly PolicyRule[]): readonly PolicyRule[] {
  const scopes = new Set(changed.map(scopeOf))
  return [...rules.filter(rule => !scopes.has(scopeOf(rule))), ...changed]
}

function decision({ rollout, policy }: PolicyRule): string {
  return JSON.stringify({ ...(rollout !== undefined && { rollout }), ...policy })
}
