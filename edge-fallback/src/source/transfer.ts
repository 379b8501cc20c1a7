import type { EdgeFailure, EdgeRequest, EdgeSink } from '@nearcast/peer-core'
import { backoffMs } from './backoff.ts'
import { type Checked, checkAnswer } from './check-answer.ts'
import type { HttpAnswer, HttpGet } from './http-get.ts'
import type { Mirrors } from './mirrors.ts'
import type { ResolvedOptions } from './options.ts'
import { sleep } from './timers.ts'
import { createWatchdog } from './watchdog.ts'

type Body = Extract<Checked, { type: 'body' }>

/** How an attempt ended. */
type Outcome =
  | { readonly type: 'done' }
  | {
      readonly type: 'failed'
      readonly reason: EdgeFailure
      readonly detail: string
      readonly again: 'here' | 'elsewhere' | 'never'
      readonly afterMs: number
    }

/** What all transfers of one source share. */
export interface TransferContext {
  readonly get: HttpGet
  readonly options: ResolvedOptions
  readonly mirrors: Mirrors
  /** Origins that were caught compressing media behind our back. */
  readonly compressing: Set<string>
}

/** A block: an attempt that brought one was worth it, and the count of failures starts anew. */
const worthBytes = 16_384
/** Attempts in all, for an edge that drops every connection after a little progress. */
const mostAttempts = 16

/**
 * One edge request over as many HTTP exchanges as it takes. Bytes given to the sink are never taken back, so a later
 * exchange may only go on where the last one stopped when both are provably of one representation:
 *
 * - with a strong ETag that was told to the sink, by that ETag;
 * - else the resource is taken again from the start and must repeat every byte given before. Then all that the
 *   sink got is a prefix of that one exchange. It costs the line those bytes twice, and is reported so.
 *
 * `If-Range` is not sent: cross-origin it costs a preflight, and comparing the answer's ETag says the same.
 */
export class Transfer {
  readonly #context: TransferContext
  readonly #request: EdgeRequest
  readonly #sink: EdgeSink
  readonly #abort = new AbortController()
  /** Next byte to give. */
  #position: number
  /** What the sink was told; `end` of the wanted bytes and `total` 0 while unknown. */
  #opened: { etag: string; end: number; total: number } | null = null
  /** What was given without a validator, to be held against a repetition. */
  #given: Uint8Array[] = []

  constructor(context: TransferContext, request: EdgeRequest, sink: EdgeSink) {
    this.#context = context
    this.#request = request
    this.#sink = sink
    this.#position = request.from
  }

  abort(): void {
    this.#abort.abort()
  }

