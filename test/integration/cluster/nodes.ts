import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTrackerOn, type TrackerProcess } from '../tracker-process.ts'

const adminToken = 'a-token-of-this-test-alone'

/** Tracker processes that serve together, as an operator starts them: one secret, one Redis. */
export interface Nodes {
  start(name: string, redisUrl: string, ...flags: readonly string[]): Promise<Node>
  /** The same on the second runtime. */
  startOnBun(name: string, redisUrl: string, ...flags: readonly string[]): Promise<Node>
  /** Ends those that still run. */
  close(): Promise<void>
}

export interface Node extends TrackerProcess {
  readonly url: string
  readyz(): Promise<{ readonly status: number; readonly body: string }>
  /** What `/admin/policy` holds, after one more rule if given. */
  rules(rule?: object): Promise<unknown>
}

export async function createNodes(): Promise<Nodes> {
  const folder = await mkdtemp(join(tmpdir(), 'nearcast-cluster-'))
  const secret = join(folder, 'secret')
  const admin = join(folder, 'admin')
  await writeFile(secret, 'one secret for all machines\n')
  await writeFile(admin, adminToken)
  const started: TrackerProcess[] = []
  const start = async (
    runtime: 'node' | 'bun',
    name: string,
    redisUrl: string,
    flags: readonly string[],
  ): Promise<Node> => {
    const tracker = await startTrackerOn(
      runtime,
      ...['--secret-file', secret, '--admin-token-file', admin, '--no-stun'],
      ...['--redis', redisUrl, '--cluster-node', name, ...flags],
    )
    started.push(tracker)
    const base = `http://127.0.0.1:${tracker.port}`
    const headers = { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' }
    return {
      ...tracker,
      url: `ws://127.0.0.1:${tracker.port}`,
      async readyz() {
        const response = await fetch(`${base}/readyz`)
        return { status: response.status, body: await response.text() }
      },
      async rules(rule) {
        const put = rule && { method: 'PUT', body: JSON.stringify(rule) }
        const response = await fetch(`${base}/admin/policy`, { headers, ...put })
        return ((await response.json()) as { rules: unknown }).rules
      },
    }
  }
  return {
    start: (name, redisUrl, ...flags) => start('node', name, redisUrl, flags),
    startOnBun: (name, redisUrl, ...flags) => start('bun', name, redisUrl, flags),
    async close() {
      for (const { child, exit } of started) {
        child.kill('SIGKILL')
        await exit
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
