import {
  type Delivery,
  type SegmentSource,
  type Swarm,
  SwarmError,
  type TrackPath,
  type Urgency,
} from '@nearcast/peer-core'
import type { PlainReason } from '../plain.ts'
import { type PlayerEstimate, reportedTiming } from './abr-stats.ts'
import type {
  FragmentLike,
  HlsConfigLike,
  LoaderCallbacksLike,
  LoaderConfigLike,
  LoaderConstructor,
  LoaderContextLike,
  LoaderLike,
  LoaderStatsLike,
} from './hls-like.ts'
import { createLoadStats, type LoadStats } from './load-stats.ts'

/** What the loader needs to know of its player; found by the config object, the only thing hls.js gives a loader. */
export interface LoaderHost {
  /** The player's own loader, which does what we do not. */
  plainLoader(config: HlsConfigLike): LoaderConstructor
  route(config: HlsConfigLike, context: LoaderContextLike): Route
  onPlain(reason: PlainReason, fragment: FragmentLike, stats: LoaderStatsLike, done: boolean): void
  onWarning(reason: string, message: string, cause: unknown): void
}

export type Route =
  | { readonly type: 'plain'; readonly reason: PlainReason }
  | {
      readonly type: 'swarm'
      readonly swarm: Swarm
      readonly track: TrackPath
      readonly source: SegmentSource
      readonly deadlineMs: number
      readonly urgency: Urgency
      estimate(): PlayerEstimate
      onDelivered(delivery: Delivery, measured: boolean, stats: LoaderStatsLike): void
    }

type SwarmRoute = Extract<Route, { type: 'swarm' }>

type State =
  | { readonly type: 'new' }
  | {
      readonly type: 'swarm'
      readonly abort: AbortController
      readonly timers: Set<ReturnType<typeof setTimeout>>
    }
  | { readonly type: 'plain'; readonly loader: LoaderLike }
  | { readonly type: 'over' }

/** The class that hls.js instantiates for each load (`fLoader`). */
export function fragmentLoaderClass(host: LoaderHost): LoaderConstructor {
  return class NearcastFragmentLoader extends FragmentLoader {
    constructor(config: HlsConfigLike) {
      super(config, host)
    }
  } as LoaderConstructor
}

class FragmentLoader implements LoaderLike {
  context: LoaderContextLike | null = null
  readonly #config: HlsConfigLike
  readonly #host: LoaderHost
  readonly #stats: LoadStats = createLoadStats(() => performance.now())
  #callbacks: LoaderCallbacksLike | null = null
  #state: State = { type: 'new' }

  constructor(config: HlsConfigLike, host: LoaderHost) {
    this.#config = config
    this.#host = host
  }

  get stats(): LoaderStatsLike {
    return this.#stats.value
  }

