import { hexToBinary, parseTrackerText } from '@nearcast/peer-core/signalling'
import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Edge } from '../../peer-core/src/ports.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'
import { createLine } from './cluster/line.ts'
import { joinSwarm, type Member } from './cluster/member.ts'
import { createNodes, type Node, type Nodes } from './cluster/nodes.ts'
import { startBalancer } from './drain/balancer.ts'
import { LightViewer } from './drain/light-viewer.ts'
import { makeSegments } from './swarm-lab.ts'
import { hasBun, metric } from './tracker-process.ts'

/** Trackers that serve together over a real Redis: real processes, real peers, and all that can break between them. */

/** How long Redis stays away. What happens does not depend on it; TEST_OUTAGE_MS=30000 takes it as long as the issue does. */
const outageMs = Number(process.env['TEST_OUTAGE_MS'] ?? 4_000)
const stormSize = 10_000

let redis: RedisServer
let nodes: Nodes
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  if (!hasRedis) return
  redis = await startRedis()
  nodes = await createNodes()
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
afterAll(async () => {
  await nodes?.close()
  await redis?.close()
})

/** A dial that failed, on a machine that is busy, is tried again with the next announce: after 18 to 26 s. */
const soon = (check: () => void | Promise<void>, timeout = 45_000) =>
  vi.waitFor(check, { timeout, interval: 50 })
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const hex = (n: number) => n.toString(16).padStart(40, '0')
let swarms = 0
const freshHash = () => hex(0xabc000 + ++swarms)

async function pairOf(url = redis.url, ...flags: string[]): Promise<readonly [Node, Node]> {
  const prefix = `test${++swarms}`
  const own = ['--cluster-prefix', prefix, ...flags]
  const pair = await Promise.all([nodes.start('one', url, ...own), nodes.start('two', url, ...own)])
  for (const { child, exit } of pair)
    cleanups.push(async () => {
      child.kill('SIGKILL')
      await exit
    })
  await soon(async () => {
    for (const node of pair) expect((await node.readyz()).body).toBe('{"status":"ready"}')
  })
  return pair
}

function join(url: string, infoHash: string, edge?: Edge): Member {
  const member = joinSwarm([url], infoHash, edge)
  cleanups.push(() => member.close())
  return member
}

/** Each is linked with exactly the others. */
function expectMesh(members: readonly Member[]): void {
  for (const one of members) {
    const others = members.filter(other => other !== one).map(({ self }) => self)
    expect([...one.links()].sort()).toEqual(others.sort())
  }
}

