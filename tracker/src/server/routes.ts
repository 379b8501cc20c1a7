import type { Context, MiddlewareHandler } from 'hono'
import { Hono } from 'hono'
import type { Metrics } from '../metrics/metrics.ts'
import { type MetricsAccess, mayRead, type Reader } from '../metrics/metrics-access.ts'
import type { RegistryStats } from '../registry/registry.ts'
import { type Caller, callerIn } from './caller.ts'
import type { Readiness } from './readiness.ts'

interface Facts {
  readonly startedAt: number
  readonly now: () => number
  readonly stats: () => RegistryStats
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly metricsAccess: MetricsAccess
  /** What is known of whoever sends a request. */
  readonly readerOf: (caller: Caller) => Reader
}

/** What the tracker says over HTTP. `before` sees each request first. Mount it wherever the composition likes. */
export function createRoutes(facts: Facts, before: readonly MiddlewareHandler[] = []): Hono {
  const app = createAdminRoutes(facts, before)
  const uptime = () => Math.round((facts.now() - facts.startedAt) / 1000)
  app.get('/', c =>
    c.text(
      `Nearcast tracker. Announce over WebSocket on any path of this host.\nUp ${uptime()} s. Health: /healthz\n`,
    ),
  )
  return app
}

/** What operators and their machines ask: alive, ready, figures. */
export function createAdminRoutes(facts: Facts, before: readonly MiddlewareHandler[] = []): Hono {
  const { startedAt, now, stats, readiness, metrics, metricsAccess } = facts
  const app = new Hono()
  for (const handler of before) app.use(handler)
  app.get('/healthz', c => {
    const { connections, swarms, peers } = stats()
    const uptimeSeconds = Math.round((now() - startedAt) / 1000)
    return c.json({ status: 'ok', uptimeSeconds, connections, swarms, peers })
  })
  app.get('/readyz', c => {
    const reasons = readiness.reasons()
    const notes = readiness.notes()
    const degraded = notes.length > 0 && { degraded: notes }
    if (reasons.length === 0) return c.json({ status: 'ready', ...degraded })
    return c.json({ status: 'not ready', reasons, ...degraded }, 503)
  })
  if (metricsAccess.access === 'off') return app
  app.get('/metrics', async c => {
    if (!mayRead(metricsAccess, reader(c, facts))) {
      const remedy = 'Read the metrics from a private address, or with the token: see docs/operating.md.'
      return c.text(`${remedy}\n`, metricsAccess.token ? 401 : 403)
    }
    const { body, contentType } = await metrics.scrape()
    return c.body(body, 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
  })
  return app
}

function reader(c: Context, { readerOf }: Facts): Reader {
  const caller = callerIn(c.env)
  if (caller !== null) return readerOf(caller)
  return { address: null, isForwarded: true, authorization: c.req.header('authorization') }
}
