import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A network path that can be cut as a cable is: nothing arrives, and nobody is told. */
export interface Line {
  readonly port: number
  cut(): void
  heal(): void
  close(): Promise<void>
}

export async function createLine(port: number): Promise<Line> {
  const sockets = new Set<Socket>()
  let state: 'whole' | 'cut' = 'whole'
  const server = createServer(client => {
    const backend = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('data', data => other.write(data))
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        if (state === 'whole') other.destroy()
      })
      if (state === 'cut') one.pause()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut'
      for (const socket of sockets) socket.pause()
    },
    heal() {
      state = 'whole'
      for (const socket of sockets) socket.resume()
    },
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
