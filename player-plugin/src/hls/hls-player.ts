import type { Delivery, IdentityRules, Playback, PlayerPosition, Swarm, TrackPath } from '@nearcast/peer-core'
import type { PlainReason } from '../plain.ts'
import type { PlayerEstimate } from './abr-stats.ts'
import { bufferedMs, deadlineOf, type Playhead } from './deadline.ts'
import type { Route } from './fragment-loader.ts'
import type { DetailsLike, FragmentLike, HlsLike, LoaderContextLike, LoaderStatsLike } from './hls-like.ts'
import { levelCap } from './level-cap.ts'
import { PlaybackMeter } from './playback-meter.ts'
import type { PlaylistWindow } from './playlist-window.ts'
import { TrackDirectory } from './track-directory.ts'

/** What the player side tells whoever runs the swarm. */
export interface HlsPlayerEvents {
  onContent(manifestUrl: string): void
  /** A VoD playlist without digests of its own: there may be some beside it. */
  onDigestsMissing(track: TrackPath, details: DetailsLike): void
  onDelivery(context: LoaderContextLike, track: TrackPath, delivery: Delivery): void
  onDestroyed(): void
  /** Something of ours threw inside an event of the player; the player did not notice. */
  onFailure(cause: unknown): void
}

/** Values of `Hls.Events`, the same in 1.5 to 1.7. */
const events = {
  manifestLoading: 'hlsManifestLoading',
  levelUpdated: 'hlsLevelUpdated',
  levelPtsUpdated: 'hlsLevelPtsUpdated',
  audioTrackLoaded: 'hlsAudioTrackLoaded',
  audioTrackUpdated: 'hlsAudioTrackUpdated',
  subtitleTrackLoaded: 'hlsSubtitleTrackLoaded',
  subtitleTrackUpdated: 'hlsSubtitleTrackUpdated',
  fragParsed: 'hlsFragParsed',
  fragBuffered: 'hlsFragBuffered',
  mediaAttached: 'hlsMediaAttached',
  mediaDetaching: 'hlsMediaDetaching',
  destroying: 'hlsDestroying',
} as const

const mediaEvents = [
  'timeupdate',
  'seeking',
  'seeked',
  'play',
  'playing',
  'pause',
  'ratechange',
  'waiting',
  'canplay',
] as const

/** Position reports that follow each other closer than this say nothing new, ms. */
const positionEveryMs = 200

/**
 * One hls.js instance: what it plays, where it stands, what its playlists list. Gives the swarm windows and
 * positions, and each load its route. Everything is driven by the player's own events; there is no timer.
 */
export class HlsPlayer {
  readonly hls: HlsLike
  readonly #events: HlsPlayerEvents
  readonly #tracks: TrackDirectory
  readonly #undo: (() => void)[] = []
  /** The track that each type of fragment was last loaded from, in the order they first appeared. */
  readonly #playing = new Map<string, TrackPath>()
  /** Types that delivered nothing yet since the last start or seek. */
  readonly #unsettled = new Map<string, 'start' | 'seek'>()
  /** Loads that say nothing about the line: see `#onParsed`. */
  readonly #neutral = new WeakSet<LoaderStatsLike>()
  readonly #meter = new PlaybackMeter()
  #isLive = false
  #swarm: Swarm | null = null
  #media: HTMLMediaElement | null = null
  #undoMedia: () => void = () => {}
  #measured = false
  #positionAt = Number.NEGATIVE_INFINITY
  #ownCap: number | null = null

  constructor(hls: HlsLike, rules: IdentityRules, listeners: HlsPlayerEvents) {
    this.hls = hls
    this.#events = listeners
    this.#tracks = new TrackDirectory(rules)
    this.#listen()
    if (hls.media) this.#attachMedia(hls.media)
  }

