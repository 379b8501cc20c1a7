import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '@redis/client'

/** A real server, alone on a port and in a folder of its own. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Kills it, as a crash would. */
  kill(): Promise<void>
  /** Starts it anew on the same port, as empty as it lost its memory. */
  restart(): Promise<void>
  /** Runs one command. */
  command(...words: readonly string[]): Promise<unknown>
  close(): Promise<void>
}

/** What starts the server on this machine; null: neither is installed. */
const program =
  ['redis-server', 'valkey-server'].find(name => spawnSync(name, ['--version']).status === 0) ?? null

/** Said once a file, so that nobody takes a run without Redis for a whole one. */
export const hasRedis = program !== null
if (!hasRedis)
  console.warn('SKIPPED: tests of the cluster need redis-server or valkey-server; neither is installed here.')

/** `clustered`: one server that is a whole Redis Cluster. */
export async function startRedis({ clustered = false } = {}): Promise<RedisServer> {
  if (program === null) throw new Error('no redis-server on this machine')
  const folder = await mkdtemp(join(tmpdir(), 'nearcast-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child = await launch()

  async function launch(): Promise<ChildProcess> {
    const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
    const more = clustered ? ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'] : []
    const started = spawn(program ?? '', [...flags, '--appendonly', 'no', ...more], { stdio: 'ignore' })
    for (let tries = 0; ; tries++) {
      const answer = await command('PING').catch(() => null)
      if (answer === 'PONG') break
      if (tries > 100) throw new Error('redis-server does not answer')
      await pause(50)
    }
    return started
  }

  async function command(...words: readonly string[]): Promise<unknown> {
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(words)
    } finally {
      client.destroy()
    }
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  if (clustered) {
    await command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    for (let tries = 0; tries < 100; tries++) {
      if (String(await command('CLUSTER', 'INFO')).includes('cluster_state:ok')) break
      await pause(50)
    }
  }
  return {
    url,
    port,
    kill,
    async restart() {
      child = await launch()
    },
    command,
    async close() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  // Redis Cluster takes the port 10,000 above it as well.
  return address.port > 55_000 ? freePort() : address.port
}
