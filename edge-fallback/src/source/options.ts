import type { FetchSetup } from './fetch-get.ts'
import { systemTimers, type Timers } from './timers.ts'

/** What any edge source can be told; every field has a default. */
export interface EdgeSourceOptions {
  /**
   * Base URLs that serve the same tree, first the preferred one. A request under one of them may be served by any;
   * the one that worked last is asked first. @default none: each URL is asked as it is
   */
  readonly baseUrls?: readonly string[]
  /** Gives a URL its freshest token; called for every attempt, after the base was chosen. @default as it is */
  readonly rewriteUrl?: (url: string) => string
  /** Longest wait from the request to the first byte of the body, ms. `Infinity`: for ever. @default 10_000 */
  readonly firstByteTimeoutMs?: number
  /**
   * Longest silence between two bytes of a body, ms. Raising it makes a hanging edge cost more of the buffer.
   * `Infinity`: for ever. @default 4_000
   */
  readonly stallTimeoutMs?: number
  /** Attempts in a row that may fail without bringing a block. `0`: the first failure is final. @default 3 */
  readonly retries?: number
  /** Wait before the first repetition, ms; doubled for each further one. @default 250 */
  readonly backoffMs?: number
  /** Most that one wait may take, ms, `Retry-After` included. @default 4_000 */
  readonly backoffMaxMs?: number
  /** Told of each attempt when it ends. */
  readonly onAttempt?: (report: AttemptReport) => void
  /** @default Math.random */
  readonly random?: () => number
  /** @default the platform's */
  readonly timers?: Timers
}

/** How one HTTP exchange went. */
export interface AttemptReport {
  readonly url: string
  readonly what: 'media' | 'hashes'
  /** 0 when there was no answer. */
  readonly status: number
  /** Body bytes that came, and those of them that were already there or before the asked offset. */
  readonly bytes: number
  readonly wastedBytes: number
  /** From the request to the first byte (0: none came), and to the end, ms. */
  readonly firstByteMs: number
  readonly totalMs: number
  /** `done`, or why it ended. */
  readonly outcome: string
}

export interface FetchSourceOptions extends EdgeSourceOptions {
  /** @default the platform's */
  readonly fetch?: typeof fetch
  /** hls.js's hook of that name: makes the Request from url and init, for instance with credentials. */
  readonly fetchSetup?: FetchSetup
}

export type ResolvedOptions = Required<Omit<EdgeSourceOptions, 'onAttempt'>> &
  Pick<EdgeSourceOptions, 'onAttempt'>

export function resolveOptions(options: EdgeSourceOptions): ResolvedOptions {
  return {
    baseUrls: options.baseUrls ?? [],
    rewriteUrl: options.rewriteUrl ?? (url => url),
    firstByteTimeoutMs: options.firstByteTimeoutMs ?? 10_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 4_000,
    retries: options.retries ?? 3,
    backoffMs: options.backoffMs ?? 250,
    backoffMaxMs: options.backoffMaxMs ?? 4_000,
    random: options.random ?? Math.random,
    timers: options.timers ?? systemTimers,
    ...(options.onAttempt && { onAttempt: options.onAttempt }),
  }
}
