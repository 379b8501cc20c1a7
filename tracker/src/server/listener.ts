import { TrackerError } from '../tracker-error.ts'

/** What serves HTTP, once it listens. */
export interface Listener {
  readonly port: number
  readonly address: string
  /** Ends what is still open. */
  close(): Promise<void>
}

export interface ListenerOptions {
  readonly port: number
  /** @default all addresses */
  readonly host: string | undefined
  /** Of the flags that name the port and the host. */
  readonly prefix?: '' | 'metrics-'
  /** Time to send the head of a request, ms. */
  readonly headersMs: number
}

/** What the system's word means to whoever chose port and host. */
export function explainListening(
  error: NodeJS.ErrnoException,
  { port, host, prefix = '' }: ListenerOptions,
): TrackerError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new TrackerError(
        'port-taken',
        `port ${port} is taken: stop what listens there, or choose another with --${prefix}port`,
        error,
      )
    case 'EACCES':
      return new TrackerError(
        'port-forbidden',
        `port ${port} needs privileges: choose one above 1023 with --${prefix}port`,
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new TrackerError(
        'bad-address',
        `"${host}" is no address of this machine: give another with --${prefix}host`,
        error,
      )
    default:
      return new TrackerError('listen', `cannot listen on port ${port}: ${error.message}`, error)
  }
}
