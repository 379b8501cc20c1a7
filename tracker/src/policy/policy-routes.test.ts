import { beforeEach, describe, expect, test } from 'vitest'
import { createAdminToken } from '../server/admin-token.ts'
import type { LogEntry } from '../server/log.ts'
import { createPolicyRoutes } from './policy-routes.ts'
import type { PolicyRule } from './policy-rule.ts'

const token = 'correct-horse-battery'
const hash = 'ab'.repeat(20)
let rules: readonly PolicyRule[]
let logged: LogEntry[]
let failing: boolean
let saved: readonly PolicyRule[] | null

beforeEach(() => {
  rules = []
  logged = []
  failing = false
  saved = null
})

function app(configured: string | null = token) {
  return createPolicyRoutes({
    admin: createAdminToken(configured, () => 0),
    rules: () => rules,
    setRules: changed => {
      rules = changed
    },
    save: changed => {
      if (failing) throw new Error('disk full')
      saved = changed
    },
    log: entry => logged.push(entry),
  })
}

function call(method: string, path = '/', body?: unknown, headers: Record<string, string> = {}) {
  return app().request(path, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

describe('/admin/policy', () => {
  test('is shut without the token, and for everybody when none is configured', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await call(method, '/', undefined, { Authorization: 'Bearer wrong' })).status).toBe(401)
      const none = app(null).request('/', { method, headers: { Authorization: 'Bearer ' } })
      expect((await none).status).toBe(401)
    }
    expect(rules).toEqual([])
  })

  test('sets one rule, replaces it, and takes it back; each change is saved and leaves a line', async () => {
    expect(await (await call('PUT', '/', { site: 'hq', mode: 'off' })).json()).toEqual({
      rules: [{ site: 'hq', mode: 'off' }],
      persistent: true,
    })
    await call('PUT', '/', { content: hash, rollout: 10 })
    await call('PUT', '/', { site: 'hq', mode: 'leech', uploadKbps: 100 })
    expect(rules).toEqual([
      { content: hash, rollout: 10, policy: {} },
      { site: 'hq', policy: { mode: 'leech', uploadKbps: 100 } },
    ])
    expect((await call('DELETE', '/?site=hq')).status).toBe(200)
    expect((await call('DELETE', '/?site=hq')).status).toBe(404)
    expect((await call('DELETE', `/?content=${hash.toUpperCase()}`)).status).toBe(200)
    expect(rules).toEqual([])
    expect(saved).toEqual([])
    expect(logged.map(({ event }) => event)).toEqual(Array(5).fill('policy'))
    expect(logged[0]?.message).toContain('site "hq": {"mode":"off"}')
    expect(JSON.stringify(logged)).not.toContain(hash)
  })

  test('takes all rules at once, and the kill switch as the rule without a scope', async () => {
    await call('PUT', '/', { rules: [{ site: 'a', mode: 'leech' }, { mode: 'off' }] })
    expect(rules).toEqual([{ site: 'a', policy: { mode: 'leech' } }, { policy: { mode: 'off' } }])
    await call('DELETE')
    expect(rules).toEqual([{ site: 'a', policy: { mode: 'leech' } }])
  })

  test('changes nothing when a rule is wrong, too large, no JSON, or cannot be saved', async () => {
    rules = [{ policy: { mode: 'leech' } }]
    const before = rules
    const wrong = await call('PUT', '/', { rules: [{ mode: 'off' }, { mode: 'on' }] })
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({ problems: [{ rule: 2 }] })
    expect((await call('PUT', '/', 'off')).status).toBe(400)
    expect((await call('PUT', '/', `"${'x'.repeat(1 << 20)}"`)).status).toBe(413)
    expect((await call('PUT', '/', { mode: 'off' }, { 'Content-Type': 'text/plain' })).status).toBe(415)
    failing = true
    expect((await call('PUT', '/', { mode: 'off' })).status).toBe(500)
    expect((await call('DELETE')).status).toBe(500)
    expect(rules).toBe(before)
    expect(logged.map(({ level }) => level)).toEqual(['error', 'error'])
  })
})
