import { createSocket } from 'node:dgram'
import { request } from 'node:http'
import { connect } from 'node:net'
import { type ListeningTracker, type ListenOptions, listenTracker } from '@nearcast/tracker'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'

/** What an operator and a balancer see of a tracker: health, readiness, metrics, limits of the sockets, the drain. */

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(options: ListenOptions = {}): Promise<ListeningTracker> {
  const tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {}, ...options })
  cleanups.push(() => tracker.close())
  return tracker
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, unknown>
}

function get(port: number, path: string, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, headers, host: '127.0.0.1', agent: false }, response => {
      let body = ''
      response.on('data', data => {
        body += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

interface Peer {
  readonly socket: WebSocket
  readonly heard: Record<string, unknown>[]
  readonly closed: Promise<number>
}

async function join(url: string): Promise<Peer> {
  const socket = new WebSocket(url)
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
const offers = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ offer_id: idOf(`o${i}`), offer: { type: 'offer', sdp: 'v=0' } }))
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 8_000, interval: 20 })

/** What the tracker asked of a client of ours. */
function reconnects({ heard }: Peer): unknown[] {
  return heard.flatMap(
    message => (message['nearcast'] as { reconnect?: unknown } | undefined)?.reconnect ?? [],
  )
}

/** The value of a metric without labels, or with exactly these. */
function metric(text: string, name: string): number {
  const line = text.split('\n').find(row => row.startsWith(`${name} `))
  return line === undefined ? Number.NaN : Number(line.slice(name.length + 1))
}