describe.skipIf(!hasRedis)('two trackers over Redis', () => {
  test('a viewer at each is linked with the other, and a segment passes between them', async () => {
    const [one, two] = await pairOf()
    const infoHash = freshHash()
    const [segment] = await makeSegments(1, 300_000)
    if (!segment) return expect.unreachable()
    const edge: Edge = {
      fetch(request, sink) {
        const body = request.url.endsWith('.hashes') ? segment.list : segment.bytes
        const bytes = body.slice(request.from, request.to > 0 ? request.to : undefined)
        const timer = setTimeout(() => {
          sink.onOpen({ size: bytes.length, total: body.length, etag: '"v1"' })
          sink.onData(request.from, bytes)
          sink.onDone()
        }, 1)
        return { abort: () => clearTimeout(timer) }
      },
    }
    const first = join(one.url, infoHash, edge)
    const second = join(two.url, infoHash)
    await soon(() => expectMesh([first, second]))
    await soon(() => expect([first.group()?.size, second.group()?.size]).toEqual([2, 2]))
    expect(first.group()?.label).toBe(second.group()?.label)

    const ask = async ({ swarm }: Member) => {
      swarm.setWindow('video', false, [segment.source])
      return swarm.request('video', segment.source.key, {
        deadlineMs: 15_000,
        urgency: 'play',
        signal: AbortSignal.timeout(20_000),
      })
    }
    await ask(first)
    // The second one has no edge at all.
    const delivery = await ask(second)
    expect(Buffer.compare(delivery.bytes, segment.bytes)).toBe(0)
    expect(delivery).toMatchObject({ edgeBytes: 0, groupBytes: segment.bytes.length, verified: true })
    for (const node of [one, two]) {
      const text = await node.metrics()
      expect(metric(text, 'nearcast_cluster_up')).toBe(1)
      expect(metric(text, 'nearcast_cluster_relays_total{result="sent"}')).toBeGreaterThan(0)
      expect(metric(text, 'nearcast_cluster_relays_total{result="delivered"}')).toBeGreaterThan(0)
      expect(metric(text, 'nearcast_bus_lost_total{reason="malformed"}')).toBe(0)
    }
  }, 120_000)

  test('Redis is killed: groups notice nothing and newcomers join them; when it is back the trackers find each other by themselves', async () => {
    const own = await startRedis()
    cleanups.push(() => own.close())
    const [one, two] = await pairOf(own.url)
    const infoHash = freshHash()
    const here = [join(one.url, infoHash), join(one.url, infoHash)]
    await soon(() => expectMesh(here))
    await own.kill()
    const killedAt = performance.now()
    await soon(async () => {
      for (const node of [one, two])
        expect(await node.readyz()).toEqual({
          status: 200,
          body: '{"status":"ready","degraded":["the cluster cannot be reached"]}',
        })
    })
    // Matching in a node goes on.
    here.push(join(one.url, infoHash))
    await soon(() => expectMesh(here))
    await pause(Math.max(0, outageMs - (performance.now() - killedAt)))
    expect(metric(await one.metrics(), 'nearcast_cluster_up')).toBe(0)
    await own.restart()
    await soon(async () => {
      for (const node of [one, two]) expect((await node.readyz()).body).toBe('{"status":"ready"}')
    })
    const there = join(two.url, infoHash)
    await soon(() => expectMesh([...here, there]))
    for (const { states } of here) expect(states).not.toContain('lost')
    for (const node of [one, two]) {
      expect(node.log().match(/"event":"cluster-down"/g)).toHaveLength(1)
      expect(metric(await node.metrics(), 'nearcast_sockets_ended_total{why="client"}')).toBe(0)
      expect(metric(await node.metrics(), 'nearcast_sockets_ended_total{why="rules"}')).toBe(0)
    }
  }, 120_000)

  test('one is cut off from Redis and nobody is told: it serves its own, and is found again when the line is mended', async () => {
    const line = await createLine(redis.port)
    cleanups.push(() => line.close())
    const prefix = `test${++swarms}`
    const one = await nodes.start('one', redis.url, '--cluster-prefix', prefix)
    const two = await nodes.start('two', `redis://127.0.0.1:${line.port}`, '--cluster-prefix', prefix)
    await soon(async () => expect((await two.readyz()).body).toBe('{"status":"ready"}'))
    const infoHash = freshHash()
    const there = [join(two.url, infoHash)]
    await soon(() => expect(there[0]?.tracker()).toBe('open'))
    line.cut()
    await soon(async () => expect((await two.readyz()).body).toContain('degraded'))
    expect((await one.readyz()).body).toBe('{"status":"ready"}')
    there.push(join(two.url, infoHash))
    await soon(() => expectMesh(there))
    line.heal()
    await soon(async () => expect((await two.readyz()).body).toBe('{"status":"ready"}'))
    const here = join(one.url, infoHash)
    await soon(() => expectMesh([...there, here]))
  }, 120_000)

  test.skipIf(!hasBun)(
    'one of them runs on Bun',
    async () => {
      const prefix = `test${++swarms}`
      const one = await nodes.start('one', redis.url, '--cluster-prefix', prefix)
      const two = await nodes.startOnBun('two', redis.url, '--cluster-prefix', prefix)
      await soon(async () => {
        for (const node of [one, two]) expect((await node.readyz()).body).toBe('{"status":"ready"}')
      })
      const infoHash = freshHash()
      const members = [join(one.url, infoHash), join(two.url, infoHash)]
      await soon(() => expectMesh(members))
      expect(await two.rules({ site: 'hq', mode: 'leech' })).toEqual([{ site: 'hq', mode: 'leech' }])
      await soon(async () => expect(await one.rules()).toEqual([{ site: 'hq', mode: 'leech' }]))
      two.child.kill('SIGTERM')
      members.pop()?.close()
      expect(await two.exit).toBe(0)
    },
    60_000,
  )

  test('what an administrator decides at one applies at the other, and at one that starts later', async () => {
    const [one, two] = await pairOf()
    const infoHash = freshHash()
    const member = join(two.url, infoHash)
    const other = join(two.url, infoHash)
    await soon(() => expectMesh([member, other]))
    const rule = { mode: 'off' }
    expect(await one.rules(rule)).toEqual([rule])
    const ruledAt = performance.now()
    await soon(() => expect([member.tracker(), other.tracker()]).toEqual(['off', 'off']))
    expect(performance.now() - ruledAt).toBeLessThan(2_000)
    expect(await two.rules()).toEqual([rule])
    two.child.kill('SIGKILL')
    await two.exit
    const prefix = `test${swarms - 1}`
    const again = await nodes.start('two', redis.url, '--cluster-prefix', prefix)
    await soon(async () => expect((await again.readyz()).body).toBe('{"status":"ready"}'))
    expect(await again.rules()).toEqual([rule])
  }, 120_000)

  test('one is drained: nobody is sent there from that moment, its viewers move, and none loses its tracker or a link', async () => {
    const drain = ['--drain-notice-ms', '1500', '--drain-spread-ms', '500', '--drain-total-ms', '20000']
    const [one, two] = await pairOf(redis.url, ...drain)
    const balancer = await startBalancer(100)
    cleanups.push(() => balancer.close())
    for (const { port } of [one, two]) balancer.add(port)
    await soon(() => expect([one, two].map(({ port }) => balancer.isReady(port))).toEqual([true, true]))
    const infoHash = freshHash()
    const members: Member[] = []
    for (let n = 0; n < 4; n++) members.push(join(`ws://127.0.0.1:${balancer.port}`, infoHash))
    await soon(() => expectMesh(members))
    const peers = async (node: Node) => metric(await node.metrics(), 'nearcast_peers')
    expect([await peers(one), await peers(two)]).toEqual([2, 2])
    expect(await scrape(one.url, infoHash)).toBe(4)

    two.child.kill('SIGTERM')
    // Its entries vanish at once, while its viewers are still there.
    await soon(async () => expect(await scrape(one.url, infoHash)).toBe(2), 1_400)
    expect(await peers(two)).toBe(2)
    await soon(async () => expect(await peers(one)).toBe(4))
    expect(await two.exit).toBe(0)
    expect(await scrape(one.url, infoHash)).toBe(4)
    expectMesh(members)
    for (const { states } of members) expect(states).not.toContain('lost')
  }, 120_000)

  test('viewers that list both are counted once, and when one is killed they are at the other at once', async () => {
    const [one, two] = await pairOf()
    const infoHash = freshHash()
    const members = [0, 1, 2].map(() => {
      const member = joinSwarm([one.url, two.url], infoHash)
      cleanups.push(() => member.close())
      return member
    })
    await soon(() => expectMesh(members))
    await soon(async () => expect(await total(infoHash, one, two)).toBe(3))
    one.child.kill('SIGKILL')
    await one.exit
    const killedAt = performance.now()
    await soon(async () => expect(await scrape(two.url, infoHash)).toBe(3))
    expect(performance.now() - killedAt).toBeLessThan(10_000)
    expectMesh(members)
    for (const { states } of members) expect(states).not.toContain('lost')
  }, 120_000)

  test('10,000 viewers come at once, half of them to each: every announce is answered, and all are counted everywhere', async () => {
    const [one, two] = await pairOf()
    const viewers: LightViewer[] = []
    cleanups.push(() => {
      for (const viewer of viewers) viewer.close()
    })
    const startedAt = performance.now()
    for (let n = 0; n < stormSize; n++) {
      const ids = { infoHash: hexToBinary(hex(Math.floor(n / 100))), peerId: hexToBinary(hex(0x100000 + n)) }
      viewers.push(new LightViewer(n % 2 === 0 ? one.url : two.url, ids, 3_600_000))
      // The sockets of this process must be made as well.
      if (n % 100 === 99) await pause(1)
    }
    await soon(() => expect(viewers.filter(({ isHere }) => !isHere)).toHaveLength(0), 60_000)
    console.log(`10,000 announces were answered after ${Math.round(performance.now() - startedAt)} ms`)
    expect(viewers.flatMap(({ failures }) => failures)).toEqual([])
    expect(viewers.filter(({ answered }) => answered !== 1)).toEqual([])
    const texts = await Promise.all([one.metrics(), two.metrics()])
    expect(texts.map(text => metric(text, 'nearcast_peers'))).toEqual([stormSize / 2, stormSize / 2])
    for (const url of [one.url, two.url])
      await soon(async () => expect(await scrape(url, hex(7))).toBe(stormSize / 100))
  }, 120_000)

  test('nothing in Redis and nothing that passes through it names a viewer’s address', async () => {
    const [one, two] = await pairOf()
    const watcher = createClient({ url: redis.url })
    await watcher.connect()
    cleanups.push(() => watcher.destroy())
    const seen: string[] = []
    await watcher.pSubscribe('*', text => seen.push(text))
    const infoHash = freshHash()
    const members = [join(one.url, infoHash), join(two.url, infoHash)]
    await soon(() => expectMesh(members))
    const keys = (await redis.command('KEYS', '*')) as string[]
    for (const key of keys.filter(name => /:[sg]:/.test(name)))
      seen.push(key, JSON.stringify(await redis.command('HGETALL', key)))
    const text = seen.join('\n')
    expect(text).toContain('"type":"ask"')
    // Descriptions hold candidates, which are what viewers tell each other.
    expect(text.replaceAll(/candidate:[^"\\]*/g, '').replaceAll(/c=IN IP4 [\d.]+/g, '')).not.toMatch(
      /127\.0\.0\.\d/,
    )
  }, 120_000)
})

/** Of all nodes that have one. */
async function total(infoHash: string, ...nodes: readonly Node[]): Promise<number> {
  const counts = await Promise.all(nodes.map(({ url }) => scrape(url, infoHash)))
  return Math.max(...counts)
}

/** How many peers a node says that a swarm has. */
async function scrape(url: string, infoHash: string): Promise<number> {
  const socket = new WebSocket(url)
  try {
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const heard = new Promise<string>(resolve => socket.once('message', data => resolve(String(data))))
    socket.send(JSON.stringify({ action: 'scrape', info_hash: hexToBinary(infoHash) }))
    const message = parseTrackerText(await heard)
    if (message?.type !== 'scrape') throw new Error('no answer to a scrape')
    const [file] = message.files
    return (file?.complete ?? 0) + (file?.incomplete ?? 0)
  } finally {
    socket.terminate()
  }
}
