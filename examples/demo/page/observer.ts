import type { EdgeFetchSnapshot, PeerSnapshot, SegmentSnapshot, SwarmSnapshot } from '@nearcast/peer-core'
import type { NearcastSnapshot } from '@nearcast/player-plugin'

/**
 * Where bytes came from, as the page shows it. `lease`: from the edge, fetched by this viewer for the whole group;
 * `edge`: from the edge for this viewer only.
 */
export type Source = 'edge' | 'lease' | 'group' | 'outside'

export const sources: readonly Source[] = ['edge', 'lease', 'group', 'outside']

/** One segment of the timeline. */
export interface Cell {
  readonly key: string
  readonly seq: number
  readonly startMs: number
  readonly durationMs: number
  readonly size: number
  readonly state: SegmentSnapshot['state']
  readonly verified: boolean
  readonly delivered: boolean
  /** Parts of the whole segment by source, 0 to 1 each, bottom first; they add up to 1 once it is complete. */
  readonly parts: readonly { readonly source: Source; readonly share: number }[]
}

export interface Row {
  readonly track: string
  readonly label: string
  readonly cells: readonly Cell[]
}

export interface PeerNode {
  readonly id: string
  readonly label: string
  readonly place: PeerSnapshot['place']
  readonly mode: PeerSnapshot['mode']
  readonly rttMs: number
  readonly route: string
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Bytes a second over the last seconds, from the peer and to it. */
  readonly inBps: number
  readonly outBps: number
}

/** What the page draws. */
export interface View {
  /** Null while playback is plain: then everything comes from the edge by the player's own loader. */
  readonly swarm: SwarmSnapshot | null
  readonly peers: readonly PeerNode[]
  /** Media taken so far, by source. */
  readonly taken: { readonly edge: number; readonly group: number; readonly outside: number }
  readonly edgeBps: number
  readonly rows: readonly Row[]
  /** Media taken from peers ÷ all media taken, 0 to 1; null before the first byte. */
  readonly peerShare: number | null
  /** Bytes of whole segments that were proven ÷ bytes of whole segments; null before the first one. */
  readonly verifiedShare: number | null
}

interface Sample {
  readonly at: number
  readonly edge: number
  readonly peers: ReadonlyMap<string, { readonly received: number; readonly sent: number }>
}

/** Long enough to span one segment, so that links do not blink between two of them. */
const rateWindowMs = 4_000

/** Turns a series of snapshots into views: rates need more than one. `now` in ms, monotonic. */
export function createObserver(): { observe(now: number, snapshot: NearcastSnapshot): View } {
  let samples: Sample[] = []
  return {
    observe(now, snapshot) {
      const { swarm } = snapshot
      const taken = takenOf(snapshot)
      const sample = sampleOf(now, taken.edge, swarm)
      samples = [...samples.filter(old => now - old.at <= rateWindowMs), sample]
      const oldest = samples[0] ?? sample
      // The first looks of a session span too little to divide by.
      const seconds = Math.max((now - oldest.at) / 1000, 1)
      const all = taken.edge + taken.group + taken.outside
      return {
        swarm,
        taken,
        peers: (swarm?.peers ?? []).map(peer => {
          const before = oldest.peers.get(peer.id) ?? { received: 0, sent: 0 }
          return nodeOf(
            peer,
            (peer.receivedBytes - before.received) / seconds,
            (peer.sentBytes - before.sent) / seconds,
          )
        }),
        edgeBps: Math.max(0, taken.edge - oldest.edge) / seconds,
        rows: swarm ? rowsOf(swarm) : [],
        verifiedShare: verifiedShareOf(swarm?.segments ?? []),
        peerShare: all > 0 ? (taken.group + taken.outside) / all : null,
      }
    },
  }
}

/** What was played a moment before its proof came counts once it is proven. */
function verifiedShareOf(segments: readonly SegmentSnapshot[]): number | null {
  const whole = segments.filter(segment => segment.state !== 'arriving')
  const all = whole.reduce((sum, segment) => sum + segment.size, 0)
  const proven = whole.reduce((sum, segment) => sum + (segment.verified ? segment.size : 0), 0)
  return all > 0 ? proven / all : null
}

