import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Burst, BurstFigures, Layout } from './crowd.ts'
import type { Order } from './generator.ts'

/** A crowd in a process of its own. */
export interface Load {
  join(layout: Layout): Promise<void>
  trade(burst: Burst): Promise<BurstFigures>
  largestPiece(): Promise<number>
  stop(): Promise<void>
}

export function startLoad(): Load {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)), {
    execArgv: ['--conditions=nearcast-source', '--max-semi-space-size=64'],
    env: { ...process.env, NODE_OPTIONS: '' },
    serialization: 'advanced',
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  /** One order at a time. */
  const order = <T>(message: Order) =>
    new Promise<T>((resolve, reject) => {
      const onExit = () => reject(new Error('the load generator ended'))
      child.once('exit', onExit)
      child.once('message', (reply: { ok: true; result: T } | { ok: false; reason: string }) => {
        child.off('exit', onExit)
        if (reply.ok) resolve(reply.result)
        else reject(new Error(reply.reason))
      })
      child.send(message)
    })
  return {
    join: layout => order({ type: 'join', layout }),
    trade: burst => order({ type: 'trade', burst }),
    largestPiece: () => order({ type: 'piece' }),
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
