import type { Segment } from '../../../stream.ts'
import type { Decision, Holder, Missing, Source, View } from '../rules.ts'

/** A segment of two seconds and 300 kB; its number is its place on the timeline. */
export function segmentOf(seq: number): Segment {
  return {
    key: `video/${seq}`,
    track: 'video',
    seq,
    slot: seq,
    startMs: seq * 2_000,
    durationMs: 2_000,
    size: 300_000,
    root: '',
  }
}

export interface Facts {
  readonly loading?: Source
  readonly isSpent?: boolean
  /** Somebody fetches it and cannot give it yet. */
  readonly isFetched?: boolean
  readonly holders?: readonly Holder[]
}

export function missingOf(segment: Segment, facts: Facts = {}): Missing {
  const holders = facts.holders ?? []
  return {
    segment,
    loading: facts.loading ?? null,
    isSpent: facts.isSpent ?? false,
    isAnnounced: () => facts.isFetched === true || holders.length > 0,
    holders: () => holders,
  }
}

export function viewOf(change: Partial<View> = {}): View {
  return {
    now: 0,
    self: 'self',
    playheadMs: 0,
    bufferMs: 0,
    neighbours: [],
    neighboursVersion: 0,
    requested: null,
    missing: [],
    httpBps: () => 0,
    typicalBytes: 0,
    storeIsFull: false,
    ...change,
  }
}

/** `http 3`, `p2p 4 from b`, `abort 5`. */
export function tell(decisions: readonly Decision[]): readonly string[] {
  return decisions.map(decision => {
    const text = `${decision.type} ${decision.segment.seq}`
    return decision.type === 'p2p' ? `${text} from ${decision.peer}` : text
  })
}
