import { createRedisHub } from '@nearcast/tracker'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hubContract } from '../contract/hub-contract.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'

/** The same contract as in memory, over real servers, and what only a server can do: go away, be empty, be elsewhere. */

let count = 0
const fresh = () => `test${++count}`

describe.skipIf(!hasRedis)('Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.close())

  hubContract('a hub over Redis', () => createRedisHub({ url: redis.url, prefix: fresh() }))

  test('goes down when Redis is killed and comes up when it is back, heard and empty', async () => {
    const own = await startRedis()
    const states: string[] = []
    const texts: string[] = []
    const join = createRedisHub({ url: own.url, probeMs: 400 })
    const hub = join('a', {
      onText: text => texts.push(text),
      onUp: () => states.push('up'),
      onDown: () => states.push('down'),
    })
    try {
      await vi.waitFor(() => expect(states).toEqual(['up']), 10_000)
      await hub.directory.put([{ row: 's:1', value: '1 0' }])
      await own.kill()
      await vi.waitFor(() => expect(states).toEqual(['up', 'down']), 10_000)
      // Nothing waits for it.
      await expect(hub.directory.put([{ row: 's:1', value: '1 0' }])).rejects.toThrow()
      await expect(hub.bus.publish('a', 'lost')).rejects.toThrow()
      await own.restart()
      await vi.waitFor(() => expect(states.slice(0, 3)).toEqual(['up', 'down', 'up']), 15_000)
      expect(await hub.bus.publish('a', 'heard')).toBe(true)
      await vi.waitFor(() => expect(texts).toEqual(['heard']))
      await hub.directory.beat()
      expect((await hub.directory.put([{ row: 's:1', value: '2 0' }])).get('s:1')).toEqual(
        new Map([['a', '2 0']]),
      )
    } finally {
      await hub.close()
      await own.close()
    }
  }, 60_000)

  test('says that all is to be written anew when a subscription was cut, or Redis has lost its memory', async () => {
    const states: string[] = []
    const join = createRedisHub({ url: redis.url, prefix: fresh(), probeMs: 60_000 })
    const hub = join('a', {
      onText: () => {},
      onUp: () => states.push('up'),
      onDown: () => states.push('down'),
    })
    try {
      await vi.waitFor(() => expect(states).toEqual(['up']), 10_000)
      await hub.directory.beat()
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await vi.waitFor(() => expect(states).toEqual(['up', 'up']), 10_000)
      await redis.command('FLUSHALL')
      await hub.directory.beat()
      await vi.waitFor(() => expect(states).toEqual(['up', 'up', 'up']))
    } finally {
      await hub.close()
    }
  }, 60_000)
})

describe.skipIf(!hasRedis)('Redis Cluster', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis({ clustered: true })
  })
  afterAll(() => redis?.close())

  hubContract('a hub over sharded channels', () =>
    createRedisHub({ url: redis.url, prefix: fresh(), sharded: true }),
  )

  test('is asked for shard channels only', async () => {
    const join = createRedisHub({ url: redis.url, prefix: 'shards', sharded: true })
    let up = 0
    const hub = join('a', { onText: () => {}, onUp: () => up++, onDown: () => {} })
    try {
      await vi.waitFor(() => expect(up).toBe(1), 10_000)
      expect(await redis.command('PUBSUB', 'SHARDCHANNELS', 'shards:*')).toEqual(
        expect.arrayContaining(['shards:all', 'shards:to:a']),
      )
      expect(await redis.command('PUBSUB', 'CHANNELS', 'shards:*')).toEqual([])
    } finally {
      await hub.close()
    }
  })
})
