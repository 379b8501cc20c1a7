import type { LoadTiming } from './abr-stats.ts'
import type { LoaderStatsLike } from './hls-like.ts'

/**
 * The one stats object of a load. hls.js takes it before `load` (as `frag.stats`) and reads it ten times a second,
 * so it is complete from construction and only ever changed in place.
 */
export interface LoadStats {
  readonly value: LoaderStatsLike
  /** From now on `loading.start` reads as now: a wait for a peer is no transfer, and the abandon rule must not count it. */
  wait(): void
  /** The first byte came, after `ttfbMs` of the edge's or peer's own delay. */
  firstByte(now: number, ttfbMs: number): void
  /** `total` 0 while unknown: any other guess disables the abandon rule or corrupts the fragment's bitrate. */
  progress(loaded: number, total: number): void
  /**
   * hls.js counts a load until its bytes are parsed, and the first is parsed only when the worker has started and the
   * buffers are open: 3 Mbit/s read as 0.9 on a slow machine. Among segments from neighbours few samples follow that
   * could mend it. So the transfer reads as one that ended when it was parsed, and took no longer than `timing` says.
   */
  finish(bytes: number, timing: LoadTiming): void
  /** Show another loader's numbers from now on: it does this load. */
  mirror(source: LoaderStatsLike): void
}

/** @param now current time on the page's performance clock, ms */
export function createLoadStats(now: () => number): LoadStats {
  let parsedAt = 0
  let finished = false
  const value: LoaderStatsLike = {
    aborted: false,
    loaded: 0,
    retry: 0,
    total: 0,
    chunkCount: 0,
    bwEstimate: 0,
    loading: { start: 0, first: 0, end: 0 },
    parsing: {
      start: 0,
      get end() {
        return parsedAt
      },
      set end(at) {
        parsedAt = at
        if (!finished) return
        const later = Math.max(0, at - loading.end)
        loading.start += later
        loading.first += later
        loading.end += later
      },
    },
    buffering: { start: 0, first: 0, end: 0 },
  }
  const { loading } = value
  const setStart = (start: number) =>
    Object.defineProperty(loading, 'start', {
      value: start,
      writable: true,
      enumerable: true,
      configurable: true,
    })

  return {
    value,
    wait() {
      Object.defineProperty(loading, 'start', {
        get: now,
        set: setStart,
        enumerable: true,
        configurable: true,
      })
      loading.first = 0
    },
    firstByte(at, ttfbMs) {
      setStart(at - Math.max(0, ttfbMs))
      loading.first = at
    },
    progress(loaded, total) {
      value.loaded = loaded
      value.total = total
    },
    finish(bytes, timing) {
      setStart(timing.start)
      loading.first = timing.first
      loading.end = timing.end
      value.loaded = bytes
      value.total = bytes
      finished = true
    },
    mirror(source) {
      source.retry = value.retry
      for (const key of Object.keys(source) as (keyof LoaderStatsLike)[]) {
        Object.defineProperty(value, key, {
          get: () => source[key],
          set: (next: never) => {
            source[key] = next
          },
          enumerable: true,
          configurable: true,
        })
      }
    },
  }
}
