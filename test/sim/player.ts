import type { FailReason, Urgency } from '../../peer-core/src/core/events.ts'
import type { Books } from './books.ts'
import { createMediaBuffer, type MediaBuffer } from './buffer.ts'
import type { EdgeClient } from './edge.ts'
import { createPlayback, type Viewing } from './playback.ts'
import type { Agent, Delivery } from './policy.ts'
import type { Station } from './station.ts'
import type { Playlist, Segment, Stream } from './stream.ts'

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
  let closed = false

  const bufferedTo = (at: number): number =>
    tracks.reduce((end, track) => Math.min(end, track.buffer.endAt(at)), Number.POSITIVE_INFINITY)

  const endOfStreamMs = (): number => {
    const listed = tracks[0]?.playlist
    if (listed === null || listed === undefined || listed.live) return Number.POSITIVE_INFINITY
    const last = listed.segments.at(-1)
    return last === undefined ? 0 : last.startMs + last.durationMs
  }

  const playback = createPlayback(clock, viewing, {
    bufferedTo,
    endOfStreamMs,
    onStarted: events.onStarted,
    onStall(state) {
      events.onStall(state)
      if (state === 'begins') tellPosition()
    },
  })

  const tellPosition = (): void => {
    if (!playback.isSettled()) return
    const at = playback.playheadMs()
    const { type } = playback.state()
    agent.setPosition({
      streamMs: at,
      bufferMs: Math.max(0, bufferedTo(at) - at),
      paused: type === 'paused' || type === 'ended',
      goalMs: plan.goalMs,
    })
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
    if (!playback.isSettled()) settleStart(listed)
    else if (listed.live) catchUp(listed)
    tellPosition()
    for (const other of tracks) loadNext(other)
  }

  const settleStart = (listed: Playlist): void => {
    const first = listed.segments[0]
    const last = listed.segments.at(-1)
    if (first === undefined || last === undefined) return
    const sync = last.startMs + last.durationMs - plan.liveSyncTargets * stream.plan.segmentMs
    playback.settle(listed.live ? Math.max(first.startMs, sync) : 0)
  }

  /** Fallen out of the window: hls.js jumps to the live sync position. */
  const catchUp = (listed: Playlist): void => {
    const first = listed.segments[0]
    const at = playback.playheadMs()
    if (first === undefined || playback.state().type === 'paused' || at >= first.startMs - 250) return
    if (bufferedTo(at) > at) return
    // Before the first frame it only looks elsewhere once the fragment on its way has come: nothing is aborted.
    if (playback.state().type === 'starting' && tracks.some(track => track.loading !== null)) return
    const last = listed.segments.at(-1)!
    drop()
    playback.skip(last.startMs + last.durationMs - plan.liveSyncTargets * stream.plan.segmentMs)
    resettle()
  }

  // Fragments

  const loadNext = (track: Track): void => {
    if (closed || viewing.fatal || track.loading !== null) return
    if (track.playlist === null || !playback.isSettled()) return
    if (!track.initDone && track.playlist.init !== null) return load(track, track.playlist.init)
    const at = playback.playheadMs()
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
    const at = playback.playheadMs()
    const aheadMs = Math.max(0, segment.startMs - at)
    const { type } = playback.state()
    const urgency: Urgency = type === 'starting' ? 'start' : type === 'seeking' ? 'seek' : 'play'
    const idle = type === 'starting' || type === 'seeking' || type === 'stalled'
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
          playback.grew()
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
    drop()
    playback.jump(toMs)
    resettle()
  }

  /** What is on its way is for another place. */
  const drop = (): void => {
    for (const track of tracks) {
      track.loading?.cancel()
      track.loading = null
    }
  }

  const resettle = (): void => {
    tellPosition()
    for (const track of tracks) loadNext(track)
  }

  const everySecond = (): void => {
    if (closed) return
    if (playback.state().type === 'playing' && stream.plan.kind === 'live') {
      viewing.latencies.push(clock.now() - playback.playheadMs())
    }
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
      if (playback.isSettled() && playback.state().type !== 'starting') jump(streamMs)
    },
    pause() {
      if (playback.pause()) tellPosition()
    },
    resume() {
      if (!playback.resume()) return
      tellPosition()
      for (const track of tracks) loadNext(track)
    },
    close() {
      closed = true
      viewing.leftAt = clock.now()
      playback.close()
      return viewing
    },
  }
}
