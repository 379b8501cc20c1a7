/** One event for whoever operates this. Fields never hold an address or an info_hash. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly message: string
  /** For machines: figures and names of ours. */
  readonly fields?: Readonly<Record<string, string | number | boolean>>
}

export type Log = (entry: LogEntry) => void
