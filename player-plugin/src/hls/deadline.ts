import type { Urgency } from '@nearcast/peer-core'

/** What the media element says, in seconds of its own timeline. */
export interface Playhead {
  readonly at: number
  readonly rate: number
  readonly seeking: boolean
  readonly buffered: readonly { readonly start: number; readonly end: number }[]
}

/**
 * hls.js counts a hole this small as bridged (`maxBufferHole`, 0.1 s by default, nudges over up to 0.5 s): a deadline
 * must not be missed for one.
 */
const holeSeconds = 0.5

/** Where continuous playback from the playhead ends, seconds; the playhead itself when nothing is there. */
export function bufferEnd({ at, buffered }: Playhead): number {
  let end = at
  for (const range of [...buffered].sort((a, b) => a.start - b.start)) {
    if (range.start <= end + holeSeconds && range.end > end) end = range.end
  }
  return end
}

/** Media that is there to play, ms of the media's own time. */
export function bufferedMs(playhead: Playhead): number {
  return Math.max(0, (bufferEnd(playhead) - playhead.at) * 1000)
}

/**
 * When the player needs the last byte of a segment that begins at `start`: when playback gets there, or where the
 * buffer ends when that is later (a replacement of something buffered). Nothing buffered at the playhead: now.
 *
 * @param start seconds
 * @param settled whether this track has delivered since the last start or seek
 */
export function deadlineOf(
  start: number,
  playhead: Playhead,
  settled: 'none' | 'start' | 'seek',
): { deadlineMs: number; urgency: Urgency } {
  const end = bufferEnd(playhead)
  if (settled === 'start') return { deadlineMs: 0, urgency: 'start' }
  if (settled === 'seek' || playhead.seeking) {
    // A seek into what is buffered hurts nobody: the player goes on from the buffer.
    if (end - playhead.at <= holeSeconds) return { deadlineMs: 0, urgency: 'seek' }
  }
  const rate = Math.max(Math.abs(playhead.rate), 0.1)
  const from = end > playhead.at ? playhead.at : jumpTo(start, playhead)
  return { deadlineMs: Math.max(0, ((Math.max(start, end) - from) * 1000) / rate), urgency: 'play' }
}

/**
 * Where the player goes from a place without media: to the range that this segment goes on, as before a live start, when
 * the first fragment is there and the playhead still at 0; else to the segment itself.
 */
function jumpTo(start: number, { at, buffered }: Playhead): number {
  const range = buffered.find(
    ({ start: from, end }) => from > at && from <= start && start <= end + holeSeconds,
  )
  return range ? range.start : Math.max(start, at)
}
