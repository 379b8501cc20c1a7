import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What stands in many offices: it passes requests on, and answers upgrades itself. */
export async function startProxyWithoutUpgrades(
  port: number,
  how: 'refuse' | 'swallow',
): Promise<{ readonly port: number; upgrades(): number; close(): void }> {
  let upgrades = 0
  const server: Server = createServer((incoming, outgoing) => {
    const forward = httpRequest(
      { port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: incoming.headers },
      answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forward.destroy())
    incoming.pipe(forward)
  })
  server.on('upgrade', (_, socket) => {
    upgrades++
    socket.on('error', () => {})
    if (how === 'refuse')
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    upgrades: () => upgrades,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
