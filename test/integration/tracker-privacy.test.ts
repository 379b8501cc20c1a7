import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { findLeaks, spellingsOfAddress, spellingsOfBytes } from './spellings.ts'
import { metric, startTracker } from './tracker-process.ts'

/** Nothing that a tracker's process writes or serves names a viewer or what is watched. */

const folder = mkdtempSync(join(tmpdir(), 'nearcast-privacy-'))
const cleanups: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

describe('looking for leaks', () => {
  const hash = createHash('sha1').update('film').digest()

  test('finds an id in every spelling, in any case', () => {
    const secrets = new Map([['hash', spellingsOfBytes(hash)]])
    const binary = hash.toString('latin1')
    for (const text of [
      `swarm ${hash.toString('hex').toUpperCase()} is full`,
      JSON.stringify({ message: `swarm ${binary}` }),
      JSON.stringify({ message: JSON.stringify({ info_hash: binary }) }),
      `nearcast_peers{swarm="${hash.toString('base64')}"} 3`,
      `GET /announce?info_hash=${encodeURIComponent(binary)}`,
      `<Buffer ${hash.toString('hex').match(/../g)!.join(' ')}>`,
      `${hash.toString('hex').slice(0, 16)}…`,
    ])
      expect(findLeaks(text, secrets), text).not.toEqual([])
    expect(findLeaks('swarm 0011223344556677 of another film', secrets)).toEqual([])
  })

  test.each([
    [
      '198.51.100.77',
      ['198.51.100.77:4711', '::ffff:198.51.100.77', 'c633644d', '198.51.100.0/24', '3325256781'],
    ],
    [
      '2001:db8:7:9::42',
      ['2001:DB8:7:9::42', '2001:0db8:0007:0009::/64', '20010db8000700090000000000000042'],
    ],
  ])('finds the address %s', (address, texts) => {
    for (const text of texts)
      expect(
        findLeaks(`from ${text} today`, new Map([['address', spellingsOfAddress(address)]])),
        text,
      ).not.toEqual([])
  })
})

