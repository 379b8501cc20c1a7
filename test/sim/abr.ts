import type { Origin } from '../../peer-core/src/core/events.ts'
import { reportedTiming } from '../../player-plugin/src/hls/abr-stats.ts'

/** One rendition, as the multivariant playlist states it; bits a second. */
export interface Level {
  readonly averageBps: number
  readonly peakBps: number
}

/** A fragment on its way, as hls.js's `frag.stats` shows it. Times in ms. */
export interface LoadView {
  readonly level: number
  readonly startMs: number
  /** 0 before the first byte. */
  readonly firstMs: number
  readonly loadedBytes: number
}

/** A fragment that came. */
export interface LoadedFacts {
  readonly level: number
  readonly bytes: number
  readonly startMs: number
  readonly firstMs: number
  readonly endMs: number
  /** What our plugin knows of it and rewrites the times by; null where the player measures for itself. */
  readonly delivery: { readonly origin: Origin; readonly edgeBps: number } | null
}

/** hls.js 1.7.4, `config.ts`: what the rules below are tuned by. */
const defaults = {
  slowHalfLife: 9,
  fastHalfLife: 3,
  estimateBps: 500_000,
  ttfbMs: 100,
  factor: 0.95,
  upFactor: 0.7,
  maxStarvationSeconds: 4,
}

/**
 * Which rendition comes next, as hls.js's `abr-controller.ts` decides it: the lower of two moving averages of
 * bandwidth, less caution downwards than upwards, and a watch over the fragment under way. What our plugin tells it is
 * the plugin's own code.
 */
export class Abr {
  readonly #levels: readonly Level[]
  readonly #live: boolean
  readonly #segmentSeconds: number
  #estimator = createEstimator(defaults.estimateBps)
  #ttfb = createAverage(defaults.slowHalfLife)
  /** Level of the last fragment that came, −1 before. */
  #lastLevel = -1
  #forced = -1
  #cap = -1
  /** Whether the estimate stems from a load: what the plugin keeps of it. */
  #measured = false

  constructor(levels: readonly Level[], live: boolean, segmentMs: number) {
    this.#levels = levels
    this.#live = live
    this.#segmentSeconds = segmentMs / 1000
  }

  /** Bits a second. */
  estimateBps(): number {
    return this.#estimator.bps()
  }

  ttfbMs(): number {
    return this.#ttfb.weight() >= 0.001 ? this.#ttfb.value() : defaults.ttfbMs
  }

  /** The highest level that may be chosen; −1: any. */
  capAt(level: number): void {
    this.#cap = level
  }

