import { getEventListeners } from 'node:events'
import { parse } from 'csv-parse/sync'
import { describe, expect, it, vi } from 'vitest'
import { reportOf } from '../reports/report-lab.ts'
import { createReports } from '../reports/reports.ts'
import { createAdminToken } from '../server/admin-token.ts'
import { createDashboardRoutes } from './dashboard-routes.ts'
import type { DashboardEvent } from './looks.ts'

const token = 'correct-horse-battery'

function open({ withToken = true, everyMs = 2 } = {}) {
  const reports = withToken ? createReports() : null
  const closed = new AbortController()
  let now = 100_000
  const app = createDashboardRoutes({
    admin: createAdminToken(withToken ? token : null, () => 0),
    reports,
    now: () => now++,
    wallClock: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    peers: () => 7,
    closed: closed.signal,
    everyMs,
  })
  const asked = (path: string, init: RequestInit = {}) =>
    app.request(path, { ...init, headers: { Authorization: `Bearer ${token}`, ...init.headers } })
  return { app, reports, closed, asked }
}

function signIn(app: ReturnType<typeof open>['app'], text: string, headers: Record<string, string> = {}) {
  return app.request('/session', { method: 'POST', headers, body: new URLSearchParams({ token: text }) })
}

describe('the dashboard over HTTP', () => {
  it('is off without a token, and says how to turn it on', async () => {
    const { app } = open({ withToken: false })
    const page = await (await app.request('/')).text()
    expect(page).toContain('The dashboard is off')
    expect(page).toContain('--admin-token-file')
    for (const path of ['/events', '/export.csv']) expect((await app.request(path)).status).toBe(401)
    expect((await signIn(app, '')).headers.get('set-cookie')).toBeNull()
  })

  it('shows figures to nobody without the token', async () => {
    const { app } = open()
    expect(await (await app.request('/')).text()).toContain('<title>Sign in')
    for (const path of ['/events', '/export.csv', `/export.csv?token=${token}`])
      expect((await app.request(path)).status).toBe(401)
    const wrong = { headers: { Authorization: 'Bearer correct-horse-batterx' } }
    expect((await app.request('/export.csv', wrong)).status).toBe(401)
  })

  it('signs in by a form: a cookie that scripts cannot read and other sites do not send', async () => {
    const { app } = open()
    const answer = await signIn(app, token)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '../dashboard'])
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    expect(cookie).not.toMatch(/Secure/)
    expect(cookie).not.toContain(token)
    const shown = await app.request('/', { headers: { Cookie: cookie.split(';')[0]! } })
    expect(await shown.text()).toContain('id="rows"')
    const behindProxy = await signIn(app, token, { 'X-Forwarded-Proto': 'https' })
    expect(behindProxy.headers.get('set-cookie')).toMatch(/Secure/)
  })

  it('says what was wrong with a sign-in, and slows guessing down', async () => {
    const { app } = open()
    const denied = await signIn(app, 'guess')
    expect(denied.headers.get('location')).toBe('../dashboard?problem=denied')
    expect(await (await app.request('/?problem=denied')).text()).toContain('data-problem="denied"')
    expect(await (await app.request('/?problem=<script>')).text()).not.toContain('<script')
    for (let i = 0; i < 30; i++) await signIn(app, `guess ${i}`)
    expect((await signIn(app, token)).headers.get('location')).toBe('../dashboard?problem=busy')
  })

  it('loads nothing from elsewhere, and lets no page of others frame it', async () => {
    const { app, asked } = open()
    const page = await asked('/')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    const html = await page.text()
    expect(html).not.toMatch(/<script(?![^>]* src=)|style="|https?:\/\/(?!www\.w3\.org)/)
    for (const [, file] of html.matchAll(/(?:src|href)="dashboard\/([a-z.-]+\.(?:js|css))"/g)) {
      const asset = await app.request(`/${file}`)
      expect([file, asset.status]).toEqual([file, 200])
      expect((await asset.text()).length).toBeGreaterThan(1_000)
    }
    expect((await app.request('/sign-in.html')).status).toBe(404)
    expect((await app.request('/..%2fpackage.json')).status).toBe(404)
  })

  it('sends figures as they change, until it closes', async () => {
    const { asked, reports, closed } = open()
    const answer = await asked('/events?window=60000')
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const reader = answer.body!.getReader()
    const next = async () => {
      const { value, done } = await reader.read()
      if (done) return null
      const data = /^data: (.*)$/m.exec(new TextDecoder().decode(value))?.[1]
      return JSON.parse(data!) as DashboardEvent
    }
    expect(await next()).toMatchObject({ rows: [], peers: 7, windowMs: 60_000, members: 0 })
    const office = { place: { kind: 'site', name: 'office' }, content: 'film' } as const
    reports?.take({ joinedAt: 0, links: 1 }, office, reportOf({ edge: 500 }), 100_000)
    expect(await next()).toMatchObject({ rows: [{ edgeBytes: 500 }], members: 1 })
    closed.abort()
    let left = 0
    while ((await next()) !== null) left++
    expect(left).toBeLessThan(3)
  })

  it('streams to thirty-two pages at once, and to another when one of them leaves', async () => {
    const { asked } = open()
    const pages = await Promise.all(Array.from({ length: 32 }, () => asked('/events')))
    await Promise.all(pages.map(page => page.body!.getReader().read()))
    expect((await asked('/events')).status).toBe(503)
  })

  it('keeps nothing of a look, nor of a page that left', async () => {
    const { asked, closed } = open({ everyMs: 1 })
    const listeners = () => getEventListeners(closed.signal, 'abort').length
    const page = await asked('/events')
    const reader = page.body!.getReader()
    for (let i = 0; i < 20; i++) await reader.read()
    expect(listeners()).toBe(1)
    await reader.cancel()
    await vi.waitFor(() => expect(listeners()).toBe(0))
  })

  it('exports what it shows as CSV, in which no name is a formula', async () => {
    const { asked, reports } = open()
    const place = { kind: 'site', name: '=cmd|"/C calc"!A0, "x"' } as const
    const fresh = [{ hash: 1, bytes: 1_000 }]
    const report = reportOf({
      edge: 1_100,
      segments: 1,
      watched: 1_000,
      fresh,
      startMs: 420,
      peering: 'udp-blocked',
    })
    reports?.take({ joinedAt: 90_000, links: 0 }, { place, content: 'film' }, report, 99_000)
    const answer = await asked('/export.csv?window=900000')
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="nearcast-2026-01-02T030405.csv"',
    )
    const rows = parse(await answer.text(), { columns: true }) as Record<string, string>[]
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatchObject({ kind: 'total', viewers: '1', copies: '1.1' })
    expect(rows[1]).toMatchObject({
      time: '2026-01-02T03:04:05.000Z',
      windowSeconds: '900',
      kind: 'site',
      content: 'film',
      copies: '1.1',
      edgeBytes: '1100',
      startP50Ms: '420',
      latencyMs: '',
      'udp-blocked now': '1',
    })
    expect(rows[1]?.['place']).toBe(`'${place.name}`)
  })
})
