import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'

export interface Listening {
  readonly url: string
  readonly port: number
  /** IP address it is bound to; `::` or `0.0.0.0` for all. */
  readonly address: string
  readonly server: Server
  /** Stops listening, lets answers under way finish for `graceMs`, then breaks them. May be called twice. */
  close(graceMs?: number): Promise<void>
}

/** Serves an app over HTTP; without `host` on all addresses of this machine. Rejects with Node's error (`EADDRINUSE`, `EACCES`) when it cannot listen. */
export function listen(
  app: Hono,
  options: { readonly port: number; readonly host?: string },
): Promise<Listening> {
  const { port, host } = options
  return new Promise((resolve, reject) => {
    const where = host === undefined ? { port } : { port, hostname: host }
    const server = serve({ fetch: app.fetch, ...where, overrideGlobalObjects: false }) as Server
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      const bound = server.address() as AddressInfo
      resolve({
        url: `http://${nameOf(host)}:${bound.port}`,
        port: bound.port,
        address: bound.address,
        server,
        close: graceMs => close(server, graceMs ?? 0),
      })
    })
  })
}

/** A name under which a client on this machine reaches what listens there. */
function nameOf(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function close(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return Promise.resolve()
  return new Promise(resolve => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(force)
      resolve()
    })
    server.closeIdleConnections()
  })
}