  async run(): Promise<void> {
    const { options, mirrors } = this.#context
    let failures = 0
    let elsewhere = 0
    let refreshed = false
    for (let attempts = 1; ; attempts++) {
      const candidates = mirrors.candidates(this.#request.url)
      const base = candidates[elsewhere % candidates.length]!
      const url = this.#rewrite(base)
      const before = this.#position
      const outcome = await this.#attempt(url)
      if (this.#abort.signal.aborted) {
        this.#sink.onFail('aborted', '')
        return
      }
      if (outcome.type === 'done') {
        mirrors.good(base)
        this.#sink.onDone()
        return
      }
      if (this.#position - before >= worthBytes) failures = 0
      elsewhere++
      // Every base gets its chance at once; only then does waiting help.
      const round = elsewhere % candidates.length === 0
      // A token that ran out meanwhile: worth one more attempt when there is a newer one.
      const fresher: boolean = outcome.reason === 'status' && !refreshed && this.#rewrite(base) !== url
      refreshed ||= fresher
      const hopeless = outcome.again === 'never' || (outcome.again === 'elsewhere' && round && !fresher)
      if (
        hopeless ||
        attempts >= mostAttempts ||
        failures >= Math.max(options.retries, candidates.length - 1)
      ) {
        this.#sink.onFail(outcome.reason, outcome.detail)
        return
      }
      if (round && !fresher) {
        if (this.#opened === null) this.#sink.onRefused?.(outcome.reason, outcome.afterMs)
        const { backoffMs: base, backoffMaxMs: max, random, timers } = options
        const waitMs = Math.max(backoffMs(failures, base, max, random), Math.min(outcome.afterMs, max))
        await sleep(waitMs, timers, this.#abort.signal)
        if (this.#abort.signal.aborted) {
          this.#sink.onFail('aborted', '')
          return
        }
      }
      failures++
    }
  }

  #rewrite(url: string): string {
    try {
      return this.#context.options.rewriteUrl(url)
    } catch {
      return url
    }
  }

  async #attempt(url: string): Promise<Outcome> {
    const { options, get, compressing } = this.#context
    const { what, from, to, whole, headers } = this.#request
    const { timers } = options
    const startedAt = timers.now()
    const exchange = new AbortController()
    const stop = () => exchange.abort()
    this.#abort.signal.addEventListener('abort', stop)
    const watchdog = createWatchdog(timers, exchange.signal)
    const count = { status: 0, bytes: 0, wastedBytes: 0, firstByteMs: 0 }

    const joining = this.#position > from && this.#opened!.etag !== ''
    const start = joining ? this.#position : from
    // A Range header makes fetch ask for the identity encoding, which gives back lengths that can be checked.
    const plain = start === 0 && (whole || to === 0) && !compressing.has(originOf(url))
    const range = plain ? null : { from: start, to }

    let answer: HttpAnswer | null = null
    let outcome: Outcome
    try {
      const alive = () => watchdog.limit(options.stallTimeoutMs)
      watchdog.limit(options.firstByteTimeoutMs)
      const call = { url, range, headers, signal: exchange.signal, alive }
      answer = await watchdog.race(get(call))
      count.status = answer.status
      const checked = checkAnswer(answer, { range, position: start, to })
      if (checked.type === 'fail') outcome = { ...checked, type: 'failed' }
      else {
        outcome =
          this.#refuse(checked.etag, checked.total) ??
          (checked.type === 'body'
            ? await this.#read(answer, checked, url, count, watchdog, startedAt)
            : this.#finish(checked.etag, checked.total))
      }
    } catch (error) {
      const late = watchdog.expired()
      const missing = failed(
        late ? 'timeout' : 'network',
        late ? `silent for ${late} ms` : describe(error),
        'here',
      )
      // Every byte came and only the end of the message did not: nothing is missing.
      outcome = this.#opened && this.#position === this.#opened.end ? { type: 'done' } : missing
    }
    answer?.cancel()
    watchdog.stop()
    this.#abort.signal.removeEventListener('abort', stop)
    // Ends the exchange whatever state it is in; after a complete body it does nothing.
    exchange.abort()
    options.onAttempt?.({
      url,
      what,
      ...count,
      totalMs: timers.now() - startedAt,
      outcome: outcome.type === 'done' ? 'done' : outcome.reason,
    })
    return outcome
  }

  /** Bytes of another representation than the one promised may not be joined. */
  #refuse(etag: string, total: number): Outcome | null {
    const promised = this.#request.etag || this.#opened?.etag || ''
    if (promised !== '' && promised !== etag) {
      return failed('mismatch', `validator ${etag || 'not visible'} instead of ${promised}`, 'elsewhere')
    }
    const known = this.#opened?.total ?? 0
    if (known > 0 && total > 0 && known !== total) {
      return failed('mismatch', `resource of ${total} bytes instead of ${known}`, 'elsewhere')
    }
    return null
  }

  #finish(etag: string, total: number): Outcome {
    this.#open({ etag, total, end: total })
    return { type: 'done' }
  }

  async #read(
    answer: HttpAnswer,
    body: Body,
    url: string,
    count: { bytes: number; wastedBytes: number; firstByteMs: number },
    watchdog: ReturnType<typeof createWatchdog>,
    startedAt: number,
  ): Promise<Outcome> {
    const { options, compressing } = this.#context
    const wantedEnd = this.#request.to || body.end
    let at = body.offset
    for (;;) {
      const chunk = await watchdog.race(answer.read())
      // A callback of the sink may have aborted us while bytes were on their way.
      if (this.#abort.signal.aborted) return failed('aborted', '', 'never')
      if (chunk === null) break
      if (chunk.length === 0) continue
      if (count.bytes === 0) count.firstByteMs = options.timers.now() - startedAt
      watchdog.limit(options.stallTimeoutMs)
      count.bytes += chunk.length
      if (body.end > 0 && at + chunk.length > body.end) {
        if (body.encodingHidden) {
          compressing.add(originOf(url))
          return failed('mismatch', `more than Content-Length ${body.end}`, 'here')
        }
        return failed('mismatch', `more than the ${body.end} bytes that were announced`, 'never')
      }
      if (!this.#take(chunk, at, body, wantedEnd, count)) {
        return failed('mismatch', 'a repetition differs from what came before', 'never')
      }
      at += chunk.length
      // 200 in answer to a Range: what follows is not ours.
      if (wantedEnd > 0 && this.#position >= wantedEnd && body.end !== wantedEnd) return { type: 'done' }
    }
    const expected = Math.max(body.end, this.#request.to)
    if (at < expected) {
      if (body.encodingHidden) compressing.add(originOf(url))
      return failed('mismatch', `body ended at byte ${at} of ${expected}`, 'here')
    }
    if (at < this.#position)
      return failed('mismatch', `body ended at byte ${at}, ${this.#position} came before`, 'never')
    return this.#finish(body.etag, body.total || at)
  }

  /** Gives the part of `chunk` (at `at`) that is new, and holds the rest against what was given. */
  #take(
    chunk: Uint8Array,
    at: number,
    body: Body,
    wantedEnd: number,
    count: { wastedBytes: number },
  ): boolean {
    const from = Math.min(chunk.length, Math.max(0, this.#position - at))
    const to = wantedEnd > 0 ? Math.min(chunk.length, Math.max(from, wantedEnd - at)) : chunk.length
    count.wastedBytes += chunk.length - (to - from)
    if (from > 0 && this.#opened?.etag === '' && !this.#repeats(chunk.subarray(0, from), at)) return false
    if (to > from) {
      this.#open(body)
      const fresh = from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to)
      const offset = this.#position
      this.#position += fresh.length
      if (this.#opened!.etag === '') this.#given.push(fresh)
      this.#sink.onData(offset, fresh)
    }
    return true
  }

  #open({ etag, total, end: bodyEnd }: Pick<Body, 'etag' | 'total' | 'end'>): void {
    if (this.#opened) return
    const end = this.#request.to || total || bodyEnd
    this.#opened = { etag, end, total }
    this.#sink.onOpen({ size: end > 0 ? end - this.#request.from : 0, total, etag })
  }

  /** Whether `bytes` at resource offset `at` equal what was given there; bytes before the request are skipped. */
  #repeats(bytes: Uint8Array, at: number): boolean {
    let start = this.#request.from
    for (const given of this.#given) {
      const from = Math.max(start, at)
      const to = Math.min(start + given.length, at + bytes.length)
      for (let i = from; i < to; i++) if (given[i - start] !== bytes[i - at]) return false
      start += given.length
    }
    return true
  }
}

function failed(reason: EdgeFailure, detail: string, again: 'here' | 'elsewhere' | 'never'): Outcome {
  return { type: 'failed', reason, detail, again, afterMs: 0 }
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : ''
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
