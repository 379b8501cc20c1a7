import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { createTimerClock, createTrackerClient, type SignallerEvents } from '@nearcast/peer-core'
import { type ListenOptions, listenTracker } from '@nearcast/tracker'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Alarms } from '../../peer-core/src/adapters/tracker-client/alarms.ts'
import { HttpSocket } from '../../peer-core/src/adapters/tracker-client/http-socket.ts'
import type { WebSocketLike } from '../../peer-core/src/adapters/tracker-client/web-socket.ts'
import { startProxyWithoutUpgrades } from '../support/proxy-without-upgrades.ts'

/** Both ways to a tracker, held to one contract over real sockets; then what only one of them must bear. */

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(options: ListenOptions = {}) {
  const tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {}, ...options })
  cleanups.push(() => tracker.close())
  return tracker
}

const soon = (check: () => unknown, timeout = 8_000) => vi.waitFor(check, { timeout, interval: 20 })
const idOf = (name: string) => name.padEnd(20, '.')
const announce = (peer: string, fields: object = {}) =>
  JSON.stringify({ action: 'announce', info_hash: idOf('film'), peer_id: idOf(peer), ...fields })
const ours = { nearcast: { v: 1, neighbours: { have: 0, want: 8 }, caps: ['directed'] } }

type Way = (url: string, fetch?: typeof globalThis.fetch) => WebSocketLike

const ways: readonly (readonly [name: string, Way])[] = [
  ['WebSocket', url => new WebSocket(url) as unknown as WebSocketLike],
  [
    'HTTP',
    (url, fetch = globalThis.fetch) =>
      new HttpSocket(url, {
        fetch,
        alarms: new Alarms(createTimerClock()),
        alarm: 'x',
        random: () => 0.5,
      }),
  ],
]

interface Visitor {
  readonly socket: WebSocketLike
  readonly heard: Record<string, unknown>[]
  readonly opened: () => boolean
  readonly closed: () => { code: number; reason: string } | null
}

function watch(socket: WebSocketLike): Visitor {
  const heard: Record<string, unknown>[] = []
  let opened = false
  let closed: { code: number; reason: string } | null = null
  socket.onopen = () => {
    opened = true
  }
  socket.onmessage = (event: { data: unknown }) => heard.push(JSON.parse(String(event.data)))
  socket.onerror = () => {}
  socket.onclose = (event: { code: number; reason: string }) => {
    expect(closed).toBeNull()
    closed = { code: event.code, reason: event.reason }
  }
  cleanups.push(() => socket.close())
  return { socket, heard, opened: () => opened, closed: () => closed }
}

async function visit(way: Way, url: string, fetch?: typeof globalThis.fetch): Promise<Visitor> {
  const visitor = watch(way(url, fetch))
  await soon(() => expect(visitor.opened()).toBe(true))
  return visitor
}

