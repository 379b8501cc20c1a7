import type { EdgeReason, Note, Place, SegmentKey, TrackPath } from '../core/events.ts'
import type { Hello, Mode, PeerId } from '../core/messages.ts'
import type { Link, LinkStats } from '../ports.ts'
import type {
  EdgeFetchSnapshot,
  PeerSnapshot,
  SegmentSnapshot,
  SegmentSource,
  SwarmSnapshot,
} from '../swarm.ts'

/** Entries kept for timelines. */
const recent = 200

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export interface LinkRecord {
  readonly link: Link
  readonly place: Place
  readonly connectedAt: number
  mode: Mode
  rttMs: number
  receivedBytes: number
  route: LinkStats | null
}

/** Counts bytes and remembers recent stories, for snapshots. Decides nothing. */
export class Ledger {
  readonly bytes: Writable<Omit<SwarmSnapshot['bytes'], 'uploaded' | 'control'>> = {
    edge: 0,
    group: 0,
    outside: 0,
    duplicate: 0,
    digests: 0,
    delivered: 0,
  }
  verifiedBytes = 0
  unverifiedBytes = 0
  banned = 0
  readonly links = new Map<PeerId, LinkRecord>()
  #segments = new Map<SegmentKey, Writable<SegmentSnapshot>>()
  #fetches: Writable<EdgeFetchSnapshot>[] = []
  #open = new Map<number, Writable<EdgeFetchSnapshot>>()
  #closedControl = 0
  #closedUploaded = 0

  joined(link: Link, hello: Hello, place: Place, now: number): void {
    this.links.set(link.peer, {
      link,
      place,
      connectedAt: now,
      mode: hello.mode,
      rttMs: 0,
      receivedBytes: 0,
      route: null,
    })
  }

  left(peer: PeerId): void {
    const record = this.links.get(peer)
    if (record) {
      this.#closedControl += record.link.controlBytes()
      this.#closedUploaded += record.link.sentBytes()
    }
    this.links.delete(peer)
  }

  segment(track: TrackPath, source: SegmentSource): Writable<SegmentSnapshot> {
    const known = this.#segments.get(source.key)
    if (known) return known
    const { key, seq, startMs, durationMs, size } = source
    const made: Writable<SegmentSnapshot> = {
      key,
      track,
      seq,
      startMs,
      durationMs,
      size,
      edgeBytes: 0,
      groupBytes: 0,
      outsideBytes: 0,
      state: 'arriving',
      verified: false,
      delivered: false,
    }
    this.#segments.set(key, made)
    if (this.#segments.size > recent) {
      for (const oldest of this.#segments.keys()) {
        this.#segments.delete(oldest)
        break
      }
    }
    return made
  }

  known(key: SegmentKey): Writable<SegmentSnapshot> | undefined {
    return this.#segments.get(key)
  }

  fetchStarted(
    id: number,
    fetch: { key: SegmentKey; what: 'media' | 'hashes'; from: number; to: number; reason: EdgeReason },
    now: number,
  ): EdgeFetchSnapshot {
    const { key, what, from, to, reason } = fetch
    const entry: Writable<EdgeFetchSnapshot> = {
      key,
      what,
      from,
      to,
      reason,
      bytes: 0,
      at: now,
      state: 'open',
    }
    this.#fetches.push(entry)
    if (this.#fetches.length > recent) this.#fetches.shift()
    this.#open.set(id, entry)
    return entry
  }

  fetchGave(id: number, bytes: number): void {
    const entry = this.#open.get(id)
    if (!entry) return
    entry.bytes += bytes
    if (entry.what === 'media') this.bytes.edge += bytes
    else this.bytes.digests += bytes
  }

  fetchEnded(id: number, state: 'done' | 'failed' | 'aborted'): EdgeFetchSnapshot | null {
    const entry = this.#open.get(id)
    if (!entry) return null
    entry.state = state
    this.#open.delete(id)
    return entry
  }

  hear(note: Note): void {
    if (note.kind === 'duplicate') this.bytes.duplicate += note.bytes
    if (note.kind === 'rtt') {
      const record = this.links.get(note.peer)
      if (record) record.rttMs = note.rttMs
    }
  }

  control(): number {
    let bytes = this.#closedControl
    for (const { link } of this.links.values()) bytes += link.controlBytes()
    return bytes
  }

  uploaded(): number {
    let bytes = this.#closedUploaded
    for (const { link } of this.links.values()) bytes += link.sentBytes()
    return bytes
  }

  peers(): PeerSnapshot[] {
    return [...this.links].map(([id, record]) => {
      const { place, mode, rttMs, receivedBytes, route, connectedAt, link } = record
      const sentBytes = link.sentBytes()
      return { id, place, mode, rttMs, receivedBytes, sentBytes, route, connectedAt }
    })
  }

  segments(): SegmentSnapshot[] {
    return [...this.#segments.values()].map(segment => ({ ...segment }))
  }

  edgeFetches(): EdgeFetchSnapshot[] {
    return this.#fetches.map(fetch => ({ ...fetch }))
  }
}
