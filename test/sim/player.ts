import type { FailReason, Urgency } from '../../peer-core/src/core/events.ts'
import type { Books } from './books.ts'
import { createMediaBuffer, type MediaBuffer } from './buffer.ts'
import type { Timer } from './clock.ts'
import type { EdgeClient } from './edge.ts'
import type { Agent, Delivery } from './policy.ts'
import type { Station } from './station.ts'
import type { Playlist, Segment, Stream } from './stream.ts'

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
  readonly seeks: number[]
  delivered: number
  failed: number
  /** Retries ran out: the player gave up. */
  fatal: boolean
  playedMs: number
}

export interface PlayerEvents {
  onWanted(segment: Segment, deadline: number, urgency: Urgency): void
  onDelivered(segment: Segment, how: Delivery, deadline: number): void
  onFailed(segment: Segment, reason: FailReason): void
  onStall(state: 'begins' | 'ends'): void
  onStarted(): void
}

export interface Player {
  start(): void
  seek(streamMs: number): void
  pause(): void
  resume(): void
  close(): Viewing
}

export interface PlayerPlan {
  /** hls.js `maxBufferLength`, ms. */
  readonly goalMs: number
  /** hls.js `liveSyncDurationCount`. */
  readonly liveSyncTargets: number
}

type Playback =
  | { readonly type: 'starting' }
  | { readonly type: 'playing'; readonly since: number; readonly fromMs: number }
  | { readonly type: 'stalled'; readonly since: number; readonly atMs: number }
  | { readonly type: 'paused'; readonly atMs: number }
  | { readonly type: 'seeking'; readonly since: number; readonly atMs: number }
  | { readonly type: 'ended' }

interface Track {
  readonly name: string
  readonly buffer: MediaBuffer
  playlist: Playlist | null
  /** hls.js `requestScheduled`: playlists are asked for on a beat that the first request set. */
  beatAt: number
  initDone: boolean
  loading: { cancel(): void } | null
  retries: number
}

/** Demuxing and appending a fragment. */
const appendMs = 15
const positionEveryMs = 500
/** hls.js retries a failed fragment six times, after 1, 2, 4, 8, 8 s (`fragLoadPolicy`). */
const retryDelaysMs = [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]
const masterPlaylistBytes = 400