/** The player's own loads are the edge's too. */
function takenOf({ swarm, plain }: NearcastSnapshot): View['taken'] {
  const own = Object.values(plain).reduce((sum, loads) => sum + loads.bytes, 0)
  return {
    edge: (swarm?.bytes.edge ?? 0) + own,
    group: swarm?.bytes.group ?? 0,
    outside: swarm?.bytes.outside ?? 0,
  }
}

function sampleOf(at: number, edge: number, swarm: SwarmSnapshot | null): Sample {
  const peers = (swarm?.peers ?? []).map(
    peer => [peer.id, { received: peer.receivedBytes, sent: peer.sentBytes }] as const,
  )
  return { at, edge, peers: new Map(peers) }
}

function nodeOf(peer: PeerSnapshot, inBps: number, outBps: number): PeerNode {
  return {
    id: peer.id,
    // Peer ids begin with the client's name; their end is random.
    label: peer.id.slice(-4),
    place: peer.place,
    mode: peer.mode,
    rttMs: peer.rttMs,
    route: peer.route ? `${peer.route.local} – ${peer.route.remote}` : '',
    receivedBytes: peer.receivedBytes,
    sentBytes: peer.sentBytes,
    inBps: Math.max(0, inBps),
    outBps: Math.max(0, outBps),
  }
}

/** Media segments by track, in order of first appearance; init segments have no place on a time line. */
function rowsOf(snapshot: SwarmSnapshot): Row[] {
  const leased = new Set(snapshot.edgeFetches.filter(isForGroup).map(fetch => fetch.key))
  const byTrack = new Map<string, SegmentSnapshot[]>()
  for (const segment of snapshot.segments) {
    if (segment.seq < 0) continue
    byTrack.set(segment.track, [...(byTrack.get(segment.track) ?? []), segment])
  }
  return [...byTrack].map(([track, segments]) => {
    const sized = segments.filter(segment => segment.size > 0)
    const typical =
      sized.reduce((sum, segment) => sum + segment.size, 0) / Math.max(1, sized.length) || 100_000
    return {
      track,
      label: trackLabel(track),
      cells: segments
        .map(segment => cellOf(segment, leased.has(segment.key), typical))
        .sort((a, b) => a.startMs - b.startMs),
    }
  })
}

function isForGroup(fetch: EdgeFetchSnapshot): boolean {
  return fetch.what === 'media' && ['lease', 'resume', 'backwards', 'tail'].includes(fetch.reason)
}

function cellOf(segment: SegmentSnapshot, leased: boolean, typicalSize: number): Cell {
  const { edgeBytes, groupBytes, outsideBytes } = segment
  const came = edgeBytes + groupBytes + outsideBytes
  // Bytes can come twice: the whole is then what came, so that the bar never overflows.
  const whole = segment.state === 'arriving' ? Math.max(segment.size || typicalSize, came) : Math.max(came, 1)
  const parts: { source: Source; share: number }[] = [
    { source: leased ? 'lease' : 'edge', share: edgeBytes / whole },
    { source: 'group', share: groupBytes / whole },
    { source: 'outside', share: outsideBytes / whole },
  ]
  return {
    key: segment.key,
    seq: segment.seq,
    startMs: segment.startMs,
    durationMs: segment.durationMs,
    size: segment.size || came,
    state: segment.state,
    verified: segment.verified,
    delivered: segment.delivered,
    parts: parts.filter(part => part.share > 0),
  }
}

/** `/media/ts/high/index.m3u8` → `high`; `/query/watch.m3u8?id=7` → `watch`. */
export function trackLabel(path: string): string {
  const parts = (path.split('?')[0] ?? path).split('/').filter(part => part !== '')
  const stem = (parts.pop() ?? path).replace(/\.\w+$/, '')
  const plain = /^(index|playlist|master|media|chunklist|prog_index|stream)$/i.test(stem)
  return plain ? (parts.pop() ?? stem) : stem
}
