import { type Swarm, SwarmError, type Urgency } from '@nearcast/peer-core'
import { deadlineOf } from '../hls/deadline.ts'
import type { SegmentListener } from './headless-peer.ts'
import { Playback } from './playback.ts'
import type { FeedItem, PlaylistFeed } from './playlist-feed.ts'
import { endMs } from './timeline.ts'

/** What a viewer needs of a playlist. */
export type Feed = Pick<PlaylistFeed, 'track' | 'live' | 'placed' | 'from' | 'at' | 'hasBegunAnew' | 'prove'>

export interface ViewerOptions {
  readonly swarm: Pick<Swarm, 'request' | 'setPosition'>
  /** What is played, video first; each was read once. */
  readonly feeds: readonly Feed[]
  /** How far ahead to buffer, ms. */
  readonly goalMs: number
  readonly onSegment: SegmentListener
  readonly onProblem: (reason: 'segment-failed' | 'resync', message: string) => void
  /** Played to the end. */
  readonly onEnded: () => void
}

interface Track {
  readonly feed: Feed
  /** Next segment to load. */
  nextSeq: number
  /** Where its buffer ends, ms. */
  endMs: number
  isLoading: boolean
  /** Has delivered since the start. */
  isSettled: boolean
  /** Key of the init segment that the buffer has. */
  initKey: string
  failures: number
  retryAt: number
}

const tickMs = 100
/** As often as a media element says where it stands. */
const positionEveryMs = 250
/** Live playback keeps this many target durations behind the edge, as hls.js does (`liveSyncDurationCount`). */
const liveSyncTargets = 3
/** As hls.js retries a fragment (`fragLoadPolicy`): six times, a second apart and then more. */
const mostFailures = 6
const longestRetryMs = 8_000

/** A player without a picture: real time, hls.js's live distance and deadlines, one load a track at a time. */
export class Viewer {
  readonly #options: ViewerOptions
  readonly #tracks: Track[]
  readonly #playback: Playback
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  #positionAt = Number.NEGATIVE_INFINITY
  #segments = 0
  #lost = 0
  #resyncs = 0
  #hasEnded = false

