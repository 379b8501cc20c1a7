import { setTimeout as delay } from 'node:timers/promises'
import { type SegmentSource, scanPlaylist, sidecarUrl, type TrackPath } from '@nearcast/peer-core'
import { type ListedPlaylist, type PlaylistWindow, rangeOf } from '../hls/playlist-window.ts'
import { announcesSidecar } from '../hls/side-digests.ts'
import { createSidecar, type Sidecar } from '../hls/sidecar.ts'
import type { TrackDirectory } from '../hls/track-directory.ts'
import { listedPlaylist } from './listed-playlist.ts'
import { readText, type TextAnswer } from './read-text.ts'
import { type Placed, place } from './timeline.ts'

/** A media segment and the init segment that it needs. */
export interface FeedItem {
  readonly source: SegmentSource
  readonly init: SegmentSource | null
}

export interface FeedOptions {
  readonly url: string
  /** Shared by the feeds of one peer. */
  readonly directory: TrackDirectory
  /** When to look for digests beside the playlist; as the plugin has it. */
  readonly sidecar: 'announced' | 'always' | 'never'
  /** A track on whose timeline this one is put, once it has a place. */
  readonly other: () => Placed | null
  readonly signal: AbortSignal
  /** Bytes of a playlist or of digests that came. */
  readonly onControl: (bytes: number) => void
  readonly onWindow: (window: PlaylistWindow) => void
  /** The playlist could not be read; it is tried again. Null: it could again. */
  readonly onTrouble: (detail: string | null) => void
}

/** A cache may give a playlist that is some segments old; an encoder that was started again counts from far below. */
const begunAnewSegments = 10
/** As hls.js has it (`maxFragLookUpTolerance`). */
const lookUpToleranceMs = 250
/** Waits of a live playlist whose server fails, at most, ms. */
const longestRetryMs = 10_000

/**
 * One media playlist: read once, and while it is live read again as RFC 8216 §6.3.4 has it. Its segments get the names
 * that the plugin gives them in browsers.
 */
export class PlaylistFeed {
  readonly #options: FeedOptions
  #track: TrackPath = ''
  #live = false
  #items: readonly FeedItem[] = []
  #placed: Placed | null = null
  /** By sequence number: the name of the init segment that holds for it. */
  #initOf: ReadonlyMap<number, string> = new Map()
  #etag = ''
  #text = ''
  #sidecar: Sidecar | null = null
  /** Sequence numbers whose digests were looked up. */
  readonly #proven = new Set<number>()

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** '' until the playlist was read. */
  get track(): TrackPath {
    return this.#track
  }

  get live(): boolean {
    return this.#live
  }

  get placed(): Placed | null {
    return this.#placed
  }

  /** In order. */
  get items(): readonly FeedItem[] {
    return this.#items
  }

  /** The first item numbered `seq` or later. */
  from(seq: number): FeedItem | undefined {
    return this.#items[this.#indexFrom(seq)]
  }