/** A player modelled on hls.js 1.7: one fragment at a time a track, three targets behind the live edge. */
export function createPlayer(
  station: Station,
  stream: Stream,
  edge: EdgeClient,
  agent: Agent,
  books: Books,
  plan: PlayerPlan,
  events: PlayerEvents,
): Player {
  const { clock } = station
  const tracks = stream.tracks.map(
    (name): Track => ({
      name,
      buffer: createMediaBuffer(),
      playlist: null,
      beatAt: -1,
      initDone: false,
      loading: null,
      retries: 0,
    }),
  )
  const viewing: Viewing = {
    joinedAt: clock.now(),
    leftAt: null,
    startupMs: null,
    stalls: 0,
    stallMs: 0,
    latencies: [],
    seeks: [],
    delivered: 0,
    failed: 0,
    fatal: false,
    playedMs: 0,
  }
  let playback: Playback = { type: 'starting' }
  /** Where playback will start; set by the first playlist. */
  let startMs: number | null = null
  let dry: Timer | null = null
  let closed = false

  const playheadMs = (): number => {
    switch (playback.type) {
      case 'playing':
        return playback.fromMs + clock.now() - playback.since
      case 'stalled':
      case 'paused':
      case 'seeking':
        return playback.atMs
      case 'starting':
      case 'ended':
        return startMs ?? 0
    }
  }

  const bufferedTo = (): number => {
    const at = playheadMs()
    return tracks.reduce((end, track) => Math.min(end, track.buffer.endAt(at)), Number.POSITIVE_INFINITY)
  }

  const endOfStreamMs = (): number => {
    const last = tracks[0]?.playlist
    if (last === null || last === undefined || last.live) return Number.POSITIVE_INFINITY
    const segment = last.segments.at(-1)
    return segment === undefined ? 0 : segment.startMs + segment.durationMs
  }

  const tellPosition = (): void => {
    if (startMs === null) return
    const at = playheadMs()
    agent.setPosition({
      streamMs: at,
      bufferMs: Math.max(0, bufferedTo() - at),
      paused: playback.type === 'paused' || playback.type === 'ended',
      goalMs: plan.goalMs,
    })
  }

  const play = (fromMs: number): void => {
    playback = { type: 'playing', since: clock.now(), fromMs }
    watchDry()
  }

  const halt = (): void => {
    if (playback.type === 'playing') viewing.playedMs += clock.now() - playback.since
    dry?.cancel()
  }

  /** Playback runs dry when the playhead reaches the end of what is buffered. */
  const watchDry = (): void => {
    dry?.cancel()
    if (playback.type !== 'playing') return
    const end = bufferedTo()
    dry = clock.after(end - playheadMs(), () => {
      if (playback.type !== 'playing') return
      const at = playheadMs()
      if (bufferedTo() > at + 1) return watchDry()
      halt()
      if (at >= endOfStreamMs() - 1) {
        playback = { type: 'ended' }
        return
      }
      playback = { type: 'stalled', since: clock.now(), atMs: at }
      viewing.stalls++
      events.onStall('begins')
      tellPosition()
    })
  }

  const appended = (): void => {
    if (playback.type === 'playing') return watchDry()
    if (startMs === null || playback.type === 'paused' || playback.type === 'ended') return
    const at = playheadMs()
    if (bufferedTo() <= at) return
    if (playback.type === 'starting') {
      viewing.startupMs = clock.now() - viewing.joinedAt
      events.onStarted()
    } else if (playback.type === 'stalled') {
      viewing.stallMs += clock.now() - playback.since
      events.onStall('ends')
    } else if (playback.type === 'seeking') viewing.seeks.push(clock.now() - playback.since)
    play(at)
  }

  // Playlists

  const loadPlaylist = (track: Track): void => {
    if (closed) return
    const askedAt = clock.now()
    if (track.beatAt < 0) track.beatAt = askedAt
    const listed = stream.playlist(track.name, askedAt + station.site.edgeDelayMs)
    edge.fetch({
      what: 'playlists',
      segment: null,
      bytes: listed.bytes,
      onData() {},
      onDone() {
        if (closed) return
        hearPlaylist(track, listed)
      },
      onFail() {
        if (!closed) clock.after(1_000, () => loadPlaylist(track))
      },
    })
  }

  const hearPlaylist = (track: Track, listed: Playlist): void => {
    const updated = track.playlist?.segments.at(-1)?.seq !== listed.segments.at(-1)?.seq
    track.playlist = listed
    agent.setPlaylist(track.name, listed)
    if (listed.live) {
      // hls.js: a full target after a change, half of one after a miss, on the beat of the first request.
      const interval = updated ? stream.plan.segmentMs : stream.plan.segmentMs / 2
      const now = clock.now()
      if (track.beatAt + interval < now) track.beatAt = now
      else if (track.beatAt <= now) track.beatAt += interval
      clock.at(track.beatAt, () => loadPlaylist(track))
    }
    if (startMs === null) settleStart(listed)
    else if (listed.live) catchUp(listed)
    tellPosition()
    for (const other of tracks) loadNext(other)
  }

  const settleStart = (listed: Playlist): void => {
    const first = listed.segments[0]
    const last = listed.segments.at(-1)
    if (first === undefined || last === undefined) return
    startMs = listed.live
      ? Math.max(first.startMs, last.startMs + last.durationMs - plan.liveSyncTargets * stream.plan.segmentMs)
      : 0
  }

  /** Fallen out of the window: hls.js jumps to the live sync position. */
  const catchUp = (listed: Playlist): void => {
    const first = listed.segments[0]
    if (first === undefined || playback.type === 'paused' || playheadMs() >= first.startMs - 250) return
    if (bufferedTo() > playheadMs()) return
    const last = listed.segments.at(-1)!
    jump(last.startMs + last.durationMs - plan.liveSyncTargets * stream.plan.segmentMs)
  }

  // Fragments

  const loadNext = (track: Track): void => {
    if (closed || viewing.fatal || track.loading !== null || track.playlist === null || startMs === null)
      return
    if (!track.initDone && track.playlist.init !== null) return load(track, track.playlist.init)
    const at = playheadMs()
    const end = track.buffer.endAt(at)
    if (end - at >= plan.goalMs) {
      // hls.js looks again on its 100 ms tick.
      track.loading = clock.after(Math.max(100, end - at - plan.goalMs), () => {
        track.loading = null
        loadNext(track)
      })
      return
    }
    const next = track.playlist.segments.find(segment => segment.startMs + segment.durationMs > end + 1)
    if (next !== undefined) load(track, next)
  }

  const load = (track: Track, segment: Segment): void => {
    const at = playheadMs()
    const aheadMs = Math.max(0, segment.startMs - at)
    const urgency: Urgency =
      playback.type === 'starting' ? 'start' : playback.type === 'seeking' ? 'seek' : 'play'
    const idle = playback.type === 'starting' || playback.type === 'seeking' || playback.type === 'stalled'
    const deadline = clock.now() + (idle && segment.startMs <= at ? 0 : aheadMs)
    books.wanted(station, segment, clock.now())
    events.onWanted(segment, deadline, urgency)
    tellPosition()
    const loading = agent.want({
      segment,
      deadline,
      urgency,
      onDelivered(how) {
        if (closed) return
        viewing.delivered++
        track.retries = 0
        books.delivered(station, segment)
        events.onDelivered(segment, how, deadline)
        const append = clock.after(appendMs, () => {
          track.loading = null
          if (closed) return
          if (segment.seq < 0) track.initDone = true
          else track.buffer.add(segment.startMs, segment.startMs + segment.durationMs)
          appended()
          tellPosition()
          loadNext(track)
        })
        track.loading = append
      },
      onFailed(reason) {
        if (closed) return
        viewing.failed++
        events.onFailed(segment, reason)
        const delayMs = retryDelaysMs[track.retries++]
        if (delayMs === undefined) {
          viewing.fatal = true
          track.loading = null
          return
        }
        track.loading = clock.after(delayMs, () => {
          track.loading = null
          loadNext(track)
        })
      },
    })
    // A want that ended at once has already set what comes next.
    if (track.loading === null) track.loading = loading
  }

  const jump = (toMs: number): void => {
    for (const track of tracks) {
      track.loading?.cancel()
      track.loading = null
    }
    halt()
    if (playback.type === 'stalled') {
      viewing.stallMs += clock.now() - playback.since
      events.onStall('ends')
    }
    playback = { type: 'seeking', since: clock.now(), atMs: toMs }
    tellPosition()
    appended()
    for (const track of tracks) loadNext(track)
  }

  const everySecond = (): void => {
    if (closed) return
    if (playback.type === 'playing' && stream.plan.kind === 'live')
      viewing.latencies.push(clock.now() - playheadMs())
    clock.after(1_000, everySecond)
  }

  const everyPosition = (): void => {
    if (closed) return
    tellPosition()
    clock.after(positionEveryMs, everyPosition)
  }

  return {
    start() {
      edge.fetch({
        what: 'playlists',
        segment: null,
        bytes: masterPlaylistBytes,
        onData() {},
        onDone() {
          for (const track of tracks) loadPlaylist(track)
        },
        onFail() {
          if (!closed) clock.after(1_000, () => tracks.forEach(loadPlaylist))
        },
      })
      clock.after(1_000, everySecond)
      clock.after(positionEveryMs, everyPosition)
    },
    seek(streamMs) {
      if (startMs === null || playback.type === 'starting') return
      jump(streamMs)
    },
    pause() {
      if (playback.type !== 'playing' && playback.type !== 'stalled') return
      const atMs = playheadMs()
      halt()
      if (playback.type === 'stalled') viewing.stallMs += clock.now() - playback.since
      playback = { type: 'paused', atMs }
      tellPosition()
    },
    resume() {
      if (playback.type !== 'paused') return
      const { atMs } = playback
      if (bufferedTo() > atMs) play(atMs)
      else playback = { type: 'seeking', since: clock.now(), atMs }
      tellPosition()
      for (const track of tracks) loadNext(track)
    },
    close() {
      closed = true
      viewing.leftAt = clock.now()
      halt()
      if (playback.type === 'stalled') viewing.stallMs += clock.now() - playback.since
      return viewing
    },
  }
}
