import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** `nearcast-tracker` as an operator runs it. */
export interface TrackerProcess {
  readonly port: number
  readonly child: ChildProcess
  /** What it logged so far. */
  readonly log: () => string
  /** Its exit code. */
  readonly exit: Promise<number | null>
  /** The text of `/metrics`; null when it does not answer any more. */
  metrics(): Promise<string | null>
}

/** Where npm puts Bun, the second runtime, when it could be installed on this platform. */
const bun = join(import.meta.dirname, '../../node_modules/bun/bin/bun.exe')
export const hasBun = existsSync(bun)

export function startTracker(...flags: string[]): Promise<TrackerProcess> {
  return startTrackerOn('node', ...flags)
}

export async function startTrackerOn(runtime: 'node' | 'bun', ...flags: string[]): Promise<TrackerProcess> {
  const source = join(import.meta.dirname, '../../tracker/src/cli.ts')
  const args = ['--conditions=nearcast-source', source, '--port', '0', '--host', '127.0.0.1', ...flags]
  const program = runtime === 'bun' ? bun : process.execPath
  const child = spawn(program, args, { env: { ...process.env, NODE_OPTIONS: '' } })
  let log = ''
  child.stderr.on('data', data => {
    log += data
  })
  const exit = new Promise<number | null>(resolve => child.once('close', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', data => resolve(JSON.parse(String(data)).announce))
    void exit.then(code => reject(new Error(`the tracker ended with ${code}: ${log}`)))
  })
  const port = Number(new URL(url).port)
  return {
    port,
    child,
    log: () => log,
    exit,
    async metrics() {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null)
      return response?.ok ? response.text().catch(() => null) : null
    },
  }
}

/** The value of a metric, spelled with its labels. */
export function metric(text: string | null, name: string): number {
  const line = text?.split('\n').find(row => row.startsWith(`${name} `))
  return line === undefined ? Number.NaN : Number(line.slice(name.length + 1))
}
