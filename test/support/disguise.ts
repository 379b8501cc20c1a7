import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a proxy on which it takes us for somebody at another address. */
export interface Disguise {
  readonly port: number
  close(): Promise<void>
}

/**
 * The balancer before a proxy, as far as that can tell: passes connections on, and says by the PROXY protocol (version
 * 1, as HAProxy's doc/proxy-protocol.txt has it) that they come from `address`.
 */
export async function disguiseAs(address: string, proxyPort: number): Promise<Disguise> {
  const sockets = new Set<Socket>()
  const head = address.includes(':')
    ? `PROXY TCP6 ${address} 2001:db8:ffff::1 40000 443\r\n`
    : `PROXY TCP4 ${address} 192.0.2.1 40000 443\r\n`
  const server = createServer(client => {
    const proxy = connect(proxyPort, '127.0.0.1')
    proxy.write(head)
    for (const [from, to] of [
      [client, proxy],
      [proxy, client],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroySoon()
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
