import { Hono } from 'hono'
import type { RegistryStats } from '../registry/registry.ts'

/** What the tracker says over HTTP. Mount it wherever the composition likes. */
export function createRoutes(facts: {
  readonly startedAt: number
  readonly now: () => number
  readonly stats: () => RegistryStats
}): Hono {
  const app = new Hono()
  const uptime = () => Math.round((facts.now() - facts.startedAt) / 1000)
  app.get('/healthz', c => {
    const { connections, swarms, peers } = facts.stats()
    return c.json({ status: 'ok', uptimeSeconds: uptime(), connections, swarms, peers })
  })
  app.get('/', c =>
    c.text(
      `Nearcast tracker. Announce over WebSocket on any path of this host.\nUp ${uptime()} s. Health: /healthz\n`,
    ),
  )
  return app
}
