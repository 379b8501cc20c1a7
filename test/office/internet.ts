import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AccessEntry } from '@nearcast/edge-fallback/server'
import { edgeAddress, outsideMask } from './addresses.ts'
import { createLan, type Lan } from './lan.ts'
import { createNamespace, type Namespace } from './namespace.ts'
import type { Order, Reply, ServerSetup } from './orders.ts'

/** The world outside the offices: one network, with edge, tracker and STUN at one address of it. */
export interface Internet {
  readonly namespace: Namespace
  readonly lan: Lan
  setOutage(status: number | null): void
  /** A moment at which a live segment ended, wall clock in ms; another ends each segment's length after it. */
  readonly segmentEndedAt: number
  /** All requests so far that were answered. */
  log(): Promise<readonly AccessEntry[]>
}

export function createInternet(): Pick<Internet, 'namespace' | 'lan'> {
  const namespace = createNamespace('internet')
  const lan = createLan(namespace, 'net', `${edgeAddress}/${outsideMask}`)
  // The edge's log counts what it hands to the kernel: let that be little more than what left.
  namespace.sysctl('net.ipv4.tcp_notsent_lowat', '16384')
  namespace.sysctl('net.ipv4.tcp_wmem', '4096 65536 262144')
  return { namespace, lan }
}

/** Starts the servers; resolves when they listen. */
export async function openInternet(
  base: Pick<Internet, 'namespace' | 'lan'>,
  setup: Omit<Extract<ServerSetup, { type: 'internet' }>, 'type'>,
): Promise<Internet> {
  const { server, at } = await startServer(base.namespace, { type: 'internet', ...setup })
  const order = (what: Order) => server.send(what)
  return {
    ...base,
    segmentEndedAt: at,
    setOutage: status => void order({ type: 'outage', status }),
    log() {
      return new Promise((resolve, reject) => {
        const onReply = (reply: Reply) => {
          if (reply.type !== 'log') return
          server.off('message', onReply)
          resolve(reply.entries)
        }
        server.on('message', onReply)
        server.once('exit', () => reject(new Error('the edge of the lab has ended')))
        order({ type: 'log' })
      })
    },
  }
}

/** Starts `server.ts` in a namespace, with whose removal it ends. */
export function startServer(
  namespace: Namespace,
  setup: ServerSetup,
): Promise<{ readonly server: ChildProcess; readonly at: number }> {
  const file = fileURLToPath(new URL('server.ts', import.meta.url))
  const node = [process.execPath, '--conditions=nearcast-source', '--disable-warning=ExperimentalWarning']
  const args = ['netns', 'exec', namespace.name, ...node, file, JSON.stringify(setup)]
  const child = spawn('ip', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`a server of the lab ended with ${code}`)))
    child.once('message', (reply: Reply) => {
      child.removeAllListeners('exit')
      resolve({ server: child, at: reply.type === 'ready' ? reply.at : 0 })
    })
  })
}
