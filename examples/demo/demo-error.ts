export type DemoFailure =
  | 'port-taken'
  | 'port-forbidden'
  | 'bad-address'
  | 'no-such-dir'
  | 'no-playlist'
  | 'origin-unreachable'
  | 'no-sites'
  | 'bad-sites'

/** Why the demo cannot start: `message` says what is the matter, `remedy` what to do. */
export class DemoError extends Error {
  readonly reason: DemoFailure
  readonly remedy: string
  constructor(reason: DemoFailure, message: string, remedy: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DemoError'
    this.reason = reason
    this.remedy = remedy
  }
}
