import { createSocket } from 'node:dgram'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createTracker, type ListeningTracker, listenTracker, type TrackerOptions } from '@nearcast/tracker'
import { Hono } from 'hono'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'

/** The tracker's sockets, as strangers on the network see them. */

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(options: TrackerOptions = {}): Promise<ListeningTracker> {
  const tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {}, ...options })
  cleanups.push(() => tracker.close())
  return tracker
}

interface Peer {
  readonly socket: WebSocket
  readonly heard: Record<string, unknown>[]
  readonly closed: Promise<number>
}

async function join(url: string, headers: Record<string, string> = {}): Promise<Peer> {
  const socket = new WebSocket(url, { headers })
  const heard: Record<string, unknown>[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  socket.on('error', () => {})
  cleanups.push(() => socket.terminate())
  const closed = new Promise<number>(resolve => socket.on('close', resolve))
  await new Promise(resolve => socket.once('open', resolve))
  return { socket, heard, closed }
}

const idOf = (name: string) => name.padEnd(20, '.')
const announce = (peer: string, fields: object = {}) =>
  JSON.stringify({ action: 'announce', info_hash: idOf('film'), peer_id: idOf(peer), offers: [], ...fields })
const soon = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 20 })

describe('sockets', () => {
  test.each([
    ['a binary frame', Buffer.from(announce('x')), 1003],
    ['a frame of 1 MB', announce('x', { padding: 'x'.repeat(1 << 20) }), 1009],
    ['the four bytes null', 'null', 1008],
    ['invalid UTF-8 is a protocol error', null, 1007],
  ])('%s closes its own socket, nobody else’s', async (_, data, code) => {
    const { url, tracker } = await start()
    const victim = await join(url)
    victim.socket.send(announce('v'))
    await soon(() => expect(victim.heard).toHaveLength(1))
    const attacker = await join(url)
    if (data !== null) attacker.socket.send(data)
    else attacker.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
    expect(await attacker.closed).toBe(code)
    victim.socket.send(announce('v'))
    await soon(() => expect(victim.heard).toHaveLength(2))
    await soon(() => expect(tracker.stats().connections).toBe(1))
  })

  test('an unmasked frame and an aborted handshake do no harm', async () => {
    const { url, port } = await start()
    const raw = connect(port, '127.0.0.1')
    raw.on('error', () => {})
    raw.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    const ended = new Promise(resolve => raw.on('close', resolve))
    raw.once('data', () => raw.write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])))
    await ended
    const aborted = connect(port, '127.0.0.1', () => {
      aborted.write('GET / HTTP/1.1\r\nUpgrade: websocket\r\n')
      aborted.destroy()
    })
    const peer = await join(url)
    peer.socket.send(announce('a'))
    await soon(() => expect(peer.heard).toHaveLength(1))
  })

  test('a reader that never reads is cut off', async () => {
    const { url, tracker } = await start({ backlogBytes: 65_536, limits: { openOffersPerPeer: 1_000_000 } })
    const deaf = await join(url)
    deaf.socket.send(announce('deaf'))
    await soon(() => expect(deaf.heard).toHaveLength(1))
    deaf.socket.pause()
    const offer = { offer: { type: 'offer', sdp: 'x'.repeat(16_000) }, offer_id: idOf('o') }
    // Kernel buffers hold some megabytes before the tracker's own backlog begins to grow.
    for (let i = 0; i < 1_500 && tracker.stats().peers > 0; i++) {
      const sender = await join(url)
      sender.socket.send(announce(`s${i}`, { numwant: 1, offers: [offer] }))
      sender.socket.send(announce(`s${i}`, { event: 'stopped' }))
      await soon(() => expect(sender.heard.length).toBeGreaterThanOrEqual(2))
      sender.socket.terminate()
      if (deaf.socket.readyState !== WebSocket.OPEN || tracker.stats().peers === 0) break
    }
    await soon(() => expect(tracker.stats().peers).toBe(0))
  }, 60_000)

  test('a forged X-Forwarded-For changes nobody’s network; a trusted proxy’s does', async () => {
    const group = async (options: TrackerOptions, forwarded: string) => {
      const { url } = await start({ sites: 'site,cidr,mode\nhq,203.0.113.0/24,leech\n', ...options })
      const peer = await join(url, { 'X-Forwarded-For': forwarded })
      peer.socket.send(announce('a', { nearcast: { v: 1, mode: 'share', caps: ['directed'] } }))
      await soon(() => expect(peer.heard).toHaveLength(1))
      return (peer.heard[0] as { nearcast: { group: { level: string }; policy: { mode: string } } }).nearcast
    }
    expect(await group({}, '203.0.113.7')).toMatchObject({
      group: { level: 'address' },
      policy: { mode: 'share' },
    })
    const trusting = { trustedProxies: ['127.0.0.1'] }
    expect(await group(trusting, '203.0.113.7')).toMatchObject({
      group: { level: 'site' },
      policy: { mode: 'leech' },
    })
    expect(await group(trusting, '203.0.113.7, 198.51.100.1')).toMatchObject({ policy: { mode: 'share' } })
  })

  test('announces are taken on any path, and health and greeting over HTTP', async () => {
    const { url, port } = await start()
    for (const path of ['', '/', '/announce', '/a/b?token=x']) {
      const peer = await join(url + path)
      peer.socket.send(announce('a'))
      await soon(() => expect(peer.heard).toHaveLength(1))
    }
    const health = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect(await health.json()).toMatchObject({ status: 'ok', peers: 1 })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('Nearcast tracker')
  })

  test('closing tells clients that the service restarts, and may be repeated', async () => {
    const tracker = await start()
    const peer = await join(tracker.url)
    peer.socket.send(announce('a'))
    await Promise.all([tracker.close(), tracker.close()])
    expect(await peer.closed).toBe(1012)
    await tracker.close()
  })
})

