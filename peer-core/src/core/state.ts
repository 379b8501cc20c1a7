import type { CoreConfig } from './config.ts'
import type { Input, Output, Policy, SegmentKey, TrackPath } from './events.ts'
import { assumedGoodput, type Goodput } from './goodput.ts'
import type { KeyHash, PeerId } from './messages.ts'
import type { Peer } from './peer.ts'
import { createRandom, type Random } from './random.ts'
import type { Fetch, InOffer, Segment } from './segment.ts'

export type PlayerState = Extract<Input, { type: 'position' }>

/** A track's playlist as last seen, in playlist order. */
export interface TrackWindow {
  readonly path: TrackPath
  live: boolean
  segments: Segment[]
  /** Mean bytes a second of its segments whose size is known; 0 unknown. */
  bps: number
}

export type Job =
  | { readonly what: 'blocks'; readonly segment: Segment; readonly first: number; readonly count: number }
  | { readonly what: 'hashes'; readonly segment: Segment; readonly from: PeerId | 'edge' }

/** The core's whole memory. Rooms of the core read and write it; nothing else does. */
export interface State {
  readonly self: PeerId
  readonly config: CoreConfig
  readonly random: Random
  policy: Policy
  now: number
  player: PlayerState | null
  playerAt: number
  readonly windows: Map<TrackPath, TrackWindow>
  readonly segments: Map<SegmentKey, Segment>
  readonly byHash: Map<KeyHash, Segment>
  /** Segments with bytes in memory: those not kept yet, and those the store has. */
  readonly begun: Set<Segment>
  readonly kept: Set<Segment>
  /** Segments that we claim to give. */
  readonly claimed: Set<Segment>
  /** Offers of segments no playlist of ours has listed yet. */
  readonly strays: Map<KeyHash, Set<InOffer>>
  /** Segments being worked on: wanted, or ahead of the player, and incomplete. */
  readonly active: Map<Segment, number>
  /** When these were last found. */
  refreshedAt: number
  /** When the first of them has to be looked at again, or earlier. */
  dueAt: number
  readonly dirty: Set<Segment>
  /** Segments with blocks on offer that no peer had room to be asked for. */
  readonly hungry: Set<Segment>
  readonly peers: Map<PeerId, Peer>
  /** When the next of the peers is due for a ping or for giving up, and from when on to look again. */
  watchAt: number
  lookAt: number
  /** Those behind our network, while nobody came, went or changed; see `groupPeers`. */
  group: Peer[] | null
  /** Rises when a position, or who is here, or what a window names changes: see `groupNeedAt`. */
  needs: number
  /** Requests of all peers that wait for our uplink, and peers that we told it is late. */
  queued: number
  toldBusy: number
  readonly banned: Set<PeerId>
  /** Peers to be dropped at the end of this input. */
  readonly leaving: Map<PeerId, string>
  /** Every peer that ever joined from outside the group. */
  readonly outsiders: Set<PeerId>
  readonly fetches: Map<number, Fetch>
  readonly jobs: Map<number, Job>
  readonly wantedKeys: Map<number, SegmentKey>
  /** The edge failed somebody: a want may be hopeless. */
  isFailing: boolean
  edge: Goodput
  edgeSeen: boolean
  /** What the edge gave whoever of our group fetched what others have now; 0 unheard. */
  toldEdgeBps: number
  heldBytes: number
  /** What our uplink carried while it was busy. */
  uplink: Goodput
  uplinkSeen: boolean
  /** Bytes that left our links since `uplinkAt`, while some of ours waited. */
  uplinkBytes: number
  uplinkAt: number
  /** When segments had to be saved by the edge of late, and until when peers are therefore left alone: see `direct.ts`. */
  /** The share of all uplinks' bytes that reaches whom it should, as far as we saw; see copies.ts. */
  usableShare: number
  /** How many viewers the group's uplinks cannot feed, as counted at that time. */
  unfed: { readonly count: number; readonly at: number }
  /** Whether most uplinks around that are known are narrow, and when that was looked at. */
  narrow: { readonly around: boolean; readonly at: number }
  /** Whether the air is full, and when that was looked at. */
  air: { readonly isFull: boolean; readonly at: number }
  /** What our last position said of our uplink. */
  toldUplinkBps: number
  /** When we last gave a piece away. */
  gaveAt: number
  /** Of the uplink, what we use while others wait behind us: see `courtesy.ts`. */
  uploadShare: number
  uploadTokens: number
  uploadAt: number
  nextFetch: number
  nextJob: number
  nextPing: number
  /** When the group's first peer connected, −1 when there is none. */
  groupSince: number
  /** Since when others may be here: the tracker counts some, or has not spoken yet. −Infinity: nobody is. */
  companySince: number
  /** We gave poorly as a fetcher of late: others take our turns until then. */
  abstainsUntil: number
  /** Leases of ours that others took again although we were ahead, since one of ours last served. */
  overruled: number
  /** Leases of others that are under way, also of what we do not need; ended ones go when they are counted. */
  readonly leases: Set<InOffer>
  /** When the tracker last gave us another role. */
  roleAt: number
  /** Child links we last told the tracker of, −1 never. */
  toldChildLinks: number
  /** The player waits for its first media until it has some, or until then at the latest. */
  startsUntil: number
  positionSentAt: number
  beaconSentAt: number
  positionDue: boolean
  outputs: Output[]
  wake: number
  armed: number
}

