import type { Clock, Timer } from './clock.ts'

/** What one viewer saw. */
export interface Viewing {
  readonly joinedAt: number
  leftAt: number | null
  /** From pressing play to the first frame; null when it never came. */
  startupMs: number | null
  stalls: number
  stallMs: number
  /** World time minus what is on screen, once a second while playing. */
  readonly latencies: number[]
  /** How long each seek took to its frame. */
  readonly seeks: number[]
  delivered: number
  /** Fragments of the video, their nominal bits a second in all, and how often these changed. */
  fragments: number
  fragmentBps: number
  switches: number
  /** Fragments given up for a lower rendition. */
  abandoned: number
  failed: number
  /** Retries ran out: the player gave up. */
  fatal: boolean
  playedMs: number
}

type PlaybackState =
  | { readonly type: 'starting' }
  | { readonly type: 'playing'; readonly since: number; readonly fromMs: number }
  | { readonly type: 'stalled'; readonly since: number; readonly atMs: number }
  | { readonly type: 'paused'; readonly atMs: number }
  | { readonly type: 'seeking'; readonly since: number; readonly atMs: number }
  | { readonly type: 'ended' }

/** The media element: a playhead that moves while there is something to show. */
export interface Playback {
  state(): PlaybackState
  /** Stream time on screen, or where playing will begin. */
  playheadMs(): number
  /** Where to begin; once. */
  settle(startMs: number): void
  isSettled(): boolean
  /** More is buffered than before. */
  grew(): void
  jump(toMs: number): void
  /** The player moves on by itself while it has nothing to show: for who watches, the stall goes on. */
  skip(toMs: number): void
  /** False when there is nothing to pause. */
  pause(): boolean
  resume(): boolean
  close(): void
}

export interface PlaybackEvents {
  /** End of what is buffered without a gap from `at`. */
  bufferedTo(at: number): number
  /** Infinity while live. */
  endOfStreamMs(): number
  onStall(state: 'begins' | 'ends'): void
  onStarted(): void
}

export function createPlayback(clock: Clock, viewing: Viewing, events: PlaybackEvents): Playback {
  let state: PlaybackState = { type: 'starting' }
  let startMs: number | null = null
  let dry: Timer | null = null

  const playheadMs = (): number => {
    switch (state.type) {
      case 'playing':
        return state.fromMs + clock.now() - state.since
      case 'stalled':
      case 'paused':
      case 'seeking':
        return state.atMs
      case 'starting':
      case 'ended':
        return startMs ?? 0
    }
  }

  const play = (fromMs: number): void => {
    state = { type: 'playing', since: clock.now(), fromMs }
    watchDry()
  }

  /** Books the time since the last change, before the next state. */
  const halt = (): void => {
    if (state.type === 'playing') viewing.playedMs += clock.now() - state.since
    if (state.type === 'stalled') {
      viewing.stallMs += clock.now() - state.since
      events.onStall('ends')
    }
    dry?.cancel()
  }

  /** Playback runs dry when the playhead reaches the end of what is buffered. */
  const watchDry = (): void => {
    dry?.cancel()
    if (state.type !== 'playing') return
    const at = playheadMs()
    dry = clock.after(events.bufferedTo(at) - at, () => {
      const now = playheadMs()
      if (events.bufferedTo(now) > now + 1) return watchDry()
      halt()
      if (now >= events.endOfStreamMs() - 1) {
        state = { type: 'ended' }
        return
      }
      state = { type: 'stalled', since: clock.now(), atMs: now }
      viewing.stalls++
      events.onStall('begins')
    })
  }

  const grew = (): void => {
    if (state.type === 'playing') return watchDry()
    if (startMs === null || state.type === 'paused' || state.type === 'ended') return
    const at = playheadMs()
    if (events.bufferedTo(at) <= at) return
    if (state.type === 'starting') {
      viewing.startupMs = clock.now() - viewing.joinedAt
      events.onStarted()
    } else if (state.type === 'seeking') viewing.seeks.push(clock.now() - state.since)
    halt()
    play(at)
  }

  return {
    state: () => state,
    playheadMs,
    settle(ms) {
      startMs ??= ms
    },
    isSettled: () => startMs !== null,
    grew,
    jump(toMs) {
      if (state.type === 'starting') {
        // Nothing was on screen yet: the start moves, and goes on being awaited.
        startMs = toMs
        return grew()
      }
      halt()
      state = { type: 'seeking', since: clock.now(), atMs: toMs }
      grew()
    },
    skip(toMs) {
      if (state.type !== 'stalled') return this.jump(toMs)
      state = { ...state, atMs: toMs }
      grew()
    },
    pause() {
      if (state.type !== 'playing' && state.type !== 'stalled') return false
      const atMs = playheadMs()
      halt()
      state = { type: 'paused', atMs }
      return true
    },
    resume() {
      if (state.type !== 'paused') return false
      const { atMs } = state
      if (events.bufferedTo(atMs) > atMs) play(atMs)
      else state = { type: 'seeking', since: clock.now(), atMs }
      return true
    },
    close() {
      halt()
      state = { type: 'ended' }
    },
  }
}
