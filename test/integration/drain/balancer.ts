import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP balancer as operators have one: it asks `/readyz`, goes round the ready ones, and knows nothing else. */
export interface Balancer {
  readonly port: number
  add(port: number): void
  remove(port: number): void
  /** Resolves when it has seen the backend ready. */
  isReady(port: number): boolean
  close(): Promise<void>
}

/** @param checkMs how often it asks; one refusal is enough, as HAProxy with `fall 1` */
export async function startBalancer(checkMs: number): Promise<Balancer> {
  const backends = new Map<number, boolean>()
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer({ allowHalfOpen: false }, client => {
    const ready = [...backends].filter(([, isReady]) => isReady)
    const [port] = ready[turn++ % Math.max(1, ready.length)] ?? []
    if (port === undefined) return client.destroy()
    const backend = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroySoon()
      })
    }
  })
  const checking = setInterval(() => {
    for (const port of backends.keys()) {
      const asked = request({ port, path: '/readyz', host: '127.0.0.1', agent: false }, response => {
        response.resume()
        if (backends.has(port)) backends.set(port, response.statusCode === 200)
      })
      asked.on('error', () => backends.has(port) && backends.set(port, false))
      asked.end()
    }
  }, checkMs)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4_096, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    add: port => backends.set(port, false),
    remove: port => backends.delete(port),
    isReady: port => backends.get(port) === true,
    async close() {
      clearInterval(checking)
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