  constructor(options: ViewerOptions) {
    this.#options = options
    const startMs = this.#syncMs()
    this.#playback = new Playback(performance.now(), startMs)
    this.#tracks = options.feeds.map(feed => ({
      feed,
      nextSeq: feed.at(startMs)?.source.seq ?? 0,
      endMs: startMs,
      isLoading: false,
      isSettled: false,
      initKey: '',
      failures: 0,
      retryAt: 0,
    }))
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#tick()
  }

  /** A playlist changed. */
  update(): void {
    for (const track of this.#tracks) this.#pump(track)
  }

  report() {
    const now = performance.now()
    const { state, positionMs, startupMs, stalls } = this.#playback
    const [main] = this.#options.feeds
    return {
      state: state.type,
      positionMs,
      bufferMs: Math.max(0, this.#bufferEnd() - positionMs),
      startupMs,
      stalls: stalls.length + (state.type === 'stalled' ? 1 : 0),
      stalledMs: this.#playback.stalledMs(now),
      latencyMs: main?.live && main.placed ? endMs(main.placed) - positionMs : 0,
      segments: this.#segments,
      lost: this.#lost,
      resyncs: this.#resyncs,
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#abort.abort()
  }

  #tick(): void {
    this.#advance()
    for (const track of this.#tracks) this.#pump(track)
    if (performance.now() - this.#positionAt >= positionEveryMs) this.#givePosition()
  }

  #advance(): void {
    const isComplete = this.#tracks.every(track => !track.feed.live && !track.feed.from(track.nextSeq))
    this.#playback.advance(performance.now(), this.#bufferEnd(), isComplete)
    if (this.#playback.state.type !== 'ended' || this.#hasEnded) return
    this.#hasEnded = true
    this.#givePosition()
    this.#options.onEnded()
  }

  /** What all tracks have. */
  #bufferEnd(): number {
    return Math.min(...this.#tracks.map(track => track.endMs))
  }

  /** Where to begin: the start of a recording, or a little behind the live edge. */
  #syncMs(): number {
    const placed = this.#options.feeds[0]?.placed
    if (!placed || !this.#options.feeds[0]?.live) return placed?.startsMs[0] ?? 0
    return Math.max(placed.startsMs[0]!, endMs(placed) - liveSyncTargets * placed.targetMs)
  }

  #pump(track: Track): void {
    if (this.#abort.signal.aborted || track.isLoading || performance.now() < track.retryAt) return
    if (track.feed.hasBegunAnew(track.nextSeq)) return this.#resync()
    const item = track.feed.from(track.nextSeq)
    if (!item) return
    if (item.source.seq > track.nextSeq && track.feed.live && this.#isLeftBehind(track)) return this.#resync()
    if (track.endMs - this.#playback.positionMs >= this.#options.goalMs) return
    track.isLoading = true
    void this.#load(track, item).finally(() => {
      track.isLoading = false
      this.#tick()
    })
  }

  /** The window moved past what is to be loaded next; a gap that the playlist declares does not count. */
  #isLeftBehind({ feed, nextSeq }: Track): boolean {
    return feed.placed !== null && nextSeq < feed.placed.firstSeq
  }

  #resync(): void {
    this.#resyncs++
    const startMs = this.#syncMs()
    this.#playback.jump(startMs)
    for (const track of this.#tracks) {
      track.nextSeq = track.feed.at(startMs)?.source.seq ?? track.nextSeq
      track.endMs = startMs
      track.isSettled = false
    }
    this.#options.onProblem(
      'resync',
      'The live window is elsewhere than the playhead; playback goes on at its edge.',
    )
  }

  async #load(track: Track, item: FeedItem): Promise<void> {
    const { feed } = track
    const { seq } = item.source
    await feed.prove(seq)
    // With its digest now, if there is one.
    const current = feed.from(seq)
    const { source, init } = current?.source.seq === seq ? current : item
    try {
      if (init && init.key !== track.initKey) {
        await this.#request(track, feed.track, init, source.startMs)
        track.initKey = init.key
      }
      await this.#request(track, feed.track, source, source.startMs)
      this.#segments++
      track.failures = 0
    } catch (error) {
      if (this.#abort.signal.aborted) return
      const reason = error instanceof SwarmError ? error.reason : String(error)
      if (++track.failures < mostFailures) {
        track.retryAt = performance.now() + Math.min(1_000 * 2 ** (track.failures - 1), longestRetryMs)
        return
      }
      this.#lost++
      track.failures = 0
      this.#options.onProblem('segment-failed', `${source.url} could not be had: ${reason}. It is left out.`)
    }
    if (track.nextSeq > seq) return // resynchronised meanwhile
    this.#advance()
    track.nextSeq = seq + 1
    track.endMs = source.startMs + source.durationMs
    track.isSettled = true
    this.#advance()
    this.#givePosition()
  }

  async #request(track: Track, path: string, source: FeedItem['source'], startMs: number): Promise<void> {
    const { swarm, onSegment } = this.#options
    const { deadlineMs, urgency } = this.#deadline(track, startMs)
    const delivery = await swarm.request(path, source.key, {
      deadlineMs,
      urgency,
      signal: this.#abort.signal,
    })
    onSegment({ track: path, source, delivery })
  }

  #deadline(track: Track, startMs: number): { deadlineMs: number; urgency: Urgency } {
    const { positionMs } = this.#playback
    const end = this.#bufferEnd()
    const buffered = end > positionMs ? [{ start: positionMs / 1000, end: end / 1000 }] : []
    const playhead = { at: positionMs / 1000, rate: 1, seeking: false, buffered }
    return deadlineOf(startMs / 1000, playhead, track.isSettled ? 'none' : 'start')
  }

  #givePosition(): void {
    this.#positionAt = performance.now()
    const { positionMs, state } = this.#playback
    this.#options.swarm.setPosition({
      mediaMs: positionMs,
      bufferMs: Math.max(0, this.#bufferEnd() - positionMs),
      rate: 1,
      paused: state.type === 'ended',
      hidden: false,
      tracks: [...new Set(this.#tracks.map(({ feed }) => feed.track))],
      goalMs: this.#options.goalMs,
    })
  }
}
