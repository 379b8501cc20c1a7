import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { hasBun, metric, startTrackerOn, type TrackerProcess } from './tracker-process.ts'

/**
 * What the protocol's checks (`tracker-conformance.test.ts`) do not reach of the tracker under Bun: its own server's HTTP,
 * limits, access and end.
 */

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

async function start(...flags: string[]): Promise<TrackerProcess> {
  const tracker = await startTrackerOn('bun', ...flags)
  cleanups.push(() => tracker.child.kill('SIGKILL'))
  return tracker
}

interface Viewer {
  readonly socket: WebSocket
  readonly heard: Record<string, unknown>[]
  /** The close code, or the status of a refused upgrade. */
  readonly ended: Promise<number>
}

function visit(port: number, headers: Record<string, string> = {}, path = '/'): Viewer {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
  cleanups.push(() => socket.terminate())
  const heard: Record<string, unknown>[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  socket.on('error', () => {})
  const ended = new Promise<number>(resolve => {
    socket.on('close', resolve)
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
  })
  return { socket, heard, ended }
}

async function join(port: number, peer: string, fields: object = {}): Promise<Viewer> {
  const viewer = visit(port)
  await new Promise(resolve => viewer.socket.once('open', resolve))
  viewer.socket.send(announce(peer, fields))
  await soon(() => expect(viewer.heard.length).toBeGreaterThan(0))
  return viewer
}

const idOf = (name: string) => name.padEnd(20, '.')
const announce = (peer: string, fields: object = {}) =>
  JSON.stringify({ action: 'announce', info_hash: idOf('film'), peer_id: idOf(peer), offers: [], ...fields })
const ours = { nearcast: { v: 1, neighbours: { have: 0, want: 8 }, caps: ['directed'] } }
const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 20 })

describe.skipIf(!hasBun)('under Bun', () => {
  test('health, readiness and metrics answer on the port of the sockets', async () => {
    const { port, metrics } = await start()
    await join(port, 'a')
    const health = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect(await health.json()).toMatchObject({ status: 'ok', connections: 1, peers: 1 })
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    expect(metric(await metrics(), 'nearcast_upgrades_total')).toBe(1)
  }, 60_000)

  test('a viewer whose network blocks WebSockets meets one over HTTP', async () => {
    const { port } = await start()
    const viewer = await join(port, 'a')
    const base = `http://127.0.0.1:${port}/signal`
    const opened = await fetch(base, { method: 'POST' })
    expect(opened.status).toBe(201)
    const { session } = (await opened.json()) as { session: string }
    const offers = [{ offer: { type: 'offer', sdp: 'v=0\r\n' }, offer_id: idOf('o') }]
    // One offer goes to somebody near or far by chance; here there is one other only.
    const said = await fetch(`${base}/${session}?n=1`, {
      method: 'POST',
      body: announce('b', { offers, numwant: 1 }),
    })
    expect(said.status).toBe(204)
    await soon(() => expect(viewer.heard.at(-1)).toMatchObject({ offer_id: idOf('o') }))
    const stream = await fetch(`${base}/${session}?once`)
    expect(await stream.text()).toContain('"complete":2')
  }, 60_000)

  test.each([
    ['a frame of 1 MB', 'x'.repeat(1 << 20), 1009],
    ['a binary frame', Buffer.from('{}'), 1003],
    ['what is no message', 'null', 1008],
  ])(
    '%s closes its own socket, and is counted',
    async (_, data, code) => {
      const { port, metrics } = await start()
      const viewer = await join(port, 'a')
      const attacker = visit(port)
      attacker.socket.once('open', () => attacker.socket.send(data))
      expect(await attacker.ended).toBe(code)
      viewer.socket.send(announce('a'))
      await soon(() => expect(viewer.heard).toHaveLength(2))
      await soon(async () => {
        const text = await metrics()
        const why = code === 1009 ? 'protocol' : code === 1003 ? 'binary' : 'rules'
        expect(metric(text, `nearcast_sockets_ended_total{why="${why}"}`)).toBe(1)
        expect(metric(text, 'nearcast_connections')).toBe(1)
      })
    },
    60_000,
  )

  test('a reader that never reads is cut off', async () => {
    const { port, metrics } = await start()
    const deaf = await join(port, 'deaf')
    // Many names on one socket, since only so many offers wait for each of them.
    for (let name = 0; name < 31; name++) deaf.socket.send(announce(`deaf${name}`))
    await soon(() => expect(deaf.heard).toHaveLength(32))
    deaf.socket.pause()
    const offers = Array.from({ length: 4 }, (_, i) => ({
      offer: { type: 'offer', sdp: 'x'.repeat(15_000) },
      offer_id: idOf(`o${i}`),
    }))
    const cut = async () => metric(await metrics(), 'nearcast_sockets_ended_total{why="backlog"}')
    for (let i = 0; i < 500 && (await cut()) === 0; i++) {
      const sender = await join(port, `s${i}`, { numwant: 4, offers })
      sender.socket.terminate()
    }
    expect(await cut()).toBe(1)
  }, 120_000)

  test('a page that is not on the list gets no socket and no session', async () => {
    const { port } = await start('--origin', 'https://good.example')
    expect(await visit(port, { Origin: 'https://bad.example' }).ended).toBe(403)
    const headers = { Origin: 'https://bad.example' }
    expect((await fetch(`http://127.0.0.1:${port}/signal`, { method: 'POST', headers })).status).toBe(403)
    const good = visit(port, { Origin: 'https://good.example' }, '/some/path?x=1')
    await new Promise(resolve => good.socket.once('open', resolve))
  }, 60_000)

  test('who sends the head of a request slowly does not hold a socket', async () => {
    const { port } = await start('--http-headers-ms', '1000')
    const slow = connect(port, '127.0.0.1')
    cleanups.push(() => slow.destroy())
    slow.on('error', () => {})
    slow.write('GET / HTTP/1.1\r\nHost: x\r\n')
    await new Promise(resolve => {
      slow.on('data', () => {})
      slow.on('close', resolve)
    })
  }, 60_000)

  test('SIGTERM asks our clients to leave, closes the others, refuses new ones and ends with 0', async () => {
    const spread = ['--drain-notice-ms', '300', '--drain-spread-ms', '1500', '--drain-grace-ms', '1000']
    const tracker = await start(...spread, '--drain-total-ms', '20000')
    const standard = await join(tracker.port, 'standard')
    const own = await join(tracker.port, 'own', ours)
    tracker.child.kill('SIGTERM')
    await soon(() => expect(JSON.stringify(own.heard)).toContain('reconnect'))
    expect(await visit(tracker.port).ended).toBe(503)
    own.socket.close()
    expect(await standard.ended).toBe(1012)
    expect(await tracker.exit).toBe(0)
    expect(tracker.log()).toMatch(/"event":"drained","left":1,"closed":1,"remaining":0/)
  }, 60_000)
})
