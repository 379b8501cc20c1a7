import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { explainListening, type Listener, type ListenerOptions } from './listener.ts'

/**
 * Connections that may wait while we are busy. Node's 511 overflow when the viewers of another machine arrive within
 * seconds, and whoever is dropped tries again after one second, then three, then seven. The kernel has a limit of its
 * own (`net.core.somaxconn`).
 */
const backlog = 16_384

/**
 * Serves an app with Node's http server. `attach`: takes its upgrades, and returns how to undo it.
 * @throws TrackerError when it cannot listen there
 */
export async function listenOnNode(
  app: Hono,
  attach: ((server: Server) => () => void) | null,
  options: ListenerOptions,
): Promise<Listener> {
  const { port, host, headersMs } = options
  const server = createServer(
    {
      // Slow or silent requests end by themselves; Node's own limits are a minute and five.
      headersTimeout: headersMs,
      requestTimeout: 2 * headersMs,
      connectionsCheckingInterval: Math.min(1_000, headersMs),
    },
    // Balancers' checks come without Host (HTTP/1.0), and would be answered with 400.
    getRequestListener(app.fetch, { overrideGlobalObjects: false, hostname: 'localhost' }),
  )
  const detach = attach?.(server)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host, backlog }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    detach?.()
    throw explainListening(error as NodeJS.ErrnoException, options)
  }
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the server has no address')
  return {
    port: bound.port,
    address: bound.address,
    close: () =>
      new Promise(resolve => {
        detach?.()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
