/** `reason` is a literal; `cause` whatever lies beneath. */
export class NearcastError extends Error {
  readonly reason: 'other-nearcast' | 'closed'
  constructor(reason: 'other-nearcast' | 'closed', message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'NearcastError'
    this.reason = reason
  }
}
