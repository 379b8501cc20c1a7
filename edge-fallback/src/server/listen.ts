import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'

export interface Listening {
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Stops listening, lets answers under way finish for `graceMs`, then breaks them. May be called twice. */
  close(graceMs?: number): Promise<void>
}

/** Serves an app over HTTP. Rejects with Node's error (`EADDRINUSE`, `EACCES`) when it cannot listen. */
export function listen(
  app: Hono,
  options: { readonly port: number; readonly host?: string },
): Promise<Listening> {
  const { port, host = '127.0.0.1' } = options
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: host, overrideGlobalObjects: false }) as Server
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      const bound = (server.address() as AddressInfo).port
      const name = host.includes(':') ? `[${host}]` : host
      resolve({
        url: `http://${name}:${bound}`,
        port: bound,
        server,
        close: graceMs => close(server, graceMs ?? 0),
      })
    })
  })
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
