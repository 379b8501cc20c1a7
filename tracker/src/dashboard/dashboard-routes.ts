import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { deleteCookie, setCookie } from 'hono/cookie'
import { secureHeaders } from 'hono/secure-headers'
import { streamSSE } from 'hono/streaming'
import { type AdminToken, adminCookie } from '../server/admin-token.ts'
import { type Assets, loadAssets } from './assets.ts'
import { writeFiguresCsv } from './figures-csv.ts'
import { Looks, type LooksOptions } from './looks.ts'

export interface DashboardOptions extends LooksOptions {
  readonly admin: AdminToken
  /** Ends every open stream of figures. */
  readonly closed: AbortSignal
}

/** Pages open at once. */
const mostPages = 32
/** Looking takes a twentieth of the time at most: with hundreds of busy sites pages hear less often. */
const leastPause = 20
const cookieSeconds = 12 * 3_600
const windows = { least: 60_000, usual: 300_000, most: 3_600_000 }

/**
 * `/dashboard`: the page, its files, the figures as server-sent events and as CSV. Sign in with the admin token, which
 * leaves a cookie; scripts send `Authorization: Bearer`. Everything comes from here: nothing is loaded from elsewhere.
 */
export function createDashboardRoutes(options: DashboardOptions): Hono {
  const { admin, reports, now, wallClock, closed, everyMs = 2_000 } = options
  const app = new Hono()
  let pages = 0
  const looks = new Looks(options)

  app.use(
    '*',
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      // Whether this host is for https alone is not the tracker's to say.
      strictTransportSecurity: false,
    }),
  )

  app.get('/', async c => {
    c.header('Cache-Control', 'no-store')
    if (reports === null || !admin.isSet) return send(c, 'off.html')
    if (admin.admits(c.req.raw.headers, c.env) === 'admitted') return send(c, 'dashboard.html')
    const problem = c.req.query('problem')
    return send(c, 'sign-in.html', problem === 'denied' || problem === 'busy' ? problem : '')
  })

  app.post('/session', bodyLimit({ maxSize: 4_096 }), async c => {
    const token = (await c.req.parseBody())['token']
    const signedIn = admin.signIn(typeof token === 'string' ? token.trim() : '', c.env)
    c.header('Cache-Control', 'no-store')
    if (!signedIn.ok) return c.redirect(`../dashboard?problem=${signedIn.verdict}`, 303)
    setCookie(c, adminCookie, signedIn.cookie, {
      httpOnly: true,
      sameSite: 'Strict',
      secure: isSecure(c),
      path: '/',
      maxAge: cookieSeconds,
    })
    return c.redirect('../dashboard', 303)
  })

  app.post('/session/end', c => {
    deleteCookie(c, adminCookie, { path: '/', secure: isSecure(c) })
    return c.redirect('../../dashboard', 303)
  })

  app.get('/events', c => {
    const refusal = refused(c)
    if (refusal || reports === null) return refusal ?? c.notFound()
    if (pages >= mostPages) return c.json({ error: `${mostPages} dashboards are open already` }, 503)
    const windowMs = windowOf(c)
    const row = c.req.query('row')
    // nginx would otherwise keep the figures until a buffer is full.
    c.header('X-Accel-Buffering', 'no')
    return streamSSE(c, async stream => {
      pages++
      // A page stays open for days: nothing may be kept of each look, and nothing of a page that left.
      const over = new AbortController()
      const end = () => over.abort()
      stream.onAbort(end)
      closed.addEventListener('abort', end, { once: true, signal: over.signal })
      try {
        while (!over.signal.aborted && !closed.aborted) {
          const { data, costMs } = looks.at(windowMs, row)
          await stream.writeSSE({ event: 'figures', data })
          const pause = Math.max(everyMs, costMs * leastPause)
          await sleep(pause, undefined, { signal: over.signal }).catch(() => {})
        }
      } finally {
        pages--
        end()
      }
    })
  })

  app.get('/export.csv', c => {
    const refusal = refused(c)
    if (refusal || reports === null) return refusal ?? c.notFound()
    const at = new Date(wallClock())
    const csv = writeFiguresCsv(reports.snapshot(now(), { windowMs: windowOf(c) }), at)
    const name = `nearcast-${at.toISOString().slice(0, 19).replaceAll(':', '')}.csv`
    return c.body(csv, 200, {
      'Content-Type': 'text/csv; charset=utf-8',
      'Content-Disposition': `attachment; filename="${name}"`,
      'Cache-Control': 'no-store',
    })
  })

  app.get('/:file{[a-z-]+\\.(js|css)}', c => {
    c.header('Cache-Control', 'no-cache')
    return send(c, c.req.param('file'))
  })

  return app

  function refused(c: Context): Response | null {
    c.header('Cache-Control', 'no-store')
    switch (admin.admits(c.req.raw.headers, c.env)) {
      case 'admitted':
        return null
      case 'busy':
        return c.json({ error: 'too many wrong tokens; try again in a second' }, 429)
      case 'denied':
        return c.json({ error: 'show the admin token: Authorization: Bearer …' }, 401, {
          'WWW-Authenticate': 'Bearer',
        })
    }
  }
}

/** `problem` becomes an attribute of the page's root, by which its style sheet shows the right sentence. */
async function send(c: Context, file: string, problem = ''): Promise<Response> {
  const assets: Assets = await loadAssets()
  const asset = assets.get(file)
  if (asset === undefined) return c.notFound()
  const body = problem === '' ? asset.body : asset.body.replace('<html ', `<html data-problem="${problem}" `)
  return c.body(body, 200, { 'Content-Type': asset.type })
}

function windowOf(c: Context): number {
  const asked = Number(c.req.query('window') ?? windows.usual)
  return Number.isFinite(asked) ? Math.min(windows.most, Math.max(windows.least, asked)) : windows.usual
}

/** A proxy in front of us ends TLS and says so. Who forges it gets a cookie their own browser keeps to itself. */
function isSecure(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https'
}
