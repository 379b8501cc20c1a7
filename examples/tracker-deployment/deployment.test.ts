import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTimerClock, createTrackerClient, type Signaller } from '@nearcast/peer-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { installPackage } from '../../test/support/debian-package.ts'
import { type Disguise, disguiseAs } from '../../test/support/disguise.ts'
import { type Deployment, startDeployment, type TrackerNode } from './deployment.ts'
import type { Tls } from './fit-config.ts'
import { freePort } from './free-port.ts'
import { isInstalled, type ProxyName } from './proxy.ts'

/** The example's own configurations in the real proxies, before real trackers, for viewers from all over the world. */

const packages = { nginx: 'nginx-light', haproxy: 'haproxy' } as const

function isThere(name: ProxyName): boolean {
  if (!isInstalled(name)) installPackage(packages[name])
  if (spawnSync('openssl', ['version']).status !== 0) installPackage('openssl')
  if (isInstalled(name)) return true
  console.warn(`SKIPPED: the deployment behind ${name} needs it: apt-get install ${packages[name]}`)
  return false
}

const soon = (check: () => unknown, timeout = 20_000) => vi.waitFor(check, { timeout, interval: 50 })
const idOf = (name: string) => name.padEnd(20, '.')
const drainFlags = ['--drain-notice-ms', '1000', '--drain-spread-ms', '500', '--drain-grace-ms', '8000']

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

interface Viewer {
  readonly signaller: Signaller
  readonly peer: string
  /** What it heard. */
  readonly log: readonly string[]
  /** What it asked for over HTTP. */
  readonly asked: readonly string[]
}