test('STUN answers on the same port number', async () => {
  const { port } = await start()
  const socket = createSocket('udp4')
  cleanups.push(() => socket.close())
  const binding = Buffer.from('000100002112a442000102030405060708090a0b', 'hex')
  const answer = await new Promise<Buffer>(resolve => {
    socket.once('message', resolve)
    socket.send(binding, port, '127.0.0.1')
  })
  expect(answer.subarray(0, 2).toString('hex')).toBe('0101')
  // XOR-MAPPED-ADDRESS: family 1, port and 127.0.0.1 XORed with the cookie.
  expect(answer.readUInt16BE(26) ^ 0x2112).toBe(socket.address().port)
  expect((answer.readUInt32BE(28) ^ 0x2112a442) >>> 0).toBe(0x7f000001)
})

test('mounts beside another app on one server', async () => {
  const tracker = createTracker({ log: () => {} })
  const app = new Hono()
  app.get('/media/:name', c => c.text(`media ${c.req.param('name')}`))
  app.route('/tracker', tracker.app)
  const server = createServer(getRequestListener(app.fetch))
  const detach = tracker.attach(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(
    () => new Promise(resolve => server.close(resolve)),
    () => tracker.close(),
    () => server.closeAllConnections(),
  )
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  expect(await (await fetch(`http://127.0.0.1:${port}/media/a.ts`)).text()).toBe('media a.ts')
  expect((await fetch(`http://127.0.0.1:${port}/tracker/healthz`)).status).toBe(200)
  const peer = await join(`ws://127.0.0.1:${port}/anything`)
  peer.socket.send(announce('a'))
  await soon(() => expect(peer.heard).toHaveLength(1))
  detach()
  const status = await new Promise(resolve => {
    const upgrade = request({
      port,
      host: '127.0.0.1',
      headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
    })
    upgrade.on('response', response => resolve(response.statusCode))
    upgrade.on('upgrade', () => resolve('upgraded'))
    upgrade.on('error', () => resolve('closed'))
    upgrade.end()
  })
  expect(status).not.toBe('upgraded')
})