  load(context: LoaderContextLike, config: LoaderConfigLike, callbacks: LoaderCallbacksLike): void {
    if (this.#state.type !== 'new') throw new Error('Loader can only be used once.')
    this.context = context
    this.#callbacks = callbacks
    const route = this.#route(context)
    if (route.type === 'plain') this.#loadPlain(route.reason, context, config)
    else this.#loadFromSwarm(route, context, config)
  }

  abort(): void {
    const { context } = this
    const callbacks = this.#callbacks
    if (this.#state.type === 'plain') return this.#state.loader.abort()
    if (this.#state.type !== 'swarm' || !context) return
    this.#stop()
    this.stats.aborted = true
    callbacks?.onAbort?.(this.stats, context, null)
  }

  destroy(): void {
    this.#callbacks = null
    if (this.#state.type === 'swarm') this.stats.aborted = true
    this.#stop()
    this.context = null
  }

  getCacheAge(): number | null {
    return (this.#state.type === 'plain' && this.#state.loader.getCacheAge?.()) || null
  }

  getResponseHeader(name: string): string | null {
    return (this.#state.type === 'plain' && this.#state.loader.getResponseHeader?.(name)) || null
  }

  /** Whatever goes wrong on our side, the player's own loader can do it. */
  #route(context: LoaderContextLike): Route {
    try {
      return this.#host.route(this.#config, context)
    } catch (cause) {
      this.#host.onWarning(
        'route-failed',
        'A segment could not be looked up; the player loads it itself.',
        cause,
      )
      return { type: 'plain', reason: 'fallback' }
    }
  }

  #loadFromSwarm(route: SwarmRoute, context: LoaderContextLike, config: LoaderConfigLike): void {
    const abort = new AbortController()
    const timers = new Set<ReturnType<typeof setTimeout>>()
    this.#state = { type: 'swarm', abort, timers }
    this.#stats.wait()
    const started = performance.now()
    let first = 0

    // hls.js strips its retries from the policy and runs no watchdog of its own.
    const { maxTimeToFirstByteMs, maxLoadTimeMs } = config.loadPolicy
    const watch = (ms: number, late: () => boolean) => {
      if (!(ms > 0) || !Number.isFinite(ms)) return
      timers.add(setTimeout(() => late() && this.#timeOut(context), ms))
    }
    watch(maxTimeToFirstByteMs, () => first === 0)
    watch(maxLoadTimeMs, () => true)

    const onProgress = (loaded: number, total: number) => {
      if (abort.signal.aborted || loaded <= 0) return
      if (first === 0) {
        first = performance.now()
        const { ttfbMs } = route.estimate()
        this.#stats.firstByte(first, Math.min(first - started, Math.max(ttfbMs || 0, 0)))
      }
      this.#stats.progress(loaded, total)
    }
    const { deadlineMs, urgency, track, source } = route
    const options = { deadlineMs, urgency, signal: abort.signal, headers: { ...context.headers }, onProgress }
    route.swarm.request(track, source.key, options).then(
      delivery => this.#deliver(route, context, delivery, started, first, abort),
      (error: unknown) => this.#fail(context, config, error, abort),
    )
  }

  #deliver(
    route: SwarmRoute,
    context: LoaderContextLike,
    delivery: Delivery,
    started: number,
    first: number,
    abort: AbortController,
  ): void {
    if (abort.signal.aborted) return
    const now = performance.now()
    const { origin, edgeBps, bytes } = delivery
    const facts = {
      origin,
      edgeBps,
      bytes: bytes.length,
      now,
      ttfbMs: (first || now) - started,
      transferMs: first ? now - first : 0,
    }
    const { measured, ...timing } = reportedTiming(facts, route.estimate())
    this.#stats.finish(bytes.length, timing)
    route.onDelivered(delivery, measured, this.stats)
    const callbacks = this.#callbacks
    this.#over()
    // The player transfers the buffer to its worker: it must be of this segment alone, and nobody else's.
    const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength
    const data = whole ? bytes.buffer : bytes.slice().buffer
    callbacks?.onProgress?.(this.stats, context, data, null)
    callbacks?.onSuccess({ url: context.url, data, code: 200 }, this.stats, context, null)
  }

  #fail(context: LoaderContextLike, config: LoaderConfigLike, error: unknown, abort: AbortController): void {
    if (abort.signal.aborted) return
    const reason = error instanceof SwarmError ? error.reason : ''
    switch (reason) {
      case 'edge-busy':
      case 'edge-timeout':
      case 'edge-network':
      case 'edge-mismatch': {
        const callbacks = this.#callbacks
        this.#over()
        // 0 while offline and 5xx are retried by hls.js's policy; 0 while online and 4xx are not.
        const code = reason === 'edge-network' && navigator.onLine === false ? 0 : 503
        return callbacks?.onError({ code, text: reason }, context, null, this.stats)
      }
      case 'edge-status':
        return this.#fallBack('edge-status', context, config)
      // Switched off or destroyed while this load was under way: no failure.
      case 'closed':
        return this.#fallBack('closed', context, config)
      default:
        this.#host.onWarning(
          'request-failed',
          'The swarm failed on a segment; the player loads it itself.',
          error,
        )
        return this.#fallBack('fallback', context, config)
    }
  }

  #timeOut(context: LoaderContextLike): void {
    const callbacks = this.#callbacks
    this.#stop()
    callbacks?.onTimeout(this.stats, context, null)
  }

  #fallBack(reason: PlainReason, context: LoaderContextLike, config: LoaderConfigLike): void {
    this.#over()
    this.#loadPlain(reason, context, config)
  }

  #loadPlain(reason: PlainReason, context: LoaderContextLike, config: LoaderConfigLike): void {
    const Plain = this.#host.plainLoader(this.#config)
    const loader = new Plain(this.#config as never)
    this.#state = { type: 'plain', loader }
    this.#stats.mirror(loader.stats)
    const { stats } = this
    const ended = (done: boolean) => this.#host.onPlain(reason, context.frag, stats, done)
    const callbacks = this.#callbacks
    const { onAbort } = callbacks ?? {}
    // Nobody listens for parts: hls.js's fetch loader would deliver parts alone and then an empty body, which hls.js
    // takes for the segment unless it was made to play progressively.
    loader.load(context, config, {
      onSuccess: (response, _, theirs, details) => {
        ended(true)
        callbacks?.onProgress?.(stats, context, response.data, details)
        callbacks?.onSuccess(response, stats, theirs, details)
      },
      onError: (error, theirs, details) => {
        ended(false)
        callbacks?.onError(error, theirs, details, stats)
      },
      onTimeout: (_, theirs, details) => {
        ended(false)
        callbacks?.onTimeout(stats, theirs, details)
      },
      ...(onAbort
        ? { onAbort: (_, theirs, details) => onAbort.call(callbacks, stats, theirs, details) }
        : {}),
    })
  }

  /** Ends a load that is under way; nothing of it is heard afterwards. */
  #stop(): void {
    const state = this.#state
    this.#over()
    if (state.type === 'swarm') state.abort.abort()
    if (state.type === 'plain') state.loader.destroy()
  }

  #over(): void {
    if (this.#state.type === 'swarm') for (const timer of this.#state.timers) clearTimeout(timer)
    this.#state = { type: 'over' }
  }
}