describe.each(['nginx', 'haproxy'] as const)('behind %s', proxy => {
  describe.skipIf(!isThere(proxy))('two trackers', () => {
    const cleanups: (() => Promise<unknown> | unknown)[] = []
    const disguises = new Map<string, Promise<Disguise>>()
    let deployment: Deployment
    let tls: Tls

    beforeAll(async () => {
      tls = { port: await freePort(), pem: await selfSigned() }
      deployment = await startDeployment({
        proxy,
        flags: [...drainFlags, '--no-stun'],
        behindTcpBalancer: true,
        checkInterval: '200ms',
        tls,
      })
    })
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
      const ready = deployment.nodes.filter(({ child }) => child.exitCode === null)
      await soon(async () => expect(await Promise.all(ready.map(connections))).toEqual(ready.map(() => 0)))
    })
    afterAll(async () => {
      for (const disguise of disguises.values()) await (await disguise).close()
      await deployment?.close()
    })

    /** Host and port at which the proxy takes us for somebody at that address. */
    async function seenAs(address: string): Promise<string> {
      const known = disguises.get(address) ?? disguiseAs(address, deployment.port)
      disguises.set(address, known)
      return `127.0.0.1:${(await known).port}`
    }

    async function join(address: string, headers: Record<string, string> = {}): Promise<WebSocket> {
      const socket = new WebSocket(`ws://${await seenAs(address)}`, { headers })
      cleanups.push(() => socket.terminate())
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      return socket
    }

    /** Node on which all of these addresses land; its name, or what else happened. */
    async function nodeOf(...addresses: string[]): Promise<string> {
      const before = await Promise.all(deployment.nodes.map(connections))
      const sockets = await Promise.all(addresses.map(address => join(address)))
      const after = await Promise.all(deployment.nodes.map(connections))
      const grown = after.map((count, n) => count - before[n]!)
      await Promise.all(sockets.map(leave))
      await soon(async () => expect(await Promise.all(deployment.nodes.map(connections))).toEqual(before))
      const name = deployment.nodes[grown.indexOf(addresses.length)]?.name
      return name ?? `torn apart: ${grown.join(' and ')}`
    }

    /** Our own client in a network; `way` http: where WebSockets are blocked. */
    async function viewer(address: string, digit: string, way: 'websocket' | 'http'): Promise<Viewer> {
      const log: string[] = []
      const asked: string[] = []
      const peer = digit.repeat(40)
      const signaller = createTrackerClient({
        urls: [`ws://${await seenAs(address)}`],
        infoHash: 'ab'.repeat(20),
        peerId: peer,
        clock: createTimerClock(),
        ...(way === 'http' && {
          WebSocket: Blocked as never,
          fetch: (input, init) => {
            asked.push(`${init?.method ?? 'GET'} ${input}`)
            return fetch(input, init)
          },
        }),
      })
      cleanups.push(() => signaller.close())
      signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
      signaller.open({
        onNeighbours: list => log.push(...list.map(({ peer }) => `neighbour ${peer[0]}`)),
        onOffer: ({ from, sdp }) => log.push(`offer ${from[0]} ${sdp}`),
        onAnswer: ({ from, sdp }) => log.push(`answer ${from[0]} ${sdp}`),
        onCandidate: ({ from, candidate }) => log.push(`candidate ${from[0]} ${candidate}`),
        makeOffers: async () => [],
        onPolicy: () => {},
        onGroup: ({ level, size }) => log.push(`group ${level} ${size}`),
        onIceServers: () => {},
        onState: state => log.push(`state ${state}`),
      })
      return { signaller, peer, log, asked }
    }

    test('viewers of one network land on one node, and the networks spread over both', async () => {
      const networks = [
        ...Array.from({ length: 16 }, (_, n) => [`198.51.${n}.7`, `198.51.${n}.201`]),
        ...Array.from({ length: 8 }, (_, n) => [`2001:db8:${n + 1}::7`, `2001:db8:${n + 1}:ab:1:2:3:4`]),
        // One network, spelled in all ways that "::" allows.
        ['2001:db8::1', '2001:db8:0:1::1', '2001:db8::1:2:3:4:5', '2001:db8:0:1:2:3:4:5'],
      ]
      const nodes: string[] = []
      for (const network of networks) nodes.push(await nodeOf(...network))
      expect(new Set(nodes)).toEqual(new Set(['one', 'two']))
    })

    test('the tracker knows where a viewer is, whatever the viewer claims', async () => {
      const office = await join('203.0.113.5')
      const forger = await join('198.51.100.66', {
        'X-Forwarded-For': '203.0.113.5',
        Forwarded: 'for=203.0.113.5',
        'X-Real-IP': '203.0.113.5',
      })
      expect(await groupOf(office, 'a')).toMatchObject({ level: 'site', size: 1 })
      const alone = await groupOf(forger, 'b')
      expect(alone).toMatchObject({ size: 1 })
      expect(alone.level).not.toBe('site')
      // Its neighbour behind the same address is found.
      expect(await groupOf(await join('198.51.100.66'), 'c')).toMatchObject({ level: 'address', size: 2 })
    })

    test('a viewer behind a firewall that blocks WebSockets and one with a WebSocket shake hands', async () => {
      const a = await viewer('192.0.2.10', 'a', 'http')
      await soon(() => expect(a.log).toContain('state open'))
      const b = await viewer('192.0.2.10', 'b', 'websocket')
      await soon(() => expect(b.log).toContain('neighbour a'))
      b.signaller.offer(a.peer, 'offer-id-of-20-chars', 'the offer')
      await soon(() => expect(a.log).toContain('offer b the offer'))
      a.signaller.answer(b.peer, 'offer-id-of-20-chars', 'the answer')
      a.signaller.candidate(b.peer, 'offer-id-of-20-chars', 'c1')
      await soon(() => expect(b.log).toContain('candidate a c1'))
      expect(b.log).toContain('answer a the answer')
      // Else the proxy held the stream back.
      expect(a.asked.filter(url => url.includes('once'))).toEqual([])
      await Promise.all([a.signaller.close(), b.signaller.close()])
    })

    test('what is for operators is no business of viewers, however the path is spelled', async () => {
      const spellings = [
        '/metrics/',
        '//metrics',
        '/%6Detrics',
        '/./metrics',
        '/x/../metrics',
        '/x/%2e%2e/metrics',
      ]
      // The tracker itself would show its metrics to a private address.
      for (const address of ['10.1.2.3', '198.51.100.7'])
        for (const path of ['/metrics', ...spellings, '/admin/policy', '/dashboard', '/dashboard/'])
          expect([path, await statusOf(await seenAs(address), path)]).toEqual([path, 403])
    })

    test('health is for everybody', async () => {
      expect(await statusOf(await seenAs('198.51.100.7'), '/readyz')).toBe(200)
    })

    test('TLS ends at the proxy, for WebSockets and for HTTP/2', async () => {
      const socket = new WebSocket(`wss://127.0.0.1:${tls.port}`, { rejectUnauthorized: false })
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      cleanups.push(() => leave(socket))
      const session = connectHttp2(`https://127.0.0.1:${tls.port}`, { rejectUnauthorized: false })
      cleanups.push(() => session.close())
      expect(await statusOver(session, { ':path': '/readyz' })).toBe(200)
      // Browsers then open WebSockets on the same connection (RFC 8441).
      if (!session.remoteSettings.enableConnectProtocol) return
      const key = Buffer.alloc(16).toString('base64')
      const upgrade = {
        'sec-websocket-version': '13',
        'sec-websocket-key': key,
        origin: 'https://video.example',
      }
      const connect = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', ...upgrade }
      expect(await statusOver(session, connect)).toBe(200)
    })

    test('a node that drains gets nobody new, keeps its sessions till the end, and nobody loses the tracker', async () => {
      const address = '192.0.2.77'
      const name = await nodeOf(address)
      const [old, other] = [...deployment.nodes].sort(node => (node.name === name ? -1 : 1)) as [
        TrackerNode,
        TrackerNode,
      ]
      const web = await viewer(address, 'c', 'websocket')
      const http = await viewer(address, 'd', 'http')
      await soon(() => expect([web, http].map(({ log }) => log.includes('state open'))).toEqual([true, true]))
      const signal = `http://${await seenAs(address)}/signal`
      const { session } = (await (await fetch(signal, { method: 'POST' })).json()) as { session: string }
      const say = async (query: string, body = '') => {
        return (await fetch(`${signal}/${session}?${query}`, { method: 'POST', body })).status
      }
      expect(await say('n=1', announce('e'))).toBe(204)
      expect(await connections(old)).toBe(3)

      const told = [web, http].map(({ log }) => log.length)
      old.child.kill('SIGTERM')
      await soon(async () => expect(await statusOf(`127.0.0.1:${old.port}`, '/readyz')).toBe(503))
      // The proxy has noticed: whoever comes from the same network is sent to the other.
      await soon(async () => {
        const before = await connections(other)
        const fresh = await join(address)
        const grown = (await connections(other)) - before
        await leave(fresh)
        expect(grown).toBeGreaterThan(0)
      })
      // Who is still there is served there.
      expect(await say('n=2', announce('e'))).toBe(204)
      await soon(async () => expect(await connections(other)).toBeGreaterThanOrEqual(2))
      expect(await say('bye')).toBe(204)
      expect(await old.exit).toBe(0)

      // Both came over before they left, and are introduced to each other there.
      for (const { log } of [web, http]) {
        expect(log.filter(line => line.startsWith('state'))).toEqual(['state connecting', 'state open'])
      }
      const [caller, callee] = (await soon(() => {
        const named = [web, http].find(({ log }, n) =>
          log.slice(told[n]).some(line => /^neighbour/.test(line)),
        )
        expect(named).toBeDefined()
        return named === web ? [web, http] : [http, web]
      })) as [Viewer, Viewer]
      caller.signaller.offer(callee.peer, 'offer-id-of-20-chars', 'after the drain')
      await soon(() => expect(callee.log).toContain(`offer ${caller.peer[0]} after the drain`))
      callee.signaller.answer(caller.peer, 'offer-id-of-20-chars', 'all is well')
      await soon(() => expect(caller.log).toContain(`answer ${callee.peer[0]} all is well`))
    })
  })
})