  /** The item to begin with at `mediaMs`: the one it lies in, or the next when that one is all but over. */
  at(mediaMs: number): FeedItem | undefined {
    return this.#items.find(({ source: { startMs, durationMs } }) => {
      return startMs + durationMs - Math.min(lookUpToleranceMs, durationMs) > mediaMs
    })
  }

  /** A live playlist counts far below `nextSeq`: its encoder was started again. */
  hasBegunAnew(nextSeq: number): boolean {
    const last = this.#items.at(-1)?.source.seq
    return this.#live && last !== undefined && last + begunAnewSegments < nextSeq
  }

  /** Reads the playlist; null when it is here, else why it is not. */
  async load(): Promise<string | null> {
    const { url, signal } = this.#options
    const answer = await readText(url, { signal, etag: this.#etag })
    return this.#take(answer).problem
  }

  /** Goes on reading a live playlist until it ends or the signal aborts. */
  async follow(): Promise<void> {
    const { url, signal, onTrouble } = this.#options
    let waitMs = this.#targetMs()
    let failures = 0
    // A first read that failed is made good at once.
    if (this.#placed === null) {
      failures = 1
      waitMs = 1_000
    }
    while (!signal.aborted && (this.#placed === null || this.#live)) {
      await delay(waitMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const asked = performance.now()
      const { problem, changed } = this.#take(await readText(url, { signal, etag: this.#etag }))
      if (signal.aborted) return
      if (problem !== null) {
        if (failures++ === 0) onTrouble(problem)
        waitMs = Math.min(this.#targetMs() * 0.5 * failures, longestRetryMs)
        continue
      }
      if (failures > 0) onTrouble(null)
      failures = 0
      // From the last time that loading began, not ended.
      const spentMs = performance.now() - asked
      waitMs = Math.max(50, this.#targetMs() * (changed ? 1 : 0.5) - spentMs)
    }
  }

  /** Makes the digests around a segment known, where they are beside the playlist. */
  async prove(seq: number): Promise<void> {
    if (!this.#sidecar || seq < 0 || this.#proven.has(seq)) return
    const digests = await this.#sidecar.around(seq).catch(() => null)
    this.#proven.add(seq)
    const window = digests && this.#options.directory.addDigests(this.#track, digests)
    if (window) this.#accept(window)
  }

  /** Makes all digests known. */
  async proveAll(): Promise<void> {
    for (const { source } of this.#items) await this.prove(source.seq)
  }

  /** Gives the window on again. */
  tell(): void {
    const window = this.#options.directory.window(this.#track)
    if (window) this.#accept(window)
  }

  #take(answer: TextAnswer): { problem: string | null; changed: boolean } {
    if (answer.type === 'failed') return { problem: answer.detail, changed: false }
    if (answer.type === 'unchanged') return { problem: null, changed: false }
    this.#options.onControl(answer.bytes)
    this.#etag = answer.etag
    const { url, text } = answer
    if (text === this.#text) return { problem: null, changed: false }
    const playlist = scanPlaylist(text)
    if (!playlist) return { problem: 'no media playlist', changed: false }
    this.#text = text
    const { segments, targetDurationMs } = playlist
    const targetMs = targetDurationMs || Math.max(1_000, ...segments.map(({ durationMs }) => durationMs))
    this.#placed = place(
      {
        firstSeq: segments[0]?.sequence ?? 0,
        durationsMs: segments.map(({ durationMs }) => durationMs),
        targetMs,
      },
      this.#placed,
      this.#options.other(),
    )
    const listed = listedPlaylist(playlist, text, url, this.#placed)
    this.#initOf = initsOf(listed)
    const window = this.#options.directory.update(listed)
    this.#track = window.track
    this.#live = playlist.live
    this.#seekSidecar(url, text)
    this.#accept(window)
    return { problem: null, changed: true }
  }

  #accept(window: PlaylistWindow): void {
    const inits = new Map<string, SegmentSource>()
    for (const source of window.sources) if (source.seq < 0) inits.set(nameOf(source), source)
    this.#items = window.sources
      .filter(({ seq }) => seq >= 0)
      .map(source => ({ source, init: inits.get(this.#initOf.get(source.seq) ?? '') ?? null }))
    this.#options.onWindow(window)
  }

  #seekSidecar(url: string, text: string): void {
    const { sidecar, signal, onControl } = this.#options
    if (this.#sidecar || this.#live || sidecar === 'never') return
    if (this.#options.directory.hasDigests(this.#track)) return
    if (sidecar === 'announced' && !announcesSidecar({ m3u8: text, url })) return
    const beside = sidecarUrl(url)
    this.#sidecar = createSidecar(url, async (from, to) => {
      const answer = await readText(beside, { signal, range: { from, to } })
      if (answer.type !== 'text') return null
      onControl(answer.bytes)
      return answer.text
    })
  }

  #targetMs(): number {
    return this.#placed?.targetMs ?? 2_000
  }

  #indexFrom(seq: number): number {
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#items[middle]!.source.seq < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}

function initsOf({ fragments }: ListedPlaylist): Map<number, string> {
  const inits = new Map<number, string>()
  for (const fragment of fragments) {
    const init = fragment?.initSegment
    if (init && typeof fragment.sn === 'number')
      inits.set(fragment.sn, nameOf({ url: init.url ?? '', range: rangeOf(init) }))
  }
  return inits
}

function nameOf({ url, range }: Pick<SegmentSource, 'url' | 'range'>): string {
  return `${url} ${range ? `${range.from}-${range.to}` : ''}`
}
