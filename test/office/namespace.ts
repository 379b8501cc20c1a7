import { run, tryRun } from './command.ts'

/** A network namespace of this run: gone when the process ends, however it ends. */
export interface Namespace {
  readonly name: string
  /** `ip -n NAME …` */
  ip(...args: readonly string[]): string
  /** Runs a command inside. */
  exec(file: string, args: readonly string[], input?: string): string
  /** Sets a value below /proc/sys/ that this kernel may not know. */
  sysctl(key: string, value: string): void
  /** SIGKILL for every process inside. */
  kill(): void
  /** Kills what runs inside and removes it; may be called twice. */
  remove(): void
}

const prefix = 'nearcast'
const live = new Set<Namespace>()
let serial = 0
let guarded = false

export function createNamespace(role: string): Namespace {
  guard()
  const name = `${prefix}-${process.pid}-${++serial}-${role}`
  run('ip', ['netns', 'add', name])
  const namespace: Namespace = {
    name,
    ip: (...args) => run('ip', ['-n', name, ...args]),
    exec: (file, args, input) => run('ip', ['netns', 'exec', name, file, ...args], input),
    sysctl(key, value) {
      const path = `/proc/sys/${key.replaceAll('.', '/')}`
      tryRun('ip', ['netns', 'exec', name, 'sh', '-c', `echo "${value}" > ${path}`])
    },
    kill: () => killAll(name),
    remove() {
      if (!live.delete(namespace)) return
      killAll(name)
      tryRun('ip', ['netns', 'del', name])
    },
  }
  live.add(namespace)
  namespace.ip('link', 'set', 'lo', 'up')
  // One protocol is enough to prove the point, and duplicate address detection would delay every start.
  namespace.sysctl('net.ipv6.conf.all.disable_ipv6', '1')
  namespace.sysctl('net.ipv6.conf.default.disable_ipv6', '1')
  return namespace
}

/** Removes what runs that were killed have left. Namespaces of living processes stay. */
export function sweepNamespaces(): void {
  for (const line of run('ip', ['netns', 'list']).split('\n')) {
    const [name = ''] = line.split(' ')
    const owner = ownerOf(name)
    if (owner === null || isAlive(owner)) continue
    killAll(name)
    tryRun('ip', ['netns', 'del', name])
  }
}

/** Process id in the name of a namespace of the lab; null: not one of them. */
export function ownerOf(name: string): number | null {
  const match = new RegExp(`^${prefix}-(\\d+)-\\d+-`).exec(name)
  return match ? Number(match[1]) : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function killAll(name: string): void {
  for (const pid of run('ip', ['netns', 'pids', name]).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // Ended by itself meanwhile.
    }
  }
}

function guard(): void {
  if (guarded) return
  guarded = true
  process.on('exit', () => {
    for (const namespace of [...live]) namespace.remove()
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
}
