import type { RecordedSegment, RecordedTrack } from './recording.ts'

/** Position in the endless sequence: segment `index` of round `loop`. */
interface LivePosition {
  readonly loop: number
  readonly index: number
}

/**
 * A recorded track played in an endless loop. All tracks of a channel share `loopMs` (their longest), so that each
 * round starts for all of them at one moment and with one discontinuity.
 */
export interface LiveTrack {
  /** The playlist at `elapsedMs` since the first round began; the first frame then has the wall time `epoch`. */
  playlist(elapsedMs: number, epoch: number): string
  /** When the segment is complete, ms since the first round began. */
  readyAt(position: LivePosition): number
}

/** Segment URIs carry their round, so that no cache takes one round's for another's. */
export function loopUri(uri: string, loop: number): string {
  const path = /^[^?#]*/.exec(uri)![0]
  const slash = path.lastIndexOf('/') + 1
  return `${uri.slice(0, slash)}l${loop}/${uri.slice(slash)}`
}

/** Undoes `loopUri` on a path; null when it carries no round. */
export function parseLoopPath(path: string): { readonly path: string; readonly loop: number } | null {
  const match = /^(.*\/)?l(\d{1,9})\/([^/]+)$/.exec(path)
  return match && { path: `${match[1] ?? ''}${match[3]}`, loop: Number(match[2]) }
}

/**
 * When the segments of each track are complete, ms within a round. The last one ends with the round, however short
 * its track. Where all tracks have equally many, they appear together: demuxed audio, whose segments are some frames
 * longer or shorter, then has the media sequence numbers of its video (RFC 8216bis §6.2.4 wants them in step).
 */
export function segmentEnds(
  tracks: readonly RecordedTrack[],
  loopMs: number,
): readonly (readonly number[])[] {
  const own = tracks.map(({ segments }) =>
    segments.map(({ startMs, durationMs }, i) => (i === segments.length - 1 ? loopMs : startMs + durationMs)),
  )
  if (own.some(ends => ends.length !== own[0]!.length)) return own
  const together = own[0]!.map((_, i) => Math.max(...own.map(ends => ends[i]!)))
  return own.map(() => together)
}

/** @param ends When each segment is complete, see `segmentEnds`. */
export function createLiveTrack(
  recorded: RecordedTrack,
  ends: readonly number[],
  windowMs: number,
): LiveTrack {
  const { segments } = recorded
  const count = segments.length
  const loopMs = ends.at(-1)!

  const at = (sequence: number): LivePosition => ({
    loop: Math.floor(sequence / count),
    index: sequence % count,
  })
  const readyAt = ({ loop, index }: LivePosition) => loop * loopMs + ends[index]!
  const discontinuities = ({ loop, index }: LivePosition) =>
    loop * (recorded.discontinuities + 1) + segments[index]!.discontinuities

  /** How many segments are complete by then. */
  function complete(elapsedMs: number): number {
    const loop = Math.floor(elapsedMs / loopMs)
    const within = elapsedMs - loop * loopMs
    let index = 0
    while (index < count && ends[index]! <= within) index++
    return Math.max(0, loop * count + index)
  }

  return {
    readyAt,
    playlist(elapsedMs, epoch) {
      const end = complete(elapsedMs)
      let first = end
      // At least three segments (RFC 8216 §6.2.2), whatever their length.
      while (first > 0 && (end - first < 3 || readyAt(at(first - 1)) > elapsedMs - windowMs)) first--
      const lines: string[] = []
      let map: string | null = null
      let key: string | null = null
      for (let sequence = first; sequence < end; sequence++) {
        const position = at(sequence)
        const segment = segments[position.index]!
        const broken =
          sequence > 0 && discontinuities(position) !== discontinuities(at(sequence - 1))
            ? '#EXT-X-DISCONTINUITY'
            : null
        if (broken) lines.push(broken)
        // RFC 8216 §4.3.2.4: a key stays in force until another one; NONE ends it.
        if (segment.key !== key) lines.push(segment.key ?? '#EXT-X-KEY:METHOD=NONE')
        if (segment.map !== null && segment.map !== map) lines.push(segment.map)
        if (sequence === first || broken) {
          const wall = new Date(Math.round(epoch + position.loop * loopMs + segment.startMs))
          lines.push(`#EXT-X-PROGRAM-DATE-TIME:${wall.toISOString()}`)
        }
        key = segment.key
        map = segment.map
        lines.push(...listed(segment, position.loop))
      }
      const start = at(first)
      const tagged = lines[0] === '#EXT-X-DISCONTINUITY' ? 1 : 0
      return [
        '#EXTM3U',
        ...recorded.head,
        `#EXT-X-TARGETDURATION:${recorded.targetDurationS}`,
        `#EXT-X-MEDIA-SEQUENCE:${first}`,
        // Of those before the first segment, its own tag is still listed and not counted (RFC 8216 §6.2.2).
        `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuities(start) - tagged}`,
        ...lines,
        '',
      ].join('\n')
    },
  }
}

function listed({ inf, range, uri }: RecordedSegment, loop: number): string[] {
  const bytes = range ? [`#EXT-X-BYTERANGE:${range.to - range.from}@${range.from}`] : []
  return [inf, ...bytes, loopUri(uri, loop)]
}
