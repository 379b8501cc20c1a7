import type { Link } from '../../network.ts'
import { createMeter, type Meter } from './meter.ts'
import type { Request } from './request.ts'
import { createUpload, type Upload } from './upload.ts'
import type { Announcement } from './wire.ts'

/** A connected peer as one track's loader sees it: one download and one upload at a time. */
export interface Neighbour {
  readonly link: Link
  readonly connectedAt: number
  readonly upload: Upload
  readonly meter: Meter
  /** What it said last. */
  list: Announcement
  /** Announced, and denied since. */
  readonly absent: Set<string>
  download: { readonly id: number; readonly request: Request } | null
  /** Timeouts with no success between. */
  timeouts: number
}

/** p2p-media-loader's `p2pErrorRetries`: a peer with so many timeouts on end is dropped. */
const mostTimeouts = 3
/** Wide enough for several segments, so that one slow message does not condemn a peer. */
const judgedOverMs = 15_000

const nothing: Announcement = { held: new Set(), fetching: new Set() }

export function createNeighbour(link: Link, track: string, now: number): Neighbour {
  return {
    link,
    connectedAt: now,
    upload: createUpload(link, track),
    meter: createMeter(),
    list: nothing,
    absent: new Set(),
    download: null,
    timeouts: 0,
  }
}

export function holds(neighbour: Neighbour, key: string): boolean {
  return neighbour.list.held.has(key) && !neighbour.absent.has(key)
}

export function announces(neighbour: Neighbour, key: string): boolean {
  return holds(neighbour, key) || neighbour.list.fetching.has(key)
}

export function bandwidthOf(neighbour: Neighbour, now: number): number {
  return neighbour.meter.bps(now, judgedOverMs)
}

export function isBusy(neighbour: Neighbour): boolean {
  return neighbour.download !== null || neighbour.upload.isActive()
}

/** Whether that was one too many. */
export function countTimeout(neighbour: Neighbour): boolean {
  neighbour.timeouts++
  return neighbour.timeouts >= mostTimeouts
}