  /** The level of the next fragment. */
  next(current: number, bufferMs: number): number {
    if (this.#levels.length < 2) return 0
    if (this.#forced >= 0) return this.#forced
    const buffer = bufferMs / 1000
    if (this.#lastLevel < 0 || !this.#estimator.knows()) {
      const first = this.#best(this.estimateBps(), current, buffer / 2, defaults.maxStarvationSeconds, 1, 1)
      return Math.max(first, 0)
    }
    const { factor, upFactor, maxStarvationSeconds } = defaults
    if (buffer > 0) {
      const safe = this.#best(this.estimateBps(), current, buffer, 0, factor, upFactor)
      if (safe >= 0) return safe
    }
    const starvation = Math.min(this.#segmentSeconds, maxStarvationSeconds)
    const best = this.#best(this.estimateBps(), current, buffer, starvation, factor, upFactor)
    return Math.max(best, 0)
  }

  /** Its first byte came after so long. */
  loaded(facts: LoadedFacts): LoadedFacts {
    const told = this.#asTold(facts)
    this.#sampleTtfb(told.firstMs - told.startMs)
    if (told.level === this.#forced) this.#forced = -1
    this.#lastLevel = told.level
    return told
  }

  /** It is parsed: `told` as `loaded` returned it. */
  buffered(told: LoadedFacts, parsedMs: number): void {
    const waited = Math.min(told.firstMs - told.startMs, this.ttfbMs())
    this.#estimator.sample(parsedMs - told.startMs - waited, told.bytes)
  }

  /** The abandon rule, ten times a second: the level to go down to at once, or −1 to stay. */
  abandon(load: LoadView, now: number, bufferMs: number): number {
    if (load.level <= 0) return -1
    const loadingMs = now - load.startMs
    const ttfbEstimate = this.ttfbMs()
    if (loadingMs <= Math.max(ttfbEstimate, (this.#segmentSeconds * 1000) / 2)) return -1
    const buffer = bufferMs / 1000
    const hasFirst = load.loadedBytes > 0 && load.firstMs > 0
    const ttfb = hasFirst ? load.firstMs - load.startMs : -1
    const expected = Math.max(
      load.loadedBytes,
      Math.round((this.#segmentSeconds * this.#levels[load.level]!.averageBps) / 8),
    )
    let streamingMs = hasFirst ? loadingMs - ttfb : loadingMs
    // As hls.js has it: a stream of less than a millisecond is judged by the estimate.
    if (streamingMs < 1 && hasFirst)
      streamingMs = Math.min(loadingMs, (load.loadedBytes * 8) / this.estimateBps())
    const rate = hasFirst ? (load.loadedBytes * 1000) / streamingMs : 0
    const leftSeconds =
      rate > 0
        ? (expected - load.loadedBytes) / rate
        : (expected * 8) / this.estimateBps() + ttfbEstimate / 1000
    if (leftSeconds <= buffer) return -1
    const bps = rate > 0 ? rate * 8 : this.estimateBps()
    let level = load.level - 1
    let nextSeconds = Number.POSITIVE_INFINITY
    for (; level > 0; level--) {
      // The lowest is never reckoned with, in hls.js either: from the second one nothing is given up.
      nextSeconds = this.#fetchSeconds(bps, this.#levels[level]!.peakBps)
      if (nextSeconds < Math.min(buffer, this.#segmentSeconds + ttfbEstimate / 1000)) break
    }
    if (nextSeconds >= leftSeconds || nextSeconds > this.#segmentSeconds * 10) return -1
    if (hasFirst) this.#estimator.sample(loadingMs - Math.min(ttfbEstimate, ttfb), load.loadedBytes)
    else this.#sampleTtfb(loadingMs)
    const { peakBps } = this.#levels[level]!
    if (this.estimateBps() * defaults.upFactor > peakBps) this.#estimator = createEstimator(peakBps)
    this.#forced = Math.max(this.#best(peakBps, load.level, 0, buffer, 1, 1, level), 0)
    return this.#forced
  }

  #best(
    bps: number,
    current: number,
    buffer: number,
    starvation: number,
    factor: number,
    upFactor: number,
    most = this.#cap >= 0 ? this.#cap : this.#levels.length - 1,
  ): number {
    const base = Math.max(this.#lastLevel, 0)
    for (let i = most; i >= 0; i--) {
      const { averageBps, peakBps } = this.#levels[i]!
      const adjusted = (i > base ? upFactor : factor) * bps
      const isCalm = this.#lastLevel >= 0 && buffer >= this.#segmentSeconds * 2 && starvation === 0
      const bitrate = isCalm ? averageBps : peakBps
      const fetch = this.#fetchSeconds(adjusted, bitrate, this.#live || i !== current)
      if (adjusted >= bitrate && (this.#live || fetch < buffer + starvation)) return i
    }
    return -1
  }

  #fetchSeconds(bps: number, bitrate: number, loadsPlaylist = true): number {
    const ttfb = this.ttfbMs() / 1000
    return ttfb + (bitrate * this.#segmentSeconds) / bps + (loadsPlaylist ? ttfb : 0)
  }

  #asTold(facts: LoadedFacts): LoadedFacts {
    const { delivery, bytes, startMs, firstMs, endMs } = facts
    if (delivery === null) {
      this.#measured = true
      return facts
    }
    const told = reportedTiming(
      { ...delivery, bytes, now: endMs, ttfbMs: firstMs - startMs, transferMs: endMs - firstMs },
      { bitsPerSecond: this.estimateBps(), ttfbMs: this.ttfbMs(), measured: this.#measured },
    )
    if (told.measured) this.#measured = true
    return { ...facts, startMs: told.start, firstMs: told.first, endMs: told.end }
  }

  #sampleTtfb(ms: number): void {
    const seconds = ms / 1000
    this.#ttfb.sample(Math.SQRT2 * Math.exp(-(seconds ** 2) / 2), Math.max(ms, 5))
  }
}

interface Estimator {
  sample(ms: number, bytes: number): void
  knows(): boolean
  bps(): number
}

/** hls.js's `ewma-bandwidth-estimator.ts`: quick downwards, slow upwards. */
function createEstimator(defaultBps: number): Estimator {
  const slow = createAverage(defaults.slowHalfLife)
  const fast = createAverage(defaults.fastHalfLife)
  const knows = (): boolean => fast.weight() >= 0.001
  return {
    sample(ms, bytes) {
      if (bytes <= 0) return
      const seconds = Math.max(ms, Math.min(50, bytes / 100_000)) / 1000
      slow.sample(seconds, (bytes * 8) / seconds)
      fast.sample(seconds, (bytes * 8) / seconds)
    },
    knows,
    bps: () => (knows() ? Math.min(slow.value(), fast.value()) : defaultBps),
  }
}

interface Average {
  sample(weight: number, value: number): void
  weight(): number
  value(): number
}

/** hls.js's `ewma.ts`: half of it are the last `halfLife` of weight. */
function createAverage(halfLife: number): Average {
  const alpha = Math.exp(Math.log(0.5) / halfLife)
  let mean = 0
  let total = 0
  return {
    sample(weight, value) {
      const kept = alpha ** weight
      mean = value * (1 - kept) + kept * mean
      total += weight
    },
    weight: () => total,
    value: () => (total > 0 ? mean / (1 - alpha ** total) : mean),
  }
}
