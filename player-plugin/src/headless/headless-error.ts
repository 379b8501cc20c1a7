/** Why a headless peer could not start, in words for people. */
export type HeadlessReason =
  | 'bad-manifest-url'
  | 'bad-tracker-url'
  | 'manifest-unreachable'
  | 'not-a-playlist'
  | 'no-such-rendition'
  | 'cache-unwritable'
  | 'cache-in-use'

export class HeadlessError extends Error {
  readonly reason: HeadlessReason
  /** What to do about it, one sentence. */
  readonly remedy: string
  constructor(reason: HeadlessReason, message: string, remedy: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'HeadlessError'
    this.reason = reason
    this.remedy = remedy
  }
}
