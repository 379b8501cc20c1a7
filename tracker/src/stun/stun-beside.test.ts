import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { stunBeside } from './stun-beside.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

async function takenPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  sockets.push(socket)
  return socket.address().port
}

/** TCP sides that get these numbers, one after the other. */
function sides(ports: readonly number[]) {
  const closed: number[] = []
  let next = 0
  return {
    closed,
    listen: async () => ({ port: ports[next++ % ports.length]!, address: '127.0.0.1' }),
    close: async ({ port }: { port: number }) => void closed.push(port),
  }
}

describe('STUN beside a TCP port', () => {
  it('tries another number when any will do and UDP is taken', async () => {
    const taken = await takenPort()
    const free = await takenPort()
    sockets.pop()!.close()
    const { listen, close, closed } = sides([taken, free])
    const { bound, stun } = await stunBeside({ port: 0, listen, close })
    expect(bound.port).toBe(free)
    expect(stun.port).toBe(free)
    expect(closed).toEqual([taken])
    await stun.close()
  })

  it('says that a number which was asked for is taken, and leaves nothing open', async () => {
    const taken = await takenPort()
    const { listen, close, closed } = sides([taken])
    await expect(stunBeside({ port: taken, listen, close })).rejects.toMatchObject({ reason: 'port-taken' })
    expect(closed).toEqual([taken])
  })

  it('gives up after five numbers', async () => {
    const { listen, close, closed } = sides([await takenPort()])
    await expect(stunBeside({ port: 0, listen, close })).rejects.toMatchObject({ reason: 'port-taken' })
    expect(closed).toHaveLength(5)
  })
})
