import type { Station } from './station.ts'
import type { Segment } from './stream.ts'

/** What one site spent on one segment. */
interface SegmentAccount {
  readonly segment: Segment
  readonly firstWantedAt: number
  /** Media bodies that came over the line from the edge, wanted or wasted. */
  edgeBytes: number
  /** Peer payload that came over the line from outside. */
  outsideBytes: number
  /** Viewers whose player got it. */
  deliveries: number
  fetchers: Set<number>
}

export type ControlKind = 'playlists' | 'digests' | 'wire' | 'signalling' | 'headers'

/** Counts every byte of the world by where it came from and what it was for. */
export interface Books {
  wanted(station: Station, segment: Segment, now: number): void
  edgeMedia(station: Station, segment: Segment, bytes: number, now: number): void
  /** Bytes of an aborted request or of a closed link that still crossed the line. */
  waste(bytes: number): void
  peerMedia(from: Station, to: Station, segment: Segment, bytes: number, now: number): void
  /** First copy of these bytes at this viewer. */
  useful(station: Station, from: 'edge' | 'peer', bytes: number): void
  control(kind: ControlKind, bytes: number, crossesLine: boolean): void
  delivered(station: Station, segment: Segment): void
  message(station: Station): void
  /** Real milliseconds that the software under test thought, by samples. No part of the world: it differs from run to run. */
  thought(ms: number): void
  thoughtMs(): number
  /** Nothing that happens from now on counts. */
  close(): void
  totals(): Totals
  accounts(): ReadonlyMap<string, ReadonlyMap<string, SegmentAccount>>
  uploads(): ReadonlyMap<number, number>
}

interface Totals {
  readonly edgeMedia: number
  readonly peerMedia: number
  readonly usefulEdge: number
  readonly usefulPeer: number
  readonly waste: number
  readonly messages: number
  readonly control: Readonly<Record<ControlKind, number>>
  /** Control bytes that crossed a site's line. */
  readonly lineControl: number
}

export function createBooks(): Books {
  const sites = new Map<string, Map<string, SegmentAccount>>()
  const uploads = new Map<number, number>()
  const control: Record<ControlKind, number> = {
    playlists: 0,
    digests: 0,
    wire: 0,
    signalling: 0,
    headers: 0,
  }
  let edgeMedia = 0
  let peerMedia = 0
  let usefulEdge = 0
  let usefulPeer = 0
  let waste = 0
  let messages = 0
  let isClosed = false
  let lineControl = 0
  let thoughtMs = 0

  const account = (station: Station, segment: Segment, now: number): SegmentAccount => {
    let accounts = sites.get(station.site.name)
    if (accounts === undefined) {
      accounts = new Map()
      sites.set(station.site.name, accounts)
    }
    let found = accounts.get(segment.key)
    if (found === undefined) {
      found = {
        segment,
        firstWantedAt: now,
        edgeBytes: 0,
        outsideBytes: 0,
        deliveries: 0,
        fetchers: new Set(),
      }
      accounts.set(segment.key, found)
    }
    return found
  }

  return {
    wanted(station, segment, now) {
      if (isClosed) return
      account(station, segment, now)
    },
    edgeMedia(station, segment, bytes, now) {
      if (isClosed) return
      edgeMedia += bytes
      const entry = account(station, segment, now)
      entry.edgeBytes += bytes
      entry.fetchers.add(station.index)
    },
    waste(bytes) {
      if (isClosed) return
      waste += bytes
    },
    peerMedia(from, to, segment, bytes, now) {
      if (isClosed) return
      peerMedia += bytes
      uploads.set(from.index, (uploads.get(from.index) ?? 0) + bytes)
      if (from.site !== to.site) account(to, segment, now).outsideBytes += bytes
    },
    useful(_station, from, bytes) {
      if (isClosed) return
      if (from === 'edge') usefulEdge += bytes
      else usefulPeer += bytes
    },
    control(kind, bytes, crossesLine) {
      if (isClosed) return
      control[kind] += bytes
      if (crossesLine) lineControl += bytes
    },
    delivered(station, segment) {
      if (isClosed) return
      const entry = sites.get(station.site.name)?.get(segment.key)
      if (entry !== undefined) entry.deliveries++
    },
    message() {
      if (!isClosed) messages++
    },
    close() {
      isClosed = true
    },
    thought(ms) {
      thoughtMs += ms
    },
    thoughtMs: () => thoughtMs,
    totals: () => ({
      edgeMedia,
      peerMedia,
      usefulEdge,
      usefulPeer,
      waste,
      messages,
      control: { ...control },
      lineControl,
    }),
    accounts: () => sites,
    uploads: () => uploads,
  }
}
