import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SwarmError } from '../swarm.ts'

const lockName = 'lock'
/** Held by this very process; in a container every run may have the same process id. */
const held = new Set<string>()

/**
 * Takes a folder for this process alone. A lock whose process is gone is taken over.
 * @returns gives it free
 * Rejects with `SwarmError` reason `store-in-use` or `store-forbidden`.
 */
export async function lockDirectory(dir: string): Promise<() => Promise<void>> {
  const path = join(resolve(dir), lockName)
  if (held.has(path)) throw inUse(dir, process.pid, path)
  held.add(path)
  try {
    await take(dir, path)
  } catch (error) {
    held.delete(path)
    throw error
  }
  return async () => {
    if (held.delete(path)) await rm(path, { force: true }).catch(() => {})
  }
}

async function take(dir: string, path: string): Promise<void> {
  for (let isRetry = false; ; isRetry = true) {
    try {
      return await writeFile(path, `${process.pid}\n`, { flag: 'wx' })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new SwarmError('store-forbidden', `${dir} cannot be written.`, cause)
    }
    const owner = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
    if (isRetry || isAlive(owner)) throw inUse(dir, owner, path)
    await rm(path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process is a process too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function inUse(dir: string, pid: number, path: string): SwarmError {
  return new SwarmError(
    'store-in-use',
    `${dir} is in use by process ${pid}. If that is none of ours, remove ${path}.`,
  )
}
