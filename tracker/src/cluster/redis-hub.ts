import type { Entry, Hub, JoinHub, Row } from './hub.ts'
import { lifeMs } from './hub.ts'
import type { NodeId } from './node-message.ts'
import { connectRedis, type Redis, type RedisOptions } from './redis.ts'

export interface RedisHubOptions extends RedisOptions {
  /** Before every key and channel, so that several clusters may share a Redis. @default 'nearcast' */
  readonly prefix?: string
  /** How often it is tried whether what is published comes back, ms. @default 2000 */
  readonly probeMs?: number
}

/** A row that nobody writes for so long is forgotten by Redis, s. All are written anew within 20 minutes. */
const rowSeconds = 3_600
/** How often it is tried while it is down, ms. */
const downMs = 500
/** What is published must come back within this, ms. */
const echoMs = 3_000

/**
 * A cluster over Redis or Valkey, 7 or later: a hash a row, a key a node with a time to live, a channel a node. It is up
 * while what is published comes back: that proves the way there, the subscription, and the way back, whatever a
 * socket believes.
 */
export function createRedisHub(options: RedisHubOptions): JoinHub {
  const { prefix = 'nearcast', probeMs = 2_000 } = options
  const rowKey = (row: string) => `${prefix}:${row}`
  const nodeKey = (node: NodeId) => `${prefix}:node:${node}`
  const nodesKey = `${prefix}:nodes`
  const boardKey = `${prefix}:rules`
  const channelOf = (to: NodeId | 'all') => (to === 'all' ? `${prefix}:all` : `${prefix}:to:${to}`)

  return (node, events): Hub => {
    let state: 'down' | 'up' | 'closed' = 'down'
    let alive: ReadonlySet<NodeId> = new Set()
    /** Whether Redis should still know the last sign of life, and until when. */
    let knownUntil = 0
    let probe = 0
    let echo: ((heard: boolean) => void) | null = null
    let probing: NodeJS.Timeout | null = null
    const redis: Redis = connectRedis(options, {
      channels: [channelOf('all'), channelOf(node)],
      onText,
      // Subscriptions were lost and are back; whoever published meanwhile was not heard.
      onReconnect: () => {
        if (state === 'up') events.onUp()
      },
    })
    void check()

    return {
      directory: {
        async put(entries) {
          const written = await Promise.all(entries.map(entry => putRow(entry)))
          return new Map(written)
        },
        async beat() {
          const isNews = await redis.sign(nodeKey(node), lifeMs)
          await redis.addMember(nodesKey, node)
          const known = await redis.members(nodesKey)
          const states = await Promise.all(known.map(other => isAlive(other)))
          alive = new Set(known.filter((_, i) => states[i]))
          // Redis came back empty: what else was written is lost as well.
          if (isNews && performance.now() < knownUntil && state === 'up') queueMicrotask(events.onUp)
          knownUntil = performance.now() + lifeMs / 2
          return alive
        },
        async leave() {
          knownUntil = 0
          await Promise.all([redis.remove(nodeKey(node)), redis.removeMember(nodesKey, node)])
        },
      },
      bus: {
        publish: async (to, text) => (await redis.publish(channelOf(to), text)) > 0,
      },
      board: {
        read: () => redis.read(boardKey),
        write: text => redis.write(boardKey, text),
      },
      async close() {
        state = 'closed'
        if (probing !== null) clearTimeout(probing)
        echo?.(false)
        await redis.close()
      },
    }

    /** The dead are taken out of the list by whoever finds them. */
    async function isAlive(other: NodeId): Promise<boolean> {
      if (other === node || (await redis.exists(nodeKey(other)))) return true
      await redis.removeMember(nodesKey, other)
      return false
    }

    async function putRow({ row, value }: Entry): Promise<[string, Row]> {
      const cells = await redis.putCell(rowKey(row), node, value, rowSeconds)
      const others = [...cells.keys()].filter(other => other !== node && !alive.has(other))
      const states = await Promise.all(others.map(other => redis.exists(nodeKey(other))))
      for (const [i, other] of others.entries()) {
        if (states[i]) continue
        cells.delete(other)
        await redis.removeCell(rowKey(row), other)
      }
      return [row, cells]
    }

    function onText(text: string): void {
      if (text.startsWith(`probe ${node} `)) {
        if (text === `probe ${node} ${probe}`) echo?.(true)
      } else if (!text.startsWith('probe ')) events.onText(text)
    }

    async function check(): Promise<void> {
      const reason = await tryEcho()
      if (state === 'closed') return
      if (reason === null && state === 'down') {
        state = 'up'
        events.onUp()
      } else if (reason !== null && state === 'up') {
        state = 'down'
        events.onDown(reason)
      }
      // Whoever waits for it to come back asks more often.
      probing = setTimeout(() => void check(), state === 'up' ? probeMs : Math.min(probeMs, downMs))
    }

    /** Null: what was published came back. */
    async function tryEcho(): Promise<string | null> {
      let late: NodeJS.Timeout | undefined
      const heard = new Promise<boolean>(resolve => {
        echo = resolve
        late = setTimeout(() => resolve(false), echoMs)
      })
      try {
        const sent = redis.publish(channelOf(node), `probe ${node} ${++probe}`)
        // A publish that waits for a dead socket settles later, or never.
        const failure = await Promise.race([
          sent.then(
            () => null,
            (error: unknown) => describe(error),
          ),
          heard.then(() => null),
        ])
        if (failure !== null) return failure
        return (await heard) ? null : 'what is published does not come back'
      } finally {
        clearTimeout(late)
        echo = null
      }
    }
  }
}

/** Without the address, which system errors carry in their text. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
