import type { FailReason, Urgency } from '../../peer-core/src/core/events.ts'
import { Abr, type LoadedFacts } from './abr.ts'
import type { Books } from './books.ts'
import { createMediaBuffer, type MediaBuffer } from './buffer.ts'
import type { Timer } from './clock.ts'
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
  /** Changes with the rendition. */
  name: string
  level: number
  /** Rises with each change of rendition: what was under way for another is no longer waited for. */
  generation: number
  readonly buffer: MediaBuffer
  playlist: Playlist | null
  /** hls.js `requestScheduled`: playlists are asked for on a beat that the first request set. */
  beatAt: number
  readonly inits: Set<string>
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
      level: 0,
      generation: 0,
      buffer: createMediaBuffer(),
      playlist: null,
      beatAt: -1,
      inits: new Set(),
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
    fragments: 0,
    fragmentBps: 0,
    switches: 0,
    abandoned: 0,
    failed: 0,
    fatal: false,
    playedMs: 0,
  }
  const { renditions } = stream
  const abr = new Abr(renditions, stream.plan.kind === 'live', stream.plan.segmentMs)
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
      tracks: tracks.map(track => track.name),
    })
  }

  // Playlists

  const loadPlaylist = (track: Track): void => {
    if (closed) return
    const askedAt = clock.now()
    if (track.beatAt < 0) track.beatAt = askedAt
    const { generation } = track
    const listed = stream.playlist(track.name, askedAt + station.site.edgeDelayMs)
    edge.fetch({
      what: 'playlists',
      segment: null,
      bytes: listed.bytes,
      onData() {},
      onDone() {
        if (closed || track.generation !== generation) return
        hearPlaylist(track, listed)
      },
      onFail() {
        clock.after(1_000, () => {
          if (track.generation === generation) loadPlaylist(track)
        })
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
      const { generation } = track
      clock.at(track.beatAt, () => {
        if (track.generation === generation) loadPlaylist(track)
      })
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
    if (track === tracks[0] && switchLevel(track, nextLevel(track, end - at))) return
    const { init } = track.playlist
    if (init !== null && !track.inits.has(init.key)) return load(track, init)
    const next = track.playlist.segments.find(segment => segment.startMs + segment.durationMs > end + 1)
    if (next !== undefined) load(track, next)
  }

  const nextLevel = (track: Track, bufferMs: number): number => {
    abr.capAt(agent.levelCap?.(renditions.map(rendition => rendition.peakBps)) ?? -1)
    return abr.next(track.level, bufferMs)
  }

  /** True when another rendition's playlist has to come first. */
  const switchLevel = (track: Track, level: number): boolean => {
    if (level === track.level) return false
    if (viewing.fragments > 0) viewing.switches++
    track.level = level
    track.name = renditions[level]!.track
    track.playlist = null
    track.generation++
    track.beatAt = -1
    loadPlaylist(track)
    return true
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
    const startMs = clock.now()
    const isVideo = track === tracks[0]
    const { level } = track
    let firstMs = 0
    let loadedBytes = 0
    let watch: Timer | null = null
    const loading = agent.want({
      segment,
      deadline,
      urgency,
      onProgress(bytes) {
        if (firstMs === 0) firstMs = clock.now()
        loadedBytes = bytes
      },
      onDelivered(how) {
        if (closed) return
        watch?.cancel()
        viewing.delivered++
        let told: LoadedFacts | null = null
        if (isVideo && segment.seq >= 0) {
          viewing.fragments++
          viewing.fragmentBps += renditions[level]!.averageBps
          const { origin, edgeBps } = how
          told = abr.loaded({
            level,
            bytes: segment.size,
            startMs,
            firstMs: firstMs || clock.now(),
            endMs: clock.now(),
            delivery: edgeBps === undefined ? null : { origin, edgeBps },
          })
        }
        track.retries = 0
        books.delivered(station, segment)
        events.onDelivered(segment, how, deadline)
        const append = clock.after(appendMs, () => {
          track.loading = null
          if (closed) return
          if (told !== null) abr.buffered(told, clock.now())
          if (segment.seq < 0) track.inits.add(segment.key)
          else track.buffer.add(segment.startMs, segment.startMs + segment.durationMs)
          playback.grew()
          tellPosition()
          loadNext(track)
        })
        track.loading = append
      },
      onFailed(reason) {
        if (closed) return
        watch?.cancel()
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
    if (track.loading !== null) return
    track.loading = {
      cancel() {
        watch?.cancel()
        loading.cancel()
      },
    }
    if (!isVideo || segment.seq < 0 || level === 0) return

    /** hls.js looks at the fragment under way ten times a second. A wait that our plugin hides has not begun. */
    const look = (): void => {
      const now = clock.now()
      watch = clock.after(100, look)
      if (playback.state().type === 'starting' || playback.state().type === 'paused') return
      const isHidden = agent.tellsAsPlugin === true
      const shownMs = firstMs - Math.min(firstMs - startMs, abr.ttfbMs())
      const begun = isHidden ? (firstMs === 0 ? now : shownMs) : startMs
      const at = playback.playheadMs()
      const lower = abr.abandon({ level, startMs: begun, firstMs, loadedBytes }, now, bufferedTo(at) - at)
      if (lower < 0) return
      viewing.abandoned++
      track.loading?.cancel()
      track.loading = null
      switchLevel(track, lower)
    }
    watch = clock.after(100, look)
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