describe.each(ways)('a tracker reached by %s', (name, way) => {
  test('answers, and relays between clients in order, large messages too', async () => {
    const { url, tracker } = await start({ limits: { messageBurst: 1_000 } })
    const a = await visit(way, url)
    const b = await visit(way, url)
    a.socket.send(announce('a', ours))
    await soon(() => expect(a.heard[0]).toHaveProperty('interval'))
    b.socket.send(announce('b', ours))
    await soon(() => expect(b.heard[0]).toHaveProperty('interval'))
    const head = { to_peer_id: idOf('a'), offer_id: idOf('o') }
    b.socket.send(announce('b', { ...head, offer: { type: 'offer', sdp: 'x'.repeat(16_000) } }))
    for (let i = 0; i < 30; i++)
      b.socket.send(announce('b', { ...head, nearcast: { v: 1, candidates: [`{"candidate":"","n":${i}}`] } }))
    await soon(() => expect(a.heard.filter(({ offer_id }) => offer_id === idOf('o'))).toHaveLength(31))
    const relayed = a.heard.filter(({ offer_id }) => offer_id === idOf('o'))
    expect((relayed[0] as { offer: { sdp: string } }).offer.sdp).toBe('x'.repeat(16_000))
    expect(
      relayed.slice(1).map(({ nearcast }) => (nearcast as { candidates: string[] }).candidates[0]),
    ).toEqual(Array.from({ length: 30 }, (_, i) => `{"candidate":"","n":${i}}`))
    expect(tracker.stats().connections).toBe(2)
  })

  test('hears at once that a client has closed, and what it said last', async () => {
    const { url, tracker } = await start()
    const a = await visit(way, url)
    a.socket.send(announce('a'))
    await soon(() => expect(tracker.stats().peers).toBe(1))
    a.socket.send(announce('a', { event: 'completed' }))
    a.socket.close(1000)
    await soon(() => expect(tracker.stats()).toMatchObject({ connections: 0, peers: 0, announces: 2 }))
    await soon(() => expect(a.closed()?.code).toBe(1000))
  })

  test('says why it closes', async () => {
    const { url } = await start()
    const a = await visit(way, url)
    a.socket.send('null')
    await soon(() => expect(a.closed()).toEqual({ code: 1008, reason: 'not an object' }))
  })

  test('closes with 1012 when it restarts, and lets nobody in while it drains', async () => {
    const { url, tracker } = await start()
    const a = await visit(way, url)
    a.socket.send(announce('a'))
    await soon(() => expect(a.heard).toHaveLength(1))
    await tracker.drain({ noticeMs: 0, spreadMs: 100, totalMs: 1_000 })
    await soon(() => expect(a.closed()?.code).toBe(1012))
    const late = watch(way(url))
    await soon(() => expect(late.closed()).not.toBeNull())
    expect(late.opened()).toBe(false)
  })

  test('takes the token of the URL, and turns a bad one away before anything is open', async () => {
    const { url } = await start({
      access: { tokens: 'required', keys: ['a-secret-of-thirty-two-characters'] },
    })
    const bad = watch(way(`${url}/?token=eyJhbGciOiJIUzI1NiJ9.e30.x`))
    await soon(() => expect(bad.closed()).not.toBeNull())
    expect(bad.opened()).toBe(false)
    if (name === 'HTTP') expect(bad.closed()).toEqual({ code: 1008, reason: 'the tracker answers 401' })
  })

  test('counts a client’s messages alike', async () => {
    const { url, tracker } = await start({ limits: { messageBurst: 10, messagesPerSecond: 1 } })
    const a = await visit(way, url)
    for (let i = 0; i < 200; i++) a.socket.send(announce('a'))
    await soon(() => expect(a.closed()).toEqual({ code: 1008, reason: 'too many messages' }))
    expect(tracker.stats().refused.rate).toBeGreaterThan(0)
  })
})

