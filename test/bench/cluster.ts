import { parseTrackerText, writeAnnounce, writeSignal } from '@nearcast/peer-core/signalling'
import { WebSocket } from 'ws'
import { createNodes, type Node } from '../integration/cluster/nodes.ts'
import { metric } from '../integration/tracker-process.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

/**
 * `npm run bench:cluster`: what a handshake costs that crosses machines, and what the directory weighs. Pairs of light
 * clients at two trackers over a real Redis exchange offers and answers of 2.2 KB; then the same pairs at one tracker.
 */

const pairs = 1_000
/** As many as one peer may have waiting at another. */
const offersPerPair = 4
const sdp = `v=0\r\n${'a=something:that a description of a browser would say\r\n'.repeat(40)}`.slice(0, 2_200)

class Client {
  readonly #socket: WebSocket
  readonly #ids: { readonly infoHash: string; readonly peerId: string }
  readonly #other: string
  readonly #opened: Promise<unknown>
  named = 0
  answers = 0

  constructor(url: string, infoHash: string, peerId: string, other: string) {
    this.#ids = { infoHash, peerId }
    this.#other = other
    this.#socket = new WebSocket(url, { perMessageDeflate: false })
    this.#opened = new Promise((resolve, reject) => this.#socket.once('open', resolve).once('error', reject))
    this.#socket.on('message', data => this.#hear(String(data)))
  }

  async join(): Promise<void> {
    await this.#opened
    const status = {
      mode: 'share',
      have: 0,
      want: 1,
      outcomes: [],
      childLinks: null,
      directed: true,
      lan: null,
    } as const
    const announce = { event: 'started', numwant: 0, offers: [], complete: false, trackerId: '' } as const
    this.#socket.send(writeAnnounce({ ...this.#ids, ...announce, extras: status }))
  }

  offer(n: number): void {
    const offerId = `offer-${n}`.padEnd(20, '.')
    this.#socket.send(writeSignal({ type: 'offer', ...this.#ids, to: this.#other, offerId, sdp }))
  }

  close(): void {
    this.#socket.terminate()
  }

  #hear(text: string): void {
    const message = parseTrackerText(text)
    if (message?.type === 'response') this.named += message.extras?.neighbours?.length ?? 0
    if (message?.type === 'answer') this.answers++
    if (message?.type !== 'offer') return
    const { from, offerId } = message
    this.#socket.send(writeSignal({ type: 'answer', ...this.#ids, to: from, offerId, sdp }))
  }
}

const nodes = await createNodes()
const redis = await startRedis()
try {
  const rows: Record<string, string | number>[] = []
  const one = await nodes.start('one', redis.url)
  const two = await nodes.start('two', redis.url)
  await until(async () => (await two.readyz()).status === 200 && (await one.readyz()).status === 200)
  rows.push(await measure('two machines', [one, two], redis))
  const alone = await nodes.start('alone', redis.url, '--cluster-prefix', 'alone')
  await until(async () => (await alone.readyz()).status === 200)
  rows.push(await measure('one machine', [alone, alone], redis))
  console.table(rows)
  console.log(JSON.stringify(rows))
} finally {
  await nodes.close()
  await redis.close()
}

async function measure(name: string, [one, two]: readonly [Node, Node], server: RedisServer) {
  const memory = await redisFigure(server, 'memory', 'used_memory')
  const clients: [Client, Client][] = []
  for (let n = 0; n < pairs; n++) {
    const infoHash = `swarm ${n}`.padEnd(20, '.')
    const ids = [`first ${n}`, `second ${n}`].map(id => id.padEnd(20, '.')) as [string, string]
    clients.push([
      new Client(one.url, infoHash, ids[0], ids[1]),
      new Client(two.url, infoHash, ids[1], ids[0]),
    ])
  }
  for (const [first] of clients) await first.join()
  await pause(2_000)
  for (const [, second] of clients) await second.join()
  await until(() => clients.every(([, second]) => second.named > 0))
  await pause(2_000)
  const bytesPerRow = ((await redisFigure(server, 'memory', 'used_memory')) - memory) / (pairs * 3)
  const before = await costs([one, two], server)
  const startedAt = performance.now()
  for (let n = 0; n < offersPerPair; n++) for (const [, second] of clients) second.offer(n)
  await until(() => clients.every(([, second]) => second.answers === offersPerPair))
  const seconds = (performance.now() - startedAt) / 1_000
  const after = await costs([one, two], server)
  const relays = 2 * pairs * offersPerPair
  for (const client of clients.flat()) client.close()
  await pause(500)
  const each = (key: keyof typeof after) => (after[key] - before[key]) / relays
  return {
    name,
    relays,
    relaysPerSecond: Math.round(relays / seconds),
    trackersMicros: Math.round(each('trackers') * 1e6),
    redisMicros: Math.round(each('redis') * 1e6),
    busBytes: Math.round(each('bytes')),
    messagesPerBatch: Number((each('messages') / Math.max(1e-9, each('batches'))).toFixed(1)),
    bytesPerRow: Math.round(bytesPerRow),
  }
}

async function costs(trackers: readonly Node[], server: RedisServer) {
  const texts = await Promise.all([...new Set(trackers)].map(node => node.metrics()))
  const sum = (name: string) => texts.reduce((total, text) => total + (metric(text, name) || 0), 0)
  return {
    trackers: sum('process_cpu_seconds_total'),
    messages: sum('nearcast_bus_messages_total{direction="out"}'),
    batches: sum('nearcast_bus_batches_total{direction="out"}'),
    bytes: sum('nearcast_bus_bytes_total{direction="out"}'),
    redis:
      (await redisFigure(server, 'cpu', 'used_cpu_user')) +
      (await redisFigure(server, 'cpu', 'used_cpu_sys')),
  }
}

async function redisFigure(server: RedisServer, section: string, name: string): Promise<number> {
  const text = String(await server.command('INFO', section))
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1])
}

async function until(met: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await met())) {
    if (performance.now() > end) throw new Error('not within a minute')
    await pause(20)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
