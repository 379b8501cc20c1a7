import type { Playback } from '@nearcast/peer-core'

/** What the meter reads of a media element. */
export type MeteredMedia = Pick<HTMLMediaElement, 'currentTime' | 'paused' | 'seeking' | 'ended'>

/** Shorter ones are a decoder's hiccup that nobody sees. */
const stallMs = 250

/** Startup and stalls of one player, from its media element's own events: for the operator's dashboard. */
export class PlaybackMeter {
  #loadingAt: number | null = null
  #startMs: number | null = null
  #stalls = 0
  #stalledMs = 0
  /** Since playback stands still, and where. */
  #still: { readonly since: number; readonly at: number } | null = null

  /** A manifest begins to load; `now` in ms, here and below. */
  load(now: number): void {
    this.#loadingAt = now
    this.#startMs = null
    this.#stalls = 0
    this.#stalledMs = 0
    this.#still = null
  }

  hear(event: string, media: MeteredMedia, now: number): void {
    switch (event) {
      // Ready is what the network can do; when the viewer presses play is their own affair.
      case 'canplay':
      case 'playing':
        if (this.#loadingAt !== null) this.#startMs ??= Math.round(now - this.#loadingAt)
        return this.#end(now)
      case 'waiting':
        if (this.#startMs !== null && !media.paused && !media.seeking && !media.ended)
          this.#still ??= { since: now, at: media.currentTime }
        return
      case 'timeupdate':
        if (this.#still && media.currentTime > this.#still.at) this.#end(now)
        return
      // A viewer who looks elsewhere waits for that, which is no stall.
      case 'pause':
      case 'seeking':
        return this.#end(now)
    }
  }

  /** `latencySeconds` 0 and `bitrate` 0: unknown. A stall that still goes on counts as far as it went. */
  read(now: number, latencySeconds: number, bitrate: number): Playback {
    const still = this.#still && now - this.#still.since > stallMs ? now - this.#still.since : 0
    return {
      startMs: this.#startMs,
      stalls: this.#stalls + (still > 0 ? 1 : 0),
      stallMs: Math.round(this.#stalledMs + still),
      latencyMs: latencySeconds > 0 ? Math.round(latencySeconds * 1000) : null,
      kbps: bitrate > 0 ? Math.round(bitrate / 1000) : null,
    }
  }

  #end(now: number): void {
    const lasted = this.#still ? now - this.#still.since : 0
    this.#still = null
    if (lasted <= stallMs) return
    this.#stalls++
    this.#stalledMs += lasted
  }
}
