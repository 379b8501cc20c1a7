import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Contestant } from './contestants.ts'

/** A contestant that runs. Figures are the kernel's, so that every runtime is measured by the same clock. */
export interface ServerProcess {
  readonly url: string
  /** User and system time of all its threads so far, s. */
  cpuSeconds(): number
  /** Resident memory now, KiB. */
  residentKib(): number
  /** Whether the process lives, asked a moment later: one that is about to end has not ended yet. */
  isAlive(): Promise<boolean>
  stop(): Promise<void>
}

/** A tick of /proc/PID/stat: USER_HZ is 100 on every Linux that Node runs on. */
const tickSeconds = 0.01
const startMs = 20_000

export async function startServer({ name, command: [file, ...args] }: Contestant): Promise<ServerProcess> {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let errors = ''
  child.stderr.on('data', data => {
    errors = `${errors}${data}`.slice(-2_000)
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }
  try {
    const url = await announceUrl(child)
    const { pid } = child
    const isAlive = async () => {
      await new Promise(resolve => setTimeout(resolve, 100))
      return child.exitCode === null && child.signalCode === null
    }
    return { url, cpuSeconds: () => cpuSeconds(pid!), residentKib: () => residentKib(pid!), isAlive, stop }
  } catch (error) {
    await stop()
    throw new Error(`${name} did not start: ${error instanceof Error ? error.message : error}\n${errors}`)
  }
}

/** Waits for the line in which it says where it listens. */
function announceUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing heard for ${startMs / 1000} s`)), startMs)
    let text = ''
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`it ended with code ${code}`)))
    child.stdout?.on('data', data => {
      text += data
      const line = text.split('\n').find(candidate => candidate.includes('"announce"'))
      if (line === undefined) return
      clearTimeout(timer)
      resolve((JSON.parse(line) as { announce: string }).announce)
    })
  })
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the program's name in brackets, which may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickSeconds
}

function residentKib(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(line?.[1])
}
