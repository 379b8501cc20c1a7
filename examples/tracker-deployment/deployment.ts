import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Fitting } from './fit-config.ts'
import { freePort } from './free-port.ts'
import { type ProxyName, startProxy } from './proxy.ts'
import { startRedisIfInstalled } from './redis.ts'

export interface DeploymentOptions extends Pick<Fitting, 'tls' | 'behindTcpBalancer' | 'checkInterval'> {
  readonly proxy: ProxyName
  /** The proxy's; the nodes take those after it. 0: any free ones. @default 0 */
  readonly port?: number
  /** Further flags of the nodes. @default none */
  readonly flags?: readonly string[]
}

export interface Deployment {
  /** Where viewers announce. */
  readonly url: string
  readonly port: number
  readonly nodes: readonly TrackerNode[]
  /** What joins the nodes; null: nothing. */
  readonly redis: string | null
  /** Drains the nodes, then ends all processes. */
  close(): Promise<void>
}

export interface TrackerNode {
  readonly name: string
  readonly port: number
  readonly child: ChildProcess
  /** Its exit code. */
  readonly exit: Promise<number | null>
}

const here = import.meta.dirname

/** Two trackers as their units would start them, the proxy with the configuration beside this file, and Redis. */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'nearcast-deployment-'))
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const redis = await startRedisIfInstalled(folder)
    if (redis) closers.push(() => redis.close())
    const port = options.port || (await freePort())
    const secret = randomBytes(24).toString('base64url')
    const joining = redis ? ['--redis', redis.url] : []
    const nodes: TrackerNode[] = []
    closers.push(() => Promise.all(nodes.map(stopNode)))
    const starts = ['one', 'two'].map(async (name, n) => {
      const at = options.port ? options.port + 1 + n : 0
      nodes[n] = await startNode(name, at, secret, [...joining, ...(options.flags ?? [])])
    })
    for (const { reason } of (await Promise.allSettled(starts)).filter(isFailure)) throw reason
    const proxy = await startProxy({
      ...options,
      name: options.proxy,
      folder,
      port,
      nodes: nodes.map(node => node.port),
    })
    // Not before the nodes, whose viewers leave through it.
    closers.splice(-1, 0, () => proxy.close())
    return { url: `ws://localhost:${port}`, port, nodes, redis: redis?.name ?? null, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startNode(
  name: string,
  port: number,
  secret: string,
  flags: readonly string[],
): Promise<TrackerNode> {
  const command = ['--conditions=nearcast-source', join(here, '../../tracker/src/cli.ts')]
  const settings = ['--config', join(here, 'tracker.yaml'), '--port', `${port}`, '--host', '127.0.0.1']
  const child = spawn(process.execPath, [...command, ...settings, '--log-level', 'warn', ...flags], {
    env: { ...process.env, NODE_OPTIONS: '', NEARCAST_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C on the terminal is for the example, which then drains them.
    detached: true,
  })
  const exit = new Promise<number | null>(resolve => child.once('close', resolve))
  const [said] = await Promise.race([
    once(child.stdout, 'data'),
    exit.then(code => Promise.reject(new Error(`node ${name} ended with ${code}`))),
  ])
  const { announce } = JSON.parse(String(said)) as { announce: string }
  const node = { name, port: Number(new URL(announce).port), child, exit }
  // It has joined the others, if there is Redis.
  for (let tries = 0; !(await isReady(node)); tries++) {
    if (tries === 200) throw new Error(`node ${name} does not become ready`)
    await pause(25)
  }
  return node
}

async function isReady({ port }: TrackerNode): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
}

const isFailure = (result: PromiseSettledResult<void>) => result.status === 'rejected'

async function stopNode({ child, exit }: TrackerNode): Promise<void> {
  child.kill('SIGTERM')
  await exit
}
