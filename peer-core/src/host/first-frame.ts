import { defaultConfig } from '../core/config.ts'
import type { Urgency, WindowEntry } from '../core/events.ts'

type Fragment = Pick<WindowEntry, 'seq' | 'size' | 'durationMs'>

/** Until the player has asked for its first fragment: the time of its playlists. */
const openingMs = 150
/** A first fragment that takes longer comes over a line where neighbours are worth more than a quiet thread. */
const mostMs = 250
/** From its delivery until it is on screen: it is appended, decoded and drawn. */
const showMs = 150

/**
 * While a viewer waits for the first frame no connection is made, since that takes the thread which shows it; in a
 * crowd, and on a line too thin for everybody, the neighbours are where the frame comes from.
 */
export class FirstFrame {
  #rest: (ms: number) => void
  #isOver = false
  #waitsFor: number | null = null

  /** `rest`: make no connection for so long, 0: go on. */
  constructor(rest: (ms: number) => void) {
    this.#rest = rest
  }

  opened(): void {
    this.#rest(openingMs)
  }

  /** The tracker told how many are here. */
  counted(groupSize: number): void {
    if (groupSize > defaultConfig.crowd && !this.#isOver) this.#end(0)
  }

  asked(id: number, urgency: Urgency, source: Fragment | undefined, lineKbps: number): void {
    if (this.#isOver || this.#waitsFor !== null || urgency !== 'start' || !source || source.seq < 0) return
    this.#waitsFor = id
    if (isThin(source, lineKbps)) this.#end(0)
    else this.#rest(mostMs)
  }

  /** Delivered, failed or given up. */
  ended(id: number): void {
    if (!this.#isOver && id === this.#waitsFor) this.#end(showMs)
  }

  #end(restMs: number): void {
    this.#isOver = true
    this.#rest(restMs)
  }
}

/** As stated; what nobody stated is taken for wide until it shows otherwise. */
function isThin({ size, durationMs }: Fragment, lineKbps: number): boolean {
  if (lineKbps === 0) return false
  return size === 0 || lineKbps < (defaultConfig.thinCopies * size * 8) / durationMs
}