describe('over HTTP', () => {
  const http = ways[1]![1]

  test('a stream that breaks goes on where it ended: nothing lost, nothing twice', async () => {
    const { url, tracker } = await start()
    let breaks = 0
    const flaky: typeof globalThis.fetch = async (input, init) => {
      const isStream = init?.method !== 'POST' && !String(input).endsWith('/signal')
      if (!isStream || breaks >= 6) return fetch(input, init)
      breaks++
      const response = await fetch(input, init)
      const abort = new AbortController()
      setTimeout(() => abort.abort(), 60)
      return new Response(
        response.body!.pipeThrough(new TransformStream(), { signal: abort.signal }),
        response,
      )
    }
    const a = await visit(http, url, flaky)
    a.socket.send(announce('a', ours))
    await soon(() => expect(a.heard).toHaveLength(1))
    const b = await visit(http, url)
    b.socket.send(announce('b', ours))
    await soon(() => expect(b.heard).toHaveLength(1))
    for (let i = 0; i < 20; i++) {
      const offer = {
        to_peer_id: idOf('a'),
        offer_id: idOf(`o${i % 4}-${i}`),
        offer: { type: 'offer', sdp: `s${i}` },
      }
      b.socket.send(
        announce(
          'b',
          i < 4
            ? offer
            : {
                ...offer,
                offer: undefined,
                offer_id: idOf(`o${i % 4}-${i % 4}`),
                nearcast: { v: 1, candidates: [`{"candidate":"","n":${i}}`] },
              },
        ),
      )
      await new Promise(resolve => setTimeout(resolve, 40))
    }
    await soon(() => expect(a.heard.filter(({ offer_id }) => offer_id)).toHaveLength(20))
    const order = a.heard.flatMap(message => {
      const { offer, nearcast } = message as { offer?: { sdp: string }; nearcast?: { candidates?: string[] } }
      return offer
        ? [Number(offer.sdp.slice(1))]
        : (nearcast?.candidates ?? []).map(text => JSON.parse(text).n)
    })
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(breaks).toBeGreaterThan(2)
    expect(tracker.stats().connections).toBe(2)
  }, 20_000)

  test('a network that hands over whole responses only is served by whole ones', async () => {
    const { url } = await start()
    const buffering: typeof globalThis.fetch = async (input, init) => {
      const response = await fetch(input, init)
      if (init?.method === 'POST') return response
      return new Response(await response.text(), response)
    }
    const a = await visit(http, url, buffering)
    a.socket.send(announce('a'))
    await soon(() => expect(a.heard).toHaveLength(1))
    a.socket.send(announce('a', { event: 'completed' }))
    await soon(() => expect(a.heard).toHaveLength(2))
  }, 20_000)

  test('a request whose answer was lost is repeated and taken once', async () => {
    const { url, tracker } = await start()
    let lost = 0
    const lossy: typeof globalThis.fetch = async (input, init) => {
      const response = await fetch(input, init)
      if (init?.method === 'POST' && String(input).includes('n=1') && lost++ < 2) throw new TypeError('reset')
      return response
    }
    const a = await visit(http, url, lossy)
    a.socket.send(announce('a'))
    await soon(() => expect(lost).toBe(3))
    a.socket.send(announce('a', { event: 'completed' }))
    await soon(() => expect(a.heard).toHaveLength(2))
    expect(tracker.stats().announces).toBe(2)
  })

  test('a client that never reads is cut off, and costs no more than its backlog', async () => {
    const { url, port, tracker } = await start({
      backlogBytes: 65_536,
      limits: { openOffersPerPeer: 1e6, messageBurst: 1e6, partners: 1e5 },
    })
    const base = url.replace('ws:', 'http:')
    const { session } = (await (await fetch(`${base}/signal`, { method: 'POST' })).json()) as {
      session: string
    }
    await fetch(`${base}/signal/${session}?n=1`, { method: 'POST', body: announce('deaf', ours) })
    const raw = connect(port, '127.0.0.1')
    raw.on('error', () => {})
    raw.pause()
    cleanups.push(() => raw.destroy())
    raw.write(`GET /signal/${session} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const loud = await visit(http, url)
    loud.socket.send(announce('loud', ours))
    await soon(() => expect(tracker.stats().peers).toBe(2))
    // Kernel buffers take some megabytes before anything waits in this process.
    for (let i = 0; i < 1_500 && tracker.stats().peers === 2; i++) {
      const names = `n${i}`
      loud.socket.send(
        announce('loud', {
          ...ours,
          numwant: 1,
          offers: Array.from({ length: 3 }, (_, k) => ({
            offer: { type: 'offer', sdp: 'x'.repeat(16_000) },
            offer_id: idOf(`${names}-${k}`),
          })),
        }),
      )
      loud.socket.send(
        announce(`q${i}`, {
          event: 'started',
          offers: [{ offer: { type: 'offer', sdp: 'y'.repeat(16_000) }, offer_id: idOf(names) }],
        }),
      )
      loud.socket.send(announce(`q${i}`, { event: 'stopped' }))
      if (i % 10 === 0) await new Promise(resolve => setTimeout(resolve, 5))
    }
    await soon(async () =>
      expect(await metric(base, 'nearcast_http_sessions_ended_total{why="backlog"}')).toBe('1'),
    )
  }, 60_000)

  test('pages that are not on the list get nothing, those that are get their CORS headers', async () => {
    const { url } = await start({ access: { origins: ['https://good.example'] } })
    const signal = `${url.replace('ws:', 'http:')}/signal`
    const post = (origin: string) => fetch(signal, { method: 'POST', headers: { origin } })
    expect((await post('https://evil.example')).status).toBe(403)
    const good = await post('https://good.example')
    expect([good.status, good.headers.get('access-control-allow-origin'), good.headers.get('vary')]).toEqual([
      201,
      'https://good.example',
      'Origin',
    ])
  })

  test('an address with as many sockets as it may have gets no session, and none is kept', async () => {
    const { url, tracker } = await start({
      trustedProxies: ['127.0.0.0/8'],
      limits: { connectionsPerAddress: 1 },
    })
    const base = `${url.replace('ws:', 'http:')}/signal`
    const open = (from: string) => fetch(base, { method: 'POST', headers: { 'x-forwarded-for': from } })
    expect((await open('198.51.100.7')).status).toBe(201)
    const second = await open('198.51.100.7')
    expect([second.status, await second.text()]).toEqual([429, 'too many connections from one address\n'])
    expect((await open('198.51.100.8')).status).toBe(201)
    expect(tracker.stats().connections).toBe(2)
    const from7 = (input: URL | RequestInfo, init?: RequestInit) =>
      fetch(input, { ...init, headers: { ...init?.headers, 'x-forwarded-for': '198.51.100.7' } })
    const http = ways[1]![1]
    const refused = watch(http(url, from7))
    await soon(() => expect(refused.closed()).toMatchObject({ code: 1008 }))
  })

  test('the answer that opens a session says where it is, for balancers that learn from it', async () => {
    const { url } = await start()
    const opened = await fetch(`${url.replace('ws:', 'http:')}/some/path/signal`, { method: 'POST' })
    const { session } = (await opened.json()) as { session: string }
    expect([opened.status, opened.headers.get('location')]).toEqual([201, `signal/${session}`])
    const where = new URL(opened.headers.get('location')!, opened.url)
    expect((await fetch(`${where}?bye`, { method: 'POST' })).status).toBe(204)
  })

  test.each([
    ['an unknown session', 'GET', '/signal/AAAAAAAAAAAAAAAAAAAAAA', undefined, 404],
    ['an unknown session spoken to', 'POST', '/signal/AAAAAAAAAAAAAAAAAAAAAA', 'x', 404],
    ['another method', 'DELETE', '/signal', undefined, 404],
    ['a path that only begins so', 'POST', '/signal/short', '', 404],
  ])('%s is answered and forgotten', async (_, method, path, body, status) => {
    const { url } = await start()
    const response = await fetch(url.replace('ws:', 'http:') + path, {
      method,
      ...(body !== undefined && { body }),
    })
    expect(response.status).toBe(status)
  })

  test('a request of 1 MB is refused unread, and one without a length too', async () => {
    const { url, port, tracker } = await start()
    const base = url.replace('ws:', 'http:')
    const { session } = (await (await fetch(`${base}/signal`, { method: 'POST' })).json()) as {
      session: string
    }
    const large = await fetch(`${base}/signal/${session}?n=1`, {
      method: 'POST',
      body: 'x'.repeat(1 << 20),
    }).catch(() => null)
    expect(large?.status ?? 413).toBe(413)
    const status = await new Promise<number>((resolve, reject) => {
      const endless = httpRequest(
        {
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: `/signal/${session}?n=1`,
          headers: { 'transfer-encoding': 'chunked' },
        },
        response => {
          resolve(response.statusCode ?? 0)
          endless.destroy()
        },
      )
      endless.on('error', reject)
      endless.write('x')
    })
    expect(status).toBe(413)
    expect(tracker.stats().messages).toBe(0)
  })
})

function viewer(url: string, digit: string) {
  const log: string[] = []
  const events: SignallerEvents = {
    onNeighbours: list => log.push(...list.map(({ peer }) => `neighbour ${peer[0]}`)),
    onOffer: ({ from, sdp }) => log.push(`offer ${from[0]} ${sdp}`),
    onAnswer: ({ from, sdp }) => log.push(`answer ${from[0]} ${sdp}`),
    onCandidate: ({ from, candidate }) => log.push(`candidate ${from[0]} ${candidate}`),
    makeOffers: async () => [],
    onPolicy: () => {},
    onGroup: () => {},
    onIceServers: () => {},
    onState: (state, error) => log.push(`state ${state} ${error ?? ''}`.trim()),
  }
  const signaller = createTrackerClient({
    urls: [url],
    infoHash: 'ab'.repeat(20),
    peerId: digit.repeat(40),
    clock: createTimerClock(),
  })
  cleanups.push(() => signaller.close())
  signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
  signaller.open(events)
  return { signaller, log }
}

describe('a client behind a proxy', () => {
  test.each(['refuse', 'swallow'] as const)(
    'that would %s upgrades meets others all the same',
    async how => {
      const { port, url, tracker } = await start()
      const proxy = await startProxyWithoutUpgrades(port, how)
      cleanups.push(() => proxy.close())
      const a = viewer(`ws://127.0.0.1:${proxy.port}`, 'a')
      await soon(() => expect(a.log).toContain('state open'), 12_000)
      const b = viewer(url, 'b')
      await soon(() => expect(b.log).toContain('neighbour a'))
      b.signaller.offer('a'.repeat(40), 'offer-id-of-20-chars', 'the offer')
      await soon(() => expect(a.log).toContain('offer b the offer'))
      a.signaller.answer('b'.repeat(40), 'offer-id-of-20-chars', 'the answer')
      a.signaller.candidate('b'.repeat(40), 'offer-id-of-20-chars', 'c1')
      await soon(() =>
        expect(b.log).toEqual(expect.arrayContaining(['answer a the answer', 'candidate a c1'])),
      )
      expect(proxy.upgrades()).toBe(1)
      expect(a.log.filter(line => line.startsWith('state'))).toEqual(['state connecting', 'state open'])
      await a.signaller.close()
      await soon(() => expect(tracker.stats().connections).toBe(1))
    },
    30_000,
  )

  test('says what the tracker said when it is refused', async () => {
    const { port } = await start({ access: { native: false } })
    const proxy = await startProxyWithoutUpgrades(port, 'refuse')
    cleanups.push(() => proxy.close())
    const a = viewer(`ws://127.0.0.1:${proxy.port}`, 'a')
    await soon(() => expect(a.log).toContain('state refused the tracker answers 403'))
  })
})

async function metric(base: string, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${base}/metrics`)).text()
  return text
    .split('\n')
    .find(line => line.startsWith(name))
    ?.split(' ')
    .at(-1)
}
