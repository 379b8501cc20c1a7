/** Playback without a picture: a playhead that moves with the clock as far as the buffer goes. Pure. */

export type PlaybackState =
  | { readonly type: 'starting'; readonly since: number }
  | { readonly type: 'playing' }
  | { readonly type: 'stalled'; readonly since: number }
  | { readonly type: 'ended' }

export interface Stall {
  /** When it began, ms of the caller's clock. */
  readonly at: number
  readonly ms: number
}

/** A player begins when there is more than the frame it shows. */
const enoughMs = 100

export class Playback {
  #state: PlaybackState
  #positionMs: number
  #now: number
  #startupMs = 0
  #stalls: Stall[] = []

  /** @param now when the viewer pressed play */
  constructor(now: number, positionMs: number) {
    this.#state = { type: 'starting', since: now }
    this.#now = now
    this.#positionMs = positionMs
  }

  get state(): PlaybackState {
    return this.#state
  }

  get positionMs(): number {
    return this.#positionMs
  }

  /** From play to the first frame, ms; 0 not yet. */
  get startupMs(): number {
    return this.#startupMs
  }

  /** Those that ended. */
  get stalls(): readonly Stall[] {
    return this.#stalls
  }

  /** Time stood still so far, ms; a stall that goes on included. */
  stalledMs(now: number): number {
    const over = this.#stalls.reduce((sum, { ms }) => sum + ms, 0)
    return over + (this.#state.type === 'stalled' ? now - this.#state.since : 0)
  }

  /**
   * Lets time pass. Call it before the buffer grows and after.
   * @param bufferEndMs where continuous media from the playhead ends
   * @param isComplete nothing comes after that
   */
  advance(now: number, bufferEndMs: number, isComplete: boolean): void {
    const passedMs = Math.max(0, now - this.#now)
    this.#now = Math.max(now, this.#now)
    switch (this.#state.type) {
      case 'starting':
      case 'stalled':
        if (bufferEndMs - this.#positionMs >= (isComplete ? 1 : enoughMs)) this.#play(now)
        else if (isComplete) this.#state = { type: 'ended' }
        return
      case 'playing': {
        const room = Math.max(0, bufferEndMs - this.#positionMs)
        this.#positionMs += Math.min(passedMs, room)
        if (passedMs < room) return
        if (isComplete) this.#state = { type: 'ended' }
        else this.#state = { type: 'stalled', since: now - (passedMs - room) }
        return
      }
      case 'ended':
        if (bufferEndMs > this.#positionMs) this.#state = { type: 'playing' }
    }
  }

  /** Playback goes on elsewhere, as a player does whose live window moved past it. A stall under way goes on. */
  jump(positionMs: number): void {
    this.#positionMs = positionMs
  }

  #play(now: number): void {
    if (this.#state.type === 'starting') this.#startupMs = now - this.#state.since
    if (this.#state.type === 'stalled')
      this.#stalls.push({ at: this.#state.since, ms: now - this.#state.since })
    this.#state = { type: 'playing' }
  }
}
