import { createHmac, randomBytes } from 'node:crypto'

/** One request, when its answer ended. */
export interface AccessEntry {
  /** Wall time of its arrival, ms. */
  readonly at: number
  readonly method: string
  /** Path and query as they came. */
  readonly path: string
  /** Range header as it came, or ''. */
  readonly range: string
  readonly status: number
  /** Body bytes handed to the network. */
  readonly bytes: number
  /** A label for the client's address: equal for equal addresses while the process lives, and not the address. */
  readonly client: string
  readonly ms: number
  readonly end: 'complete' | 'broken' | 'left'
}

export interface AccessLog {
  /** The most recent entries, oldest first. */
  readonly entries: readonly AccessEntry[]
  add(entry: AccessEntry): void
  clear(): void
}

export function createAccessLog(
  keep: number,
  onEntry: ((entry: AccessEntry) => void) | undefined,
): AccessLog {
  const entries: AccessEntry[] = []
  return {
    entries,
    add(entry) {
      entries.push(entry)
      if (entries.length > keep) entries.splice(0, entries.length - keep)
      onEntry?.(entry)
    },
    clear() {
      entries.length = 0
    },
  }
}

/** Addresses are personal data: logs get a keyed hash whose key dies with the process. */
export function createClientLabels(): (address: string) => string {
  const key = randomBytes(32)
  return address => createHmac('sha256', key).update(address).digest('hex').slice(0, 12)
}