  /** The swarm that serves this player from now on; null for none. */
  use(swarm: Swarm | null): void {
    this.#swarm = swarm
    if (!swarm) return
    for (const track of this.#tracks.paths()) this.#giveWindow(this.#tracks.window(track))
    // Inside hls.js's constructor there is neither content nor position yet.
    if (this.#tracks.paths().length > 0) this.#givePosition(true)
  }

  route(context: LoaderContextLike, swarm: Swarm): Route {
    const { frag } = context
    const plain = (reason: PlainReason): Route => ({ type: 'plain', reason })
    if (context.part) return plain('part')
    if (frag.bitrateTest) return plain('bitrate-test')
    const located = this.#tracks.locate(context)
    if (located.type !== 'found') return plain(located.type)
    const { track, source } = located
    if (located.added) this.#giveWindow(this.#tracks.window(track))
    if (this.#playing.get(frag.type) !== track) {
      this.#playing.set(frag.type, track)
      this.#givePosition(true)
    }
    const settled = this.#unsettled.get(frag.type) ?? (this.#everDelivered(frag.type) ? 'none' : 'start')
    return {
      type: 'swarm',
      swarm,
      track,
      source,
      ...deadlineOf(frag.start, this.#playhead(), settled),
      estimate: () => this.#estimate(),
      onDelivered: (delivery, measured, stats) => {
        if (frag.sn !== 'initSegment') this.#delivered.add(frag.type)
        if (frag.type === 'main' && frag.sn !== 'initSegment') {
          if (measured) this.#measured = true
          else this.#neutral.add(stats)
        }
        this.#events.onDelivery(context, track, delivery)
      },
    }
  }

  /** A load that the player did itself is a measurement of the line too. */
  onPlain(context: { type: string; sn: number | 'initSegment' }): void {
    if (context.sn === 'initSegment') return
    this.#delivered.add(context.type)
    if (context.type === 'main') this.#measured = true
  }

  addDigests(track: TrackPath, digests: Parameters<TrackDirectory['addDigests']>[1]): void {
    this.#giveWindow(this.#tracks.addDigests(track, digests))
  }

  /**
   * Caps the automatic level to what the site's shared line carries once (kbit/s; 0 lifts our cap). A cap that the
   * page set itself is only ever tightened.
   */
  capToLine(lineKbps: number): void {
    const cap = levelCap(this.hls.levels, lineKbps)
    const current = this.hls.autoLevelCapping
    if (cap >= 0 && (current < 0 || cap < current || current === this.#ownCap)) {
      this.hls.autoLevelCapping = cap
      this.#ownCap = cap
    } else if (cap < 0 && this.#ownCap !== null && current === this.#ownCap) {
      this.hls.autoLevelCapping = -1
      this.#ownCap = null
    }
  }

  /** For the operator. */
  playback(): Playback {
    const { latency = 0, levels, loadLevel } = this.hls
    // hls.js has a latency for recordings too: the distance to their end.
    return this.#meter.read(performance.now(), this.#isLive ? latency : 0, levels[loadLevel]?.bitrate ?? 0)
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo()
    this.#undoMedia()
    this.#media = null
    this.#swarm = null
    this.#tracks.clear()
  }

  readonly #delivered = new Set<string>()

  #everDelivered(type: string): boolean {
    return this.#delivered.has(type)
  }

  #listen(): void {
    const on = <T>(event: string, listener: (data: T) => void) => {
      const handler = (_: never, data: never) => this.#guard(() => listener(data))
      this.hls.on(event, handler)
      this.#undo.push(() => this.hls.off(event, handler))
    }
    const onPlaylist = ({ details }: { details: DetailsLike }) => this.#onPlaylist(details)
    on<{ url: string }>(events.manifestLoading, ({ url }) => this.#onManifest(url))
    on(events.levelUpdated, onPlaylist)
    const onTrack = ({ details }: { details: DetailsLike }) => this.#onTrackLoaded(details)
    on(events.audioTrackLoaded, onTrack)
    on(events.audioTrackUpdated, onPlaylist)
    on(events.subtitleTrackLoaded, onTrack)
    on(events.subtitleTrackUpdated, onPlaylist)
    on<{ details: DetailsLike }>(events.levelPtsUpdated, ({ details }) => {
      this.#giveWindow(this.#tracks.realign(details))
    })
    on<{ frag: FragmentLike }>(events.fragParsed, ({ frag }) => this.#onParsed(frag.stats))
    on<{ frag: FragmentLike }>(events.fragBuffered, ({ frag }) => {
      this.#onBuffered(frag.stats)
      if (frag.sn !== 'initSegment') this.#unsettled.delete(frag.type)
      this.#givePosition(true)
    })
    on<{ media: HTMLMediaElement }>(events.mediaAttached, ({ media }) => this.#attachMedia(media))
    on(events.mediaDetaching, () => this.#attachMedia(null))
    on(events.destroying, () => this.#events.onDestroyed())
    if (typeof document !== 'undefined') {
      const onVisibility = () => this.#guard(() => this.#givePosition(true))
      document.addEventListener('visibilitychange', onVisibility)
      this.#undo.push(() => document.removeEventListener('visibilitychange', onVisibility))
    }
  }

  #onManifest(url: string): void {
    this.#meter.load(performance.now())
    this.#tracks.clear()
    this.#playing.clear()
    this.#delivered.clear()
    this.#unsettled.clear()
    this.#measured = false
    this.#events.onContent(new URL(url, typeof location === 'undefined' ? undefined : location.href).href)
  }

  /**
   * Comes before hls.js has put the track on the main playlist's timeline; the update event that follows it is
   * missing in 1.5. A new track is taken at once, since its first segment may be loaded next; then once more as
   * soon as hls.js has aligned it, which it does in place.
   */
  #onTrackLoaded(details: DetailsLike): void {
    if (!this.#tracks.follows(details)) this.#onPlaylist(details)
    const again = () => {
      if (this.#undo.length === 0) return
      if (this.#tracks.follows(details) !== details) this.#onPlaylist(details)
      else this.#giveWindow(this.#tracks.realign(details))
    }
    queueMicrotask(() => this.#guard(again))
  }

  #onPlaylist(details: DetailsLike): void {
    this.#isLive = details.live
    const window = this.#tracks.update(details)
    this.#giveWindow(window)
    if (!details.live && !this.#tracks.hasDigests(window.track))
      this.#events.onDigestsMissing(window.track, details)
  }

  /**
   * A held segment says nothing about the line, and is reported at hls.js's own estimate. As a sample even that would
   * have weight: parsing is charged to the transfer, so each would pull the estimate a little down, and an estimate
   * that began wrong would hardly recover among them (measured on a 3 Mbit/s line: 0.73 and 0.80 of plain, and 0.96 and 0.97
   * without the samples). hls.js takes no sample of an aborted load, so it looks like one from here until its ABR controller,
   * the first to hear, has heard that the fragment is buffered: some milliseconds in which nobody else asks.
   */
  #onParsed(stats: LoaderStatsLike): void {
    if (this.#neutral.has(stats)) stats.aborted = true
  }

  #onBuffered(stats: LoaderStatsLike): void {
    if (this.#neutral.delete(stats)) stats.aborted = false
  }

  #attachMedia(media: HTMLMediaElement | null): void {
    if (media === this.#media) return
    this.#undoMedia()
    this.#media = media
    if (!media) return
    const onEvent = (event: Event) => {
      this.#meter.hear(event.type, media, performance.now())
      if (event.type === 'seeking') for (const type of this.#delivered) this.#unsettled.set(type, 'seek')
      this.#guard(() => this.#givePosition(event.type !== 'timeupdate'))
    }
    for (const name of mediaEvents) media.addEventListener(name, onEvent)
    this.#undoMedia = () => {
      for (const name of mediaEvents) media.removeEventListener(name, onEvent)
      this.#undoMedia = () => {}
    }
  }

  #estimate(): PlayerEstimate {
    const { bandwidthEstimate, ttfbEstimate } = this.hls
    return { bitsPerSecond: bandwidthEstimate, ttfbMs: ttfbEstimate, measured: this.#measured }
  }

  /** hls.js takes what a listener throws for a fatal error of its own. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (cause) {
      this.#events.onFailure(cause)
    }
  }

  #playhead(): Playhead {
    const media = this.#media
    if (!media) return { at: 0, rate: 1, seeking: false, buffered: [] }
    const { buffered } = media
    const ranges = Array.from({ length: buffered.length }, (_, i) => ({
      start: buffered.start(i),
      end: buffered.end(i),
    }))
    return { at: media.currentTime, rate: media.playbackRate, seeking: media.seeking, buffered: ranges }
  }

  /** hls.js's own rule (base-stream-controller, getMaxBufferLength): by time or by bytes, whichever is more. */
  #goalSeconds(): number {
    const { levels, loadLevel, config } = this.hls
    const bitrate = levels[loadLevel]?.bitrate ?? 0
    const bySize = bitrate > 0 ? (8 * config.maxBufferSize) / bitrate : 0
    return Math.min(Math.max(bySize, config.maxBufferLength), config.maxMaxBufferLength)
  }

  #giveWindow(window: PlaylistWindow | null): void {
    if (window) this.#swarm?.setWindow(window.track, window.live, window.sources)
  }

  #givePosition(now: boolean): void {
    if (!this.#swarm) return
    const at = performance.now()
    if (!now && at - this.#positionAt < positionEveryMs) return
    this.#positionAt = at
    this.#swarm.setPosition(this.position())
  }

  position(): PlayerPosition {
    const playhead = this.#playhead()
    const order = ['main', 'audio', 'subtitle']
    const tracks = [...this.#playing]
      .sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]))
      .map(([, track]) => track)
    return {
      mediaMs: playhead.at * 1000,
      bufferMs: bufferedMs(playhead),
      rate: playhead.rate,
      // Not started yet is on its way to play, not paused: it wants its first segments.
      paused: (this.#media?.paused ?? false) && this.#media?.readyState === 4,
      hidden: typeof document !== 'undefined' && document.hidden,
      tracks: [...new Set(tracks)],
      goalMs: this.#goalSeconds() * 1000,
    }
  }
}