test('real traffic leaves no address, no info_hash, no peer_id, no description and no secret in logs and metrics', async () => {
  const sites = join(folder, 'sites.csv')
  writeFileSync(sites, 'site,cidr,mode\noffice,203.0.113.0/25,share\n')
  writeFileSync(join(folder, 'key'), 'a-secret-of-the-cluster\n')
  writeFileSync(join(folder, 'token'), 'a-token-for-prometheus\n')
  const flags = ['--sites', sites, '--trust-proxy', '127.0.0.0/8', '--secret-file', join(folder, 'key')]
  const tracker = await startTracker(
    ...flags,
    ...['--metrics-token-file', join(folder, 'token'), '--log-format', 'json'],
    ...['--drain-notice-ms', '100', '--drain-spread-ms', '200', '--drain-total-ms', '1000'],
    ...[
      '--limits-first-message-ms',
      '500',
      '--limits-connections-per-address',
      '3',
      '--http-headers-ms',
      '300',
    ],
  )
  cleanups.push(() => tracker.child.kill('SIGKILL'))

  const secrets = new Map<string, readonly string[]>()
  const id = (name: string) => {
    const bytes = randomBytes(20)
    // Escapes, and characters of two bytes.
    bytes.set([0x07, 0x22, 0x5c, 0xe9], 4)
    secrets.set(name, spellingsOfBytes(bytes))
    return bytes.toString('latin1')
  }
  const address = (text: string) => {
    secrets.set(text, spellingsOfAddress(text))
    return text
  }
  secrets.set('description', ['candidate:1 1 udp', 'ice-ufrag-of-a-viewer', '10.77.66.55'])
  secrets.set('the secret', ['a-secret-of-the-cluster'])
  secrets.set('the token', ['a-token-for-prometheus'])

  const sdp =
    'v=0\r\na=ice-ufrag:ice-ufrag-of-a-viewer\r\na=candidate:1 1 udp 1 10.77.66.55 4711 typ host\r\n'
  const film = id('info_hash')
  const join_ = async (from: string, path = '/') => {
    const socket = new WebSocket(`ws://127.0.0.1:${tracker.port}${path}`, {
      headers: { 'x-forwarded-for': from },
    })
    cleanups.push(() => socket.terminate())
    const heard: Record<string, unknown>[] = []
    socket.on('message', data => heard.push(JSON.parse(String(data))))
    socket.on('error', () => {})
    const closed = new Promise<number>(resolve => socket.on('close', resolve))
    await new Promise(resolve => socket.once('open', resolve))
    const say = (fields: object) =>
      socket.send(JSON.stringify({ action: 'announce', info_hash: film, ...fields }))
    return { socket, heard, closed, say }
  }
  const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 20 })

  // Two who meet, one of them our own client in a site, over IPv4 and IPv6.
  const a = await join_(address('203.0.113.77'))
  const b = await join_(address('2001:db8:7:9::42'))
  const [peerA, peerB, offerId] = [id('peer A'), id('peer B'), id('offer')]
  const ours = { v: 1, caps: ['directed'], mode: 'share', neighbours: { have: 0, want: 8 } }
  b.say({ peer_id: peerB, nearcast: ours })
  await soon(() => expect(b.heard.length).toBeGreaterThan(0))
  a.say({ peer_id: peerA, offers: [{ offer_id: offerId, offer: { type: 'offer', sdp } }], numwant: 1 })
  await soon(() => expect(b.heard.some(({ offer }) => offer !== undefined)).toBe(true))
  b.say({ peer_id: peerB, to_peer_id: peerA, offer_id: offerId, answer: { type: 'answer', sdp } })
  await soon(() => expect(a.heard.some(({ answer }) => answer !== undefined)).toBe(true))
  b.say({
    peer_id: peerB,
    nearcast: { ...ours, outcomes: [{ peer: peerA, ok: false, ms: 9, pair: 'host-host' }] },
  })
  // All that is refused: a stranger with a peer_id in use, answers to nobody, malformed and binary frames, scrapes.
  const stranger = await join_(address('198.51.100.77'))
  stranger.say({ peer_id: peerB })
  stranger.say({
    peer_id: peerA,
    to_peer_id: id('nobody'),
    offer_id: offerId,
    answer: { type: 'answer', sdp },
  })
  stranger.say({ peer_id: `${peerA}x` })
  stranger.say({ action: 'scrape', info_hash: undefined })
  const flood = id('flood')
  for (let i = 0; i < 800; i++) stranger.say({ peer_id: flood })
  await stranger.closed
  for (const data of [Buffer.from(film, 'latin1'), `{"info_hash":"${peerA}`, 'x'.repeat(100_000)]) {
    const bad = await join_(address('198.51.100.78'))
    bad.socket.send(data)
    await bad.closed
  }
  // Too many from one address; silent ones; slow handshakes; tokens in URLs; errors of proxies.
  const crowd = await Promise.all(
    Array.from({ length: 5 }, () => join_(address('198.51.100.79'), '/announce?token=a-token-in-a-url')),
  )
  secrets.set('a token in a URL', ['a-token-in-a-url'])
  await Promise.all(crowd.map(({ closed }) => closed))
  const slow = connect(tracker.port, '127.0.0.1', () =>
    slow.write(`GET / HTTP/1.1\r\nX-Forwarded-For: 198.51.100.80\r\n`),
  )
  slow.on('error', () => {})
  address('198.51.100.80')
  await new Promise(resolve => slow.resume().once('close', resolve))
  const udp = createSocket('udp4')
  cleanups.push(() => udp.close())
  udp.send(Buffer.from(`noise ${film}`, 'latin1'), tracker.port, '127.0.0.1')
  // The operator changes the sites, wrongly and rightly.
  writeFileSync(sites, 'site,cidr,mode\noffice,203.0.113.0/25,sometimes\n')
  await soon(() => expect(tracker.log()).toContain('"sites-refused"'))
  writeFileSync(sites, 'site,cidr,mode\noffice,203.0.113.0/24,leech\n')
  await soon(() => expect(tracker.log().split('rows apply').length).toBeGreaterThan(2))

  const read = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${tracker.port}${path}`, {
      headers: { authorization: 'Bearer a-token-for-prometheus' },
    })
    return response.text()
  }
  const metrics = await read('/metrics')
  // The traffic above did reach what is looked at.
  expect(metric(metrics, 'nearcast_answers_total{result="relayed"}')).toBe(1)
  for (const reason of ['malformed', 'rate', 'scrape'])
    expect(metric(metrics, `nearcast_refusals_total{reason="${reason}"}`), reason).toBeGreaterThan(0)
  expect(metric(metrics, 'nearcast_sockets_ended_total{why="binary"}')).toBe(1)
  const pages = [metrics, await read('/healthz'), await read('/readyz'), await read('/'), await read('/none')]
  tracker.child.kill('SIGTERM')
  await tracker.exit
  const log = tracker.log()
  for (const event of ['listening', 'sites-refused', 'draining', 'stopped'])
    expect(log).toContain(`"${event}"`)
  // Where the operator wrote a network himself, a complaint may quote him.
  const own = log.replaceAll('203.0.113.0/25', '').replaceAll('203.0.113.0/24', '')
  expect(findLeaks(own, secrets)).toEqual([])
  expect(findLeaks(pages.join('\n'), secrets)).toEqual([])
})