/** A browser's WebSocket where a firewall refuses upgrades. */
class Blocked {
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null
  readyState = 0
  constructor() {
    setTimeout(() => {
      this.readyState = 3
      this.onclose?.({ code: 1006, reason: '' })
    }, 0)
  }
  send(): void {}
  close(): void {}
}

async function leave(socket: WebSocket): Promise<void> {
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.close()
  await closed
}

async function connections({ port }: TrackerNode): Promise<number> {
  const health = await fetch(`http://127.0.0.1:${port}/healthz`)
  return ((await health.json()) as { connections: number }).connections
}

/** Of a path exactly as it is spelled; fetch would tidy it. */
function statusOf(host: string, path: string): Promise<number> {
  const [hostname, port] = host.split(':')
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, agent: false }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', reject)
    asked.end()
  })
}

function statusOver(session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: headers[':method'] !== 'CONNECT' })
    stream.on('error', reject)
    stream.on('response', ({ ':status': status }) => {
      resolve(status ?? 0)
      stream.close()
    })
  })
}

/** Path of a PEM file with a certificate that only a test believes, and its key. */
async function selfSigned(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nearcast-tls-'))
  folders.push(folder)
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')]
  const kind = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
  ]
  const made = spawnSync('openssl', ['req', ...kind, '-keyout', key, '-out', certificate])
  if (made.status !== 0)
    throw new Error(`openssl is needed to make a certificate: ${made.stderr ?? made.error}`)
  const pem = join(folder, 'both.pem')
  await writeFile(pem, (await readFile(certificate, 'utf8')) + (await readFile(key, 'utf8')))
  return pem
}

function announce(peer: string): string {
  const extras = { v: 1, neighbours: { have: 0, want: 8 }, caps: ['directed'] }
  return JSON.stringify({
    action: 'announce',
    info_hash: idOf('film'),
    peer_id: idOf(peer),
    nearcast: extras,
  })
}

/** Announces, and returns the group that the tracker puts us in. */
async function groupOf(socket: WebSocket, peer: string): Promise<{ level: string; size: number }> {
  const answered = new Promise<string>(resolve => socket.once('message', data => resolve(String(data))))
  socket.send(announce(peer))
  return (JSON.parse(await answered) as { nearcast: { group: { level: string; size: number } } }).nearcast
    .group
}
