import { connect, type Socket } from 'node:net'
import { afterAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { metric, startTracker } from './tracker-process.ts'

/** What costs an attacker nothing must not cost the tracker its viewers. */

const count = 10_000
const cleanups: (() => unknown)[] = []
afterAll(() => {
  for (const cleanup of cleanups.reverse()) cleanup()
})

const upgrade =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

const residentMiB = (metrics: string | null) => metric(metrics, 'process_resident_memory_bytes') / (1 << 20)

test('10,000 sockets that never announce are closed in time; a viewer among them is served at once', async () => {
  const tracker = await startTracker('--limits-first-message-ms', '3000')
  cleanups.push(() => tracker.child.kill('SIGKILL'))
  const before = residentMiB(await tracker.metrics())
  const sockets: Socket[] = []
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  let upgraded = 0
  for (let i = 0; i < count; i++) {
    const socket = connect(tracker.port, '127.0.0.1', () => socket.write(upgrade))
    socket.on('error', () => {})
    // They read the handshake and nothing after it, so that they never see a close frame either.
    socket.once('data', () => {
      upgraded++
      socket.pause()
    })
    sockets.push(socket)
    if (i % 200 === 199) await new Promise(resolve => setTimeout(resolve, 20))
  }
  await vi.waitFor(() => expect(upgraded).toBe(count), { timeout: 30_000, interval: 50 })

  const started = performance.now()
  const viewer = new WebSocket(`ws://127.0.0.1:${tracker.port}`)
  cleanups.push(() => viewer.terminate())
  await new Promise(resolve => viewer.once('open', resolve))
  viewer.send(
    JSON.stringify({ action: 'announce', info_hash: 'f'.repeat(20), peer_id: 'p'.repeat(20), offers: [] }),
  )
  await new Promise(resolve => viewer.once('message', resolve))
  expect(performance.now() - started).toBeLessThan(2_000)

  await vi.waitFor(
    async () => {
      const text = await tracker.metrics()
      expect(metric(text, 'nearcast_connections')).toBe(1)
      expect(metric(text, 'nearcast_sockets_ended_total{why="rules"}')).toBe(count)
    },
    { timeout: 30_000, interval: 200 },
  )
  expect(viewer.readyState).toBe(WebSocket.OPEN)
  // 16 KiB is what a joined peer may cost; nothing of them stays for ever.
  expect(residentMiB(await tracker.metrics()) - before).toBeLessThan((count * 32) / 1_024)
}, 90_000)
