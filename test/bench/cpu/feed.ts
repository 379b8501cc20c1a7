import { type Swarm, scanPlaylist } from '@nearcast/peer-core'
import { listedPlaylist } from '../../../player-plugin/src/headless/listed-playlist.ts'
import type { FeedItem } from '../../../player-plugin/src/headless/playlist-feed.ts'
import { type Placed, place } from '../../../player-plugin/src/headless/timeline.ts'
import type { Feed } from '../../../player-plugin/src/headless/viewer.ts'
import { TrackDirectory } from '../../../player-plugin/src/hls/track-directory.ts'

/** A live media playlist without init segments, read as hls.js reads it, for a viewer inside a page. */
export class LiveFeed implements Feed {
  readonly live = true
  readonly #url: string
  readonly #swarm: Swarm
  readonly #directory = new TrackDirectory({ tokenParams: [] })
  #text = ''
  #track = ''
  #placed: Placed | null = null
  #items: readonly FeedItem[] = []

  constructor(url: string, swarm: Swarm) {
    this.#url = url
    this.#swarm = swarm
  }

  get track(): string {
    return this.#track
  }

  get placed(): Placed | null {
    return this.#placed
  }

  from(seq: number): FeedItem | undefined {
    return this.#items.find(({ source }) => source.seq >= seq)
  }

  at(mediaMs: number): FeedItem | undefined {
    return this.#items.find(({ source: { startMs, durationMs } }) => startMs + durationMs > mediaMs)
  }

  hasBegunAnew(): boolean {
    return false
  }

  /** Its digests are in the playlist. */
  async prove(): Promise<void> {}

  /** Reads it for ever: a target duration after a change, half of one after none (RFC 8216 §6.3.4). */
  async follow(onWindow: () => void): Promise<never> {
    for (;;) {
      const asked = performance.now()
      const changed = await this.load()
      if (changed) onWindow()
      const waitMs = (this.#placed?.targetMs ?? 1_000) * (changed ? 1 : 0.5) - (performance.now() - asked)
      await new Promise(resolve => setTimeout(resolve, Math.max(50, waitMs)))
    }
  }

  /** Whether it was another one than before. */
  async load(): Promise<boolean> {
    const response = await fetch(this.#url)
    const text = await response.text()
    const playlist = response.ok && text !== this.#text ? scanPlaylist(text) : null
    if (!playlist) return false
    this.#text = text
    const { segments, targetDurationMs: targetMs } = playlist
    const durationsMs = segments.map(({ durationMs }) => durationMs)
    const firstSeq = segments[0]?.sequence ?? 0
    this.#placed = place({ firstSeq, durationsMs, targetMs }, this.#placed, null)
    const window = this.#directory.update(listedPlaylist(playlist, text, this.#url, this.#placed))
    this.#track = window.track
    this.#items = window.sources.map(source => ({ source, init: null }))
    this.#swarm.setWindow(window.track, true, window.sources)
    return true
  }
}
