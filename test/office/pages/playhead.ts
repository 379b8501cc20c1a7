/** Times playback stood still after it had begun. */
export interface Stall {
  /** Wall clock, ms. */
  readonly at: number
  readonly ms: number
}

export interface Seek {
  readonly at: number
  readonly to: number
  /** Until the picture moved again; null: not yet. */
  readonly ms: number | null
}

/** Watches a video element: start, stalls, seeks, and whether this page's timers can be believed. */
export interface Playhead {
  /** From `since` to the first moving picture, ms; 0: not yet. */
  startMs(): number
  stalls(): readonly Stall[]
  seeks(): readonly Seek[]
  /** The worst that a timer of this page was late, ms. */
  lateMs(): number
  seek(toSeconds: number): void
}

const tickMs = 25
/** Shorter stops are not seen by people, and the first ticks of a decoder are uneven. */
const stallMs = 250

export function watchPlayhead(video: HTMLVideoElement, since: number, onTick: () => void): Playhead {
  const stalls: Stall[] = []
  const seeks: { at: number; to: number; ms: number | null }[] = []
  let startMs = 0
  let lateMs = 0
  let lastTick = performance.now()
  let last = 0
  let moved = performance.now()
  let seekFrom = 0
  setInterval(() => {
    const now = performance.now()
    lateMs = Math.max(lateMs, now - lastTick - tickMs)
    lastTick = now
    const { currentTime, seeking, paused, ended } = video
    const pending = seeks.findLast(({ ms }) => ms === null)
    const isMoving = !seeking && currentTime > last && last > 0 && currentTime - last < 1
    if (isMoving) {
      if (startMs === 0) startMs = now - since
      else if (!pending && now - moved > stallMs + tickMs) stalls.push(stallAt(moved, now))
      if (pending) pending.ms = now - seekFrom
      moved = now
    } else if (startMs === 0 || pending || paused || ended) moved = now
    last = currentTime
    onTick()
  }, tickMs)
  return {
    startMs: () => startMs,
    stalls() {
      const now = performance.now()
      return now - moved > stallMs + tickMs ? [...stalls, stallAt(moved, now)] : [...stalls]
    },
    seeks: () => [...seeks],
    lateMs: () => lateMs,
    seek(to) {
      seekFrom = performance.now()
      seeks.push({ at: performance.timeOrigin + seekFrom, to, ms: null })
      video.currentTime = to
    },
  }
}

function stallAt(from: number, to: number): Stall {
  return { at: performance.timeOrigin + from, ms: to - from }
}