describe('health and readiness', () => {
  test('ready when it listens; not while anything holds it up, and the reasons are told', async () => {
    const { port, tracker } = await start()
    expect(await get(port, '/readyz')).toMatchObject({ status: 200, body: '{"status":"ready"}' })
    const release = tracker.readiness.hold('no way to the other machines')
    const held = await get(port, '/readyz')
    expect(held.status).toBe(503)
    expect(JSON.parse(held.body)).toEqual({ status: 'not ready', reasons: ['no way to the other machines'] })
    expect((await get(port, '/healthz')).status).toBe(200)
    release()
    expect((await get(port, '/readyz')).status).toBe(200)
  })

  test("a balancer's check needs no Host", async () => {
    const { port } = await start()
    const socket = connect(port, '127.0.0.1')
    cleanups.push(() => socket.destroy())
    const answer = new Promise<string>(resolve => socket.once('data', data => resolve(String(data))))
    socket.write('GET /readyz HTTP/1.0\r\n\r\n')
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('metrics', () => {
  test('count what happened, under labels that name nobody', async () => {
    const { port, url } = await start()
    const a = await join(url)
    const b = await join(url)
    b.socket.send(announce('b'))
    await soon(() => expect(b.heard).toHaveLength(1))
    a.socket.send(announce('a', { offers: offers(2), numwant: 2 }))
    await soon(() => expect(b.heard).toHaveLength(2))
    const answer = {
      action: 'announce',
      info_hash: idOf('film'),
      peer_id: idOf('b'),
      to_peer_id: idOf('a'),
      offer_id: b.heard[1]!['offer_id'],
      answer: { type: 'answer', sdp: 'v=0' },
    }
    b.socket.send(JSON.stringify(answer))
    b.socket.send(JSON.stringify(answer))
    b.socket.send(JSON.stringify({ ...answer, to_peer_id: idOf('nobody') }))
    b.socket.send('null')
    expect(await b.closed).toBe(1008)
    const udp = createSocket('udp4')
    cleanups.push(() => udp.close())
    const answered = new Promise(resolve => udp.once('message', resolve))
    udp.send(Buffer.from('000100002112a442000102030405060708090a0b', 'hex'), port, '127.0.0.1')
    await answered
    udp.send('noise', port, '127.0.0.1')

    await soon(async () => {
      const { status, body, headers } = await get(port, '/metrics')
      expect(status).toBe(200)
      expect(headers['content-type']).toContain('text/plain')
      expect({
        connections: metric(body, 'nearcast_connections'),
        peers: metric(body, 'nearcast_peers'),
        swarms: metric(body, 'nearcast_swarms'),
        messages: metric(body, 'nearcast_messages_total'),
        announces: metric(body, 'nearcast_announces_total'),
        offers: metric(body, 'nearcast_offers_total{level="address"}'),
        relayed: metric(body, 'nearcast_answers_total{result="relayed"}'),
        twice: metric(body, 'nearcast_answers_total{result="unsolicited"}'),
        nobody: metric(body, 'nearcast_answers_total{result="absent"}'),
        malformed: metric(body, 'nearcast_refusals_total{reason="malformed"}'),
        upgrades: metric(body, 'nearcast_upgrades_total'),
        rules: metric(body, 'nearcast_sockets_ended_total{why="rules"}'),
        alone: metric(body, 'nearcast_group_size_peers{le="1"}'),
        all: metric(body, 'nearcast_group_size_peers{le="+Inf"}'),
        stun: metric(body, 'nearcast_stun_requests_total{result="answered"}'),
        noise: metric(body, 'nearcast_stun_requests_total{result="malformed"}'),
        ready: metric(body, 'nearcast_ready'),
      }).toEqual({
        connections: 1,
        peers: 1,
        swarms: 1,
        messages: 6,
        announces: 2,
        offers: 1,
        relayed: 1,
        twice: 1,
        nobody: 1,
        malformed: 1,
        upgrades: 2,
        rules: 1,
        alone: 1,
        all: 1,
        stun: 1,
        noise: 1,
        ready: 1,
      })
      expect(body).toContain('nodejs_eventloop_lag_p99_seconds ')
      expect(body).toContain('process_cpu_seconds_total ')
      // Every metric says what it is.
      for (const [, name] of body.matchAll(/^# TYPE (nearcast_\S+)/gm))
        expect(body).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'))
    })
  })

  test('are not for the public behind a proxy, and for anybody who has the token', async () => {
    const { port } = await start()
    for (const name of ['x-forwarded-for', 'x-real-ip', 'x-forwarded-proto', 'via'])
      expect([name, (await get(port, '/metrics', { [name]: '198.51.100.7' })).status]).toEqual([name, 403])
    const trusting = await start({ trustedProxies: ['127.0.0.0/8'] })
    const from = (address: string) => get(trusting.port, '/metrics', { 'x-forwarded-for': address })
    expect((await from('198.51.100.7')).status).toBe(403)
    expect((await from('10.0.0.7')).status).toBe(200)
    const guarded = await start({ metrics: { token: 'sixteen-characters' } })
    expect((await get(guarded.port, '/metrics')).status).toBe(401)
    const shown = await get(guarded.port, '/metrics', { authorization: 'Bearer sixteen-characters' })
    expect(shown.status).toBe(200)
  })

  test('have a port of their own on request', async () => {
    const { port, metricsPort } = await start({ metricsPort: { port: 0 } })
    expect((await get(port, '/metrics')).status).toBe(404)
    expect((await get(metricsPort ?? 0, '/metrics')).status).toBe(200)
    expect((await get(metricsPort ?? 0, '/readyz')).status).toBe(200)
  })
})

describe('limits of the sockets', () => {
  test.each([
    ['nothing at all', ''],
    ['half a head', 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'],
  ])('a connection that sends %s is closed in time', async (_, text) => {
    const { port } = await start({ headersMs: 300 })
    const slow = connect(port, '127.0.0.1', () => slow.write(text))
    slow.on('error', () => {})
    slow.resume()
    const started = performance.now()
    await new Promise(resolve => slow.once('close', resolve))
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('a head that comes byte by byte, for ever, is closed in time', async () => {
    const { port } = await start({ headersMs: 300 })
    const slow = connect(port, '127.0.0.1', () => slow.write('GET / HTTP/1.1\r\nX-Slow: '))
    slow.on('error', () => {})
    slow.resume()
    const dripping = setInterval(() => slow.write('a'), 50)
    await new Promise(resolve => slow.once('close', resolve))
    clearInterval(dripping)
  })

  test('an upgrade that is none is refused and counted', async () => {
    const { port } = await start()
    const asked = get(port, '/', {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '7',
    })
    expect((await asked).status).toBe(400)
    const { body } = await get(port, '/metrics')
    expect(metric(body, 'nearcast_upgrades_refused_total{reason="handshake"}')).toBe(1)
  })

  test('a socket that never announces is closed, and gone even when it does not take leave', async () => {
    const { port, url, tracker } = await start({ limits: { firstMessageMs: 200 } })
    const silent = await join(url)
    // It does not read, so it will not see that it is to go.
    silent.socket.pause()
    await soon(() => expect(tracker.stats().connections).toBe(0))
    const { body } = await get(port, '/metrics')
    expect(metric(body, 'nearcast_sockets_ended_total{why="rules"}')).toBe(1)
  })

  test('a reader that never reads is cut off, and counted', async () => {
    const { port, url, tracker } = await start({
      limits: { messagesPerSecond: Number.POSITIVE_INFINITY, messageBurst: Number.POSITIVE_INFINITY },
    })
    const lazy = await join(url)
    lazy.socket.pause()
    const hashes = Array.from({ length: 64 }, (_, i) => idOf(`swarm ${i}`))
    const scrape = JSON.stringify({ action: 'scrape', info_hash: hashes })
    const before = process.memoryUsage().arrayBuffers
    // 5 KB for each: what the kernel does not take, some MB, waits in the tracker.
    for (let i = 0; i < 10_000 && tracker.stats().connections > 0; i++) {
      lazy.socket.send(scrape)
      if (i % 50 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    await soon(() => expect(tracker.stats().connections).toBe(0))
    const { body } = await get(port, '/metrics')
    expect(metric(body, 'nearcast_sockets_ended_total{why="backlog"}')).toBe(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
  })
})

describe('draining', () => {
  test('goes from not ready to no upgrades, asks our clients to come back and closes the others with 1012', async () => {
    const { port, url, tracker } = await start()
    const ours = await join(url)
    ours.socket.send(announce('ours', { nearcast: { v: 1 } }))
    const standard = await join(url)
    standard.socket.send(announce('standard'))
    await soon(() => expect([ours.heard.length, standard.heard.length]).toEqual([1, 1]))
    ours.heard.length = 0
    const drained = tracker.drain({ noticeMs: 400, spreadMs: 400, totalMs: 20_000 })
    expect((await get(port, '/readyz')).status).toBe(503)
    // The balancer may not know it yet.
    const late = await join(url)
    late.socket.send(announce('late'))
    await soon(() => expect(late.heard.length).toBeGreaterThan(0))
    expect(reconnects(ours)).toEqual([])
    await soon(() => expect(reconnects(ours)).toEqual([{ afterMs: expect.any(Number) }]))
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const refused = await get(port, '/', upgrade)
    expect(refused.status).toBe(503)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(await standard.closed).toBe(1012)
    expect(ours.socket.readyState).toBe(WebSocket.OPEN)
    ours.socket.send(announce('ours', { nearcast: { v: 1 } }))
    await soon(() => expect(ours.heard.some(message => 'interval' in message)).toBe(true))
    ours.socket.close()
    await drained
    const { body } = await get(port, '/metrics')
    expect(metric(body, 'nearcast_upgrades_refused_total{reason="draining"}')).toBe(1)
    expect(metric(body, 'nearcast_ready')).toBe(0)
  })
})