export function createState(self: PeerId, seed: number, config: CoreConfig): State {
  return {
    self,
    config,
    random: createRandom(seed),
    policy: { mode: 'share', wan: 'allow', integrity: 'prefer', lineKbps: 0, uploadKbps: 0, groupSize: 0 },
    now: 0,
    player: null,
    playerAt: 0,
    windows: new Map(),
    segments: new Map(),
    byHash: new Map(),
    begun: new Set(),
    kept: new Set(),
    claimed: new Set(),
    strays: new Map(),
    active: new Map(),
    refreshedAt: -Infinity,
    dueAt: Infinity,
    dirty: new Set(),
    hungry: new Set(),
    peers: new Map(),
    watchAt: -Infinity,
    lookAt: -Infinity,
    group: null,
    needs: 0,
    queued: 0,
    toldBusy: 0,
    banned: new Set(),
    leaving: new Map(),
    outsiders: new Set(),
    fetches: new Map(),
    jobs: new Map(),
    wantedKeys: new Map(),
    isFailing: false,
    edge: assumedGoodput(config.assumedEdgeBps, 50),
    edgeSeen: false,
    toldEdgeBps: 0,
    heldBytes: 0,
    uplink: assumedGoodput(config.assumedGroupBps, 0),
    uplinkSeen: false,
    uplinkBytes: 0,
    uplinkAt: 0,
    usableShare: 1,
    unfed: { count: 0, at: -Infinity },
    narrow: { around: false, at: -Infinity },
    air: { isFull: false, at: -Infinity },
    toldUplinkBps: 0,
    gaveAt: -Infinity,
    uploadShare: 1,
    uploadTokens: 0,
    uploadAt: 0,
    nextFetch: 1,
    nextJob: 1,
    nextPing: 1,
    groupSince: -1,
    companySince: -Infinity,
    abstainsUntil: 0,
    overruled: 0,
    leases: new Set(),
    roleAt: 0,
    toldChildLinks: -1,
    startsUntil: 0,
    positionSentAt: -1_000_000,
    beaconSentAt: -1_000_000,
    positionDue: false,
    outputs: [],
    wake: Infinity,
    armed: Infinity,
  }
}

export function emit(state: State, output: Output): void {
  state.outputs.push(output)
}

/** Asks to be looked at again at `at` at the latest. */
export function wakeBy(state: State, at: number): void {
  if (at < state.wake) state.wake = at
}

/** Bytes of it are coming into memory. */
export function begin(state: State, segment: Segment): void {
  if (!segment.stored) state.begun.add(segment)
}

/** The player's playhead now, extrapolated from its last report. */
export function playheadMs(state: State): number {
  const player = state.player
  if (!player) return 0
  const moved = player.paused ? 0 : (state.now - state.playerAt) * player.rate
  return player.mediaMs + Math.min(moved, player.bufferMs)
}

/** Media buffered ahead of the playhead now, ms. */
export function bufferedMs(state: State): number {
  const player = state.player
  if (!player) return 0
  return Math.max(0, player.bufferMs - (player.paused ? 0 : (state.now - state.playerAt) * player.rate))
}
