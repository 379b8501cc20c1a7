import { formatBytes } from './byte-size.ts'
import type { HeadlessReport } from './headless-report.ts'

/** One line for people. */
export function statusLine(report: HeadlessReport): string {
  const { bytes, p2pShare, peers, segments } = report
  return [
    stateOf(report),
    `${segments} segments`,
    `${Math.round(p2pShare * 100)} % from peers (${formatBytes(bytes.group + bytes.outside)})`,
    `edge ${formatBytes(bytes.edge)}`,
    `gave ${formatBytes(bytes.uploaded)}`,
    peers === 1 ? '1 peer' : `${peers} peers`,
    ...trackerOf(report),
  ].join(' · ')
}

function stateOf({ playback, seed, cache, live }: HeadlessReport): string {
  if (playback) {
    const { state, positionMs, bufferMs, stalls, stalledMs } = playback
    const stalled = stalls > 0 ? `, ${stalls} stalls (${(stalledMs / 1000).toFixed(1)} s)` : ''
    return `${live ? 'live, ' : ''}${state} ${clock(positionMs)}, buffer ${(bufferMs / 1000).toFixed(1)} s${stalled}`
  }
  const done = seed?.done ? `${seed.done}, ` : ''
  const of = seed ? `${seed.cached} of ${seed.listed}` : '0'
  return `${live ? 'live, ' : ''}${done}cached ${of} (${formatBytes(cache.bytes)} of ${formatBytes(cache.limit)})`
}

function trackerOf({ tracker, trackerError }: HeadlessReport): string[] {
  if (tracker === 'open') return []
  return [`tracker ${tracker}${trackerError ? ` (${trackerError})` : ''}`]
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const part = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  return `${hours > 0 ? `${hours}:` : ''}${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`
}
