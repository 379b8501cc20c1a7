import { type ListeningTracker, listenTracker } from '@nearcast/tracker'
import { Client, type Counts } from 'bittorrent-tracker'
import { afterEach, describe, expect, test, vi } from 'vitest'

/** The reference client, the real npm package unmodified, with real WebRTC, against our tracker. */

const clients: Client[] = []
let tracker: ListeningTracker | null = null
afterEach(async () => {
  await Promise.all(
    clients.splice(0).map(client => new Promise<void>(resolve => client.destroy(() => resolve()))),
  )
  await tracker?.close()
  tracker = null
})

async function start(): Promise<ListeningTracker> {
  tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {} })
  return tracker
}

interface Watched {
  readonly client: Client
  readonly updates: Counts[]
  readonly scrapes: Counts[]
  readonly warnings: string[]
  /** Bytes received from peers, as text. */
  readonly received: string[]
}

function watch(url: string, digit: string, infoHash: string): Watched {
  const peerId = `2d5757303030302d${digit.repeat(24)}`
  const client = new Client({ infoHash, peerId, announce: [url], port: 6881, rtcConfig: { iceServers: [] } })
  const watched: Watched = { client, updates: [], scrapes: [], warnings: [], received: [] }
  client.on('update', counts => watched.updates.push(counts))
  client.on('scrape', counts => watched.scrapes.push(counts))
  client.on('warning', error => watched.warnings.push(error.message))
  client.on('error', error => watched.warnings.push(error.message))
  client.on('peer', peer => {
    peer.on('error', error => watched.warnings.push(error.message))
    peer.once('connect', () => peer.write(`hello from ${digit}`))
    peer.on('data', (data: Uint8Array) => watched.received.push(Buffer.from(data).toString()))
  })
  clients.push(client)
  return watched
}

const soon = (check: () => void, ms = 30_000) => vi.waitFor(check, { timeout: ms, interval: 50 })

describe('bittorrent-tracker’s client', () => {
  // Bytes above 0x7f and control characters are where encodings go wrong.
  const infoHash = '00ff7f80c3a9e29c0d0a2200ff5c41'.padEnd(40, 'f')

  test('announces, completes, scrapes and stops', async () => {
    const { url, tracker: running } = await start()
    const a = watch(url, 'a', infoHash)
    a.client.start({ left: 100, numwant: 0 })
    await soon(() => expect(a.updates[0]).toMatchObject({ complete: 0, incomplete: 1 }))
    expect(a.updates[0]?.interval).toBeGreaterThan(0)
    a.client.complete()
    await soon(() => expect(a.updates[1]).toMatchObject({ complete: 1, incomplete: 0 }))
    a.client.scrape()
    await soon(() =>
      expect(a.scrapes[0]).toMatchObject({ infoHash, complete: 1, incomplete: 0, downloaded: 1 }),
    )
    a.client.scrape({ infoHash: [infoHash, 'ab'.repeat(20)] })
    await soon(() => expect(a.scrapes.map(counts => counts.infoHash)).toContain('ab'.repeat(20)))
    a.client.stop()
    await soon(() => expect(running.stats().peers).toBe(0))
    expect(a.warnings).toEqual([])
  })

  test('two of them connect and send bytes both ways', async () => {
    const { url, tracker: running } = await start()
    const a = watch(url, 'a', infoHash)
    a.client.start()
    await soon(() => expect(running.stats().peers).toBe(1))
    // One socket a URL: another path, which is as good as any, gives this one its own.
    const b = watch(`${url}/announce`, 'b', infoHash)
    b.client.start()
    // Where gathering never ends, simple-peer waits five seconds for it: at each of two offers, and at the answer.
    await soon(() => {
      expect({ heard: a.received, warnings: a.warnings }).toEqual({ heard: ['hello from b'], warnings: [] })
      expect({ heard: b.received, warnings: b.warnings }).toEqual({ heard: ['hello from a'], warnings: [] })
    }, 55_000)
    expect(running.stats()).toMatchObject({ answers: 1, offers: { address: 1 } })
    expect([...a.warnings, ...b.warnings]).toEqual([])
  }, 60_000)

  test('survives a refusal: a warning, no crash, and its other swarms go on', async () => {
    const { url } = await start()
    const watched = Array.from({ length: 34 }, (_, i) => watch(url, 'a', i.toString(16).padStart(40, '0')))
    for (const { client } of watched) client.start({ numwant: 0 })
    await soon(() => expect(watched.filter(({ updates }) => updates.length > 0)).toHaveLength(32))
    await soon(() =>
      expect(watched.flatMap(({ warnings }) => warnings)).toEqual(
        Array(2).fill('too many swarms on one socket'),
      ),
    )
  })
})
