import { createClient, createCluster } from '@redis/client'

export interface RedisOptions {
  /** `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string
  /** @default the one in the URL */
  readonly password?: string
  /** A Redis Cluster: keys and channels are spread over its machines (sharded pub/sub). @default false */
  readonly sharded?: boolean
}

export interface RedisEvents {
  readonly channels: readonly string[]
  onText(text: string): void
  /** A connection that was lost is back. */
  onReconnect(): void
}

/** The few commands that the cluster needs. All but `close` reject while the server cannot be reached. */
export interface Redis {
  /** How many heard it. */
  publish(channel: string, text: string): Promise<number>
  /** Writes a field of a hash, or takes it out, and resolves to the hash as it is then. */
  putCell(key: string, field: string, value: string | null, seconds: number): Promise<Map<string, string>>
  removeCell(key: string, field: string): Promise<void>
  /** Sets a key that ends by itself; true when there was none. */
  sign(key: string, ms: number): Promise<boolean>
  exists(key: string): Promise<boolean>
  remove(key: string): Promise<void>
  addMember(key: string, member: string): Promise<void>
  removeMember(key: string, member: string): Promise<void>
  members(key: string): Promise<readonly string[]>
  read(key: string): Promise<string | null>
  write(key: string, text: string): Promise<void>
  close(): Promise<void>
}

/** Connections that carry nothing for so long are dropped and made anew, ms; the pings between keep live ones. */
const silentMs = 8_000
const pingMs = 2_500

export function connectRedis(options: RedisOptions, events: RedisEvents): Redis {
  return options.sharded ? connectSharded(options, events) : connectSingle(options, events)
}

function common({ password }: RedisOptions) {
  return {
    ...(password !== undefined && { password }),
    // What waits for a server is stale when it is back.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 100_000,
    pingInterval: pingMs,
    socket: {
      connectTimeout: 3_000,
      socketTimeout: silentMs,
      reconnectStrategy: (retries: number) => Math.min(1_000, 50 * 2 ** Math.min(retries, 5)),
    },
  }
}

function connectSingle(options: RedisOptions, { channels, onText, onReconnect }: RedisEvents): Redis {
  const client = createClient({ url: options.url, ...common(options) })
  const listener = client.duplicate()
  for (const one of [client, listener]) {
    // Heard of by the commands that fail; an error that nobody listens to ends the process.
    one.on('error', () => {})
    let connections = 0
    one.on('ready', () => connections++ > 0 && onReconnect())
    // It goes on trying by itself; this rejects only when it is closed meanwhile.
    one.connect().catch(() => {})
  }
  // Subscribing needs a connection; the client itself renews it on every later one.
  listener.once('ready', () => void listener.subscribe([...channels], onText).catch(() => {}))
  return {
    ...commandsOf(client),
    publish: (channel, text) => client.publish(channel, text),
    async close() {
      listener.destroy()
      client.destroy()
    },
  }
}

function connectSharded(options: RedisOptions, { channels, onText, onReconnect }: RedisEvents): Redis {
  const { username, password } = new URL(options.url)
  const { socket, ...rest } = common(options)
  const cluster = createCluster({
    rootNodes: [{ url: options.url }],
    defaults: {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      ...rest,
      socket: options.url.startsWith('rediss:') ? { ...socket, tls: true } : socket,
    },
  })
  cluster.on('error', () => {})
  let connections = 0
  cluster.on('node-ready', () => connections++ > 0 && onReconnect())
  let isClosed = false
  let retry: NodeJS.Timeout | undefined
  const start = async () => {
    try {
      await cluster.connect()
      for (const channel of channels) await cluster.sSubscribe(channel, onText)
    } catch {
      // Nobody of the cluster answered yet.
      if (!isClosed) retry = setTimeout(() => void start(), 500)
    }
  }
  void start()
  return {
    ...commandsOf(cluster),
    publish: (channel, text) => cluster.sPublish(channel, text),
    async close() {
      isClosed = true
      clearTimeout(retry)
      cluster.destroy()
    },
  }
}

type Commands = Pick<
  ReturnType<typeof createClient>,
  'hSet' | 'hDel' | 'hGetAll' | 'expire' | 'set' | 'exists' | 'del' | 'sAdd' | 'sRem' | 'sMembers' | 'get'
>

/** One key a command, so that it does not matter where in a Redis Cluster each lies. What is sent at once is pipelined. */
function commandsOf(client: Commands): Omit<Redis, 'publish' | 'close'> {
  return {
    async putCell(key, field, value, seconds) {
      const [, , cells] = await Promise.all([
        value === null ? client.hDel(key, field) : client.hSet(key, field, value),
        client.expire(key, seconds),
        client.hGetAll(key),
      ])
      return new Map(Object.entries(cells))
    },
    async removeCell(key, field) {
      await client.hDel(key, field)
    },
    sign: async (key, ms) =>
      (await client.set(key, '1', { expiration: { type: 'PX', value: ms }, GET: true })) === null,
    exists: async key => (await client.exists(key)) > 0,
    async remove(key) {
      await client.del(key)
    },
    async addMember(key, member) {
      await client.sAdd(key, member)
    },
    async removeMember(key, member) {
      await client.sRem(key, member)
    },
    members: key => client.sMembers(key),
    read: key => client.get(key),
    async write(key, text) {
      await client.set(key, text)
    },
  }
}
