/** What the tracker reports to whoever starts it. `message` says what to do about it. */
export class TrackerError extends Error {
  readonly reason:
    | 'bad-config'
    | 'bad-sites'
    | 'bad-policies'
    | 'bad-database'
    | 'bad-proxy'
    | 'bad-admin-token'
    | 'bad-access'
    | 'bad-address'
    | 'bad-cluster'
    | 'port-taken'
    | 'port-forbidden'
    | 'listen'

  constructor(reason: TrackerError['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'TrackerError'
    this.reason = reason
  }
}
