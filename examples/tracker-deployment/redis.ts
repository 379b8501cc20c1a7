import { spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export interface Redis {
  readonly name: string
  readonly url: string
  close(): Promise<void>
}

/** One that remembers nothing over a restart: trackers write what they need anew. Null: none is installed. */
export async function startRedisIfInstalled(folder: string): Promise<Redis | null> {
  const name = ['redis-server', 'valkey-server'].find(program => spawnSync(program, ['-v']).status === 0)
  if (name === undefined) return null
  const port = await freePort()
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const child = spawn(name, [...flags, '--appendonly', 'no'], { stdio: 'ignore', detached: true })
  const exit = new Promise(resolve => child.once('close', resolve))
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 200 || child.exitCode !== null) throw new Error(`${name} does not start`)
    await pause(25)
  }
  return {
    name,
    url: `redis://127.0.0.1:${port}`,
    async close() {
      child.kill('SIGTERM')
      await exit
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
