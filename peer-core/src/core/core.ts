import { cancelAsks, dropAsksOf, hearPiece, hearReject, isAllAsked, takeBack } from './asks.ts'
import { tellCapacity } from './capacity.ts'
import { announce, forgetTold, introduce, isOffered, reopen, retract } from './claims.ts'
import { type CoreConfig, defaultConfig } from './config.ts'
import { hearDoubled, tellDoubles } from './doubles.ts'
import type { Core, Input, Output, Policy } from './events.ts'
import { failHopeless } from './failures.ts'
import { abortFetch, hearEdgeData, hearEdgeDone, hearEdgeFailed, hearEdgeRefused } from './fetches.ts'
import { judgeOurLease, resolveConflict } from './leases.ts'
import { isEnding } from './line.ts'
import { hearPong, hearSign, tellPosition, tellPositionTo, watchPeers } from './liveness.ts'
import type { PeerId, PeerMessage } from './messages.ts'
import { dropOffersOf, hearGrow, hearHave, hearOffer, hearWithdraw } from './offers.ts'
import { Peer } from './peer.ts'
import { cancel, hearPlayer, want } from './player.ts'
import { endRefusals } from './refusals.ts'
import { evict, forgetOld, learnSegment, learnStored, makeRoom } from './retention.ts'
import { roleOf } from './roles.ts'
import { refreshActive, schedule } from './scheduler.ts'
import type { InOffer, Segment } from './segment.ts'
import { groupPeers, peersChanged } from './sharing.ts'
import { begin, createState, emit, type State } from './state.ts'
import { forgetQueue, hearCancel, hearDrained, hearRequest, pumpUploads, rejectServing } from './uploads.ts'
import { checkBlocks, dropBlocksOf, hearHashes, hearVerified } from './verification.ts'

/** Tracks a peer may name on its wire. */
const mostTracks = 64

export interface CoreOptions {
  readonly self: PeerId
  /** Everything random follows from it. */
  readonly seed: number
  readonly config?: Partial<CoreConfig>
}

/** The swarm's mind: pure. See `events.ts` for what goes in and what comes out. */
export function createCore(options: CoreOptions): Core {
  const state = createState(options.self, options.seed, { ...defaultConfig, ...options.config })
  let read = 0
  return {
    handle(now, input) {
      const previous = state.now
      state.now = Math.max(previous, now)
      state.wake = Infinity
      take(state, input)
      watchPeers(state, previous)
      for (const [peer, reason] of state.leaving) dismiss(state, peer, reason)
      state.leaving.clear()
      schedule(state)
      failHopeless(state)
      pumpUploads(state)
      tellPosition(state)
      tellCapacity(state)
      armWake(state)
    },
    poll(): Output | null {
      const output = state.outputs[read++]
      if (output) return output
      state.outputs.length = 0
      read = 0
      return null
    },
    inspect: () => inspect(state),
  }
}

function take(state: State, input: Input): void {
  switch (input.type) {
    case 'want':
      return want(state, input)
    case 'cancel':
      return cancel(state, input.id)
    case 'position':
      return hearPlayer(state, input)
    case 'window':
      return setWindow(state, input)
    case 'peerJoined':
      return join(
        state,
        input.peer,
        new Peer(input.peer, input.place, input.hello, state.now, assumedBps(state, input.place)),
      )
    case 'peerLeft':
      return leave(state, input.peer, input.reason)
    case 'message': {
      const peer = state.peers.get(input.peer)
      if (peer) hear(state, peer, input.message)
      return
    }
    case 'drained': {
      const peer = state.peers.get(input.peer)
      if (peer) hearDrained(state, peer, input.queuedBytes)
      return
    }
    case 'edgeData':
      return touch(state, hearEdgeData(state, input))
    case 'edgeDone':
      return touch(state, hearEdgeDone(state, input))
    case 'edgeFailed':
      return touch(state, hearEdgeFailed(state, input.fetch, input.reason))
    case 'edgeRefused':
      return touch(state, hearEdgeRefused(state, input))
    case 'verified': {
      const { segment, liars } = hearVerified(state, input)
      for (const liar of liars) banish(state, liar)
      if (segment?.edgePolluted) giveUp(state, segment)
      return touch(state, segment)
    }
    case 'policy':
      return setPolicy(state, input.policy)
    case 'restored': {
      // What is on its way already is never mixed with what the store has.
      const segment = learnStored(state, input.track, input.entry)
      if (!segment) return
      if (segment.size === 0 || segment.size !== input.entry.size) return
      for (let index = 0; index < segment.blocks.count; index++) segment.blocks.receive(index, 'store')
      for (let index = 0; index < segment.blocks.count; index++) segment.blocks.verify(index)
      segment.hashes = 'known'
      begin(state, segment)
      state.dirty.add(segment)
      return
    }
    case 'tick':
      // The host's timer is spent, even when it went off too early.
      state.armed = Infinity
      return
  }
}

function setWindow(state: State, input: Extract<Input, { type: 'window' }>): void {
  const before = state.windows.get(input.track)
  for (const segment of before?.segments ?? []) segment.listed = false
  const segments = input.entries.map(entry => learnSegment(state, input.track, entry))
  let bytes = 0
  let ms = 0
  for (const { size, entry } of segments) {
    if (size === 0 || entry.seq < 0) continue
    bytes += size
    ms += entry.durationMs
  }
  const bps = ms > 0 ? (bytes * 1000) / ms : (before?.bps ?? 0)
  state.windows.set(input.track, { path: input.track, live: input.live, segments, bps })
  forgetOld(state, input.live, input.track)
  refreshActive(state)
}

function join(state: State, id: PeerId, peer: Peer): void {
  if (state.banned.has(id) || state.policy.mode === 'off') {
    emit(state, {
      type: 'closePeer',
      peer: id,
      reason: state.banned.has(id) ? 'banned' : 'policy',
      ban: false,
    })
    return
  }
  if (state.peers.has(id)) leave(state, id, 'replaced')
  state.peers.set(id, peer)
  peersChanged(state)
  if (peer.place === 'outside') state.outsiders.add(id)
  if (peer.place === 'group' && state.groupSince < 0) state.groupSince = state.now
  tellPositionTo(state, peer)
  introduce(state, peer)
}

function leave(state: State, id: PeerId, _reason: string): void {
  const peer = state.peers.get(id)
  if (!peer) return
  state.peers.delete(id)
  peersChanged(state)
  forgetQueue(state, peer)
  dropAsksOf(state, peer)
  for (const segment of dropOffersOf(state, peer)) state.dirty.add(segment)
  forgetTold(peer)
  if (groupPeers(state).length === 0) state.groupSince = -1
}

function dismiss(state: State, id: PeerId, reason: string): void {
  emit(state, { type: 'closePeer', peer: id, reason, ban: false })
  leave(state, id, reason)
}

function banish(state: State, id: PeerId): void {
  if (state.banned.has(id)) return
  state.banned.add(id)
  emit(state, { type: 'closePeer', peer: id, reason: 'lied', ban: true })
  dropBlocksOf(state, id)
  leave(state, id, 'lied')
}

function hear(state: State, peer: Peer, message: PeerMessage): void {
  hearSign(state, peer)
  switch (message.type) {
    case 'track':
      if (peer.tracksIn.size < mostTracks) peer.tracksIn.set(message.id, message.path)
      return
    case 'offer':
      return heardOffer(state, hearOffer(state, peer, message))
    case 'grow':
      return heardMore(state, hearGrow(state, peer, message))
    case 'have':
      return heardMore(state, hearHave(state, peer, message))
    case 'withdraw': {
      const offer = hearWithdraw(state, peer, message)
      if (offer && message.reason === 'evicted') {
        const segment = state.byHash.get(offer.key)
        if (segment?.listed) announce(state, segment)
      }
      return heardOffer(state, offer)
    }
    case 'request':
      return hearRequest(state, peer, message)
    case 'cancel':
      return hearCancel(state, peer, message.n, message.offset, message.length)
    case 'piece':
      return heardPiece(state, hearPiece(state, peer, message))
    case 'reject':
      return touch(state, hearReject(state, peer, message))
    case 'hashes':
      return hearHashes(state, peer, message)
    case 'position': {
      const tracks = message.tracks.flatMap(id => peer.tracksIn.get(id) ?? [])
      const { seq, bufferMs, paused, hidden, edgeBps, uplinkBps } = message
      if (peer.mode !== message.mode) peersChanged(state)
      peer.mode = message.mode
      peer.position = {
        tracks,
        seq,
        bufferMs,
        rate: message.rate / 100,
        paused,
        hidden,
        edgeBps,
        uplinkBps,
        at: state.now,
      }
      state.needs++
      return
    }
    case 'busy':
      peer.busy = message.on
      if (message.on) takeBack(state, peer)
      for (const hungry of state.hungry) state.dirty.add(hungry)
      return
    case 'ping':
      emit(state, { type: 'send', peer: peer.id, message: { type: 'pong', id: message.id }, key: null })
      return
    case 'pong':
      return hearPong(state, peer, message.id)
    case 'goaway':
      return dismiss(state, peer.id, 'goaway')
    case 'beacon':
      peer.beacon = { hops: message.hops, at: state.now }
      return
    case 'doubled':
      return touch(state, hearDoubled(state, peer, message))
  }
}

function heardOffer(state: State, offer: InOffer | null): void {
  const segment = offer && weigh(state, offer)
  if (segment) touch(state, segment)
}

/** More of what was on offer: nothing to decide unless some of it is wanted from somebody. */
function heardMore(state: State, offer: InOffer | null): void {
  const segment = offer && weigh(state, offer)
  if (segment && state.active.has(segment) && !isAllAsked(segment)) touch(state, segment)
}

function weigh(state: State, offer: InOffer): Segment | null {
  const segment = state.byHash.get(offer.key)
  if (!segment) return null
  // Other bytes under the same name decide nothing about these.
  if (segment.offers.has(offer)) {
    if (offer.frontier > offer.from) endRefusals(state, segment)
    resolveConflict(state, segment, offer)
    tellDoubles(state, segment, offer)
    judgeOurLease(state, segment, offer)
  }
  // A lease that ended may have freed a thin line for the next one.
  if (offer.source === 'edge' && (!offer.active || isEnding(state, offer, offer.size)))
    for (const waiting of state.active.keys()) touch(state, waiting)
  return segment
}

/** The first bytes are passed on, the last end the wait. In between something is to do where some is not asked for. */
function heardPiece(state: State, segment: Segment | null): void {
  if (segment && (segment.blocks.isWhole || !isOffered(segment) || !isAllAsked(segment)))
    touch(state, segment)
}

function setPolicy(state: State, policy: Policy): void {
  const before = state.policy
  state.policy = policy
  peersChanged(state)
  if (policy.mode !== before.mode) state.positionDue = true
  if (policy.groupSize === 1) state.companySince = -Infinity
  else if (state.companySince === -Infinity || before.groupSize === 0) state.companySince = state.now
  if (roleOf(policy) !== roleOf(before)) {
    state.roleAt = state.now
    state.positionDue = true
  }
  if (policy.mode === 'off') {
    for (const peer of [...state.peers.keys()]) {
      dismiss(state, peer, 'policy')
    }
  }
  if (policy.mode !== 'share' && before.mode === 'share') {
    rejectServing(state, null)
    for (const segment of state.segments.values()) {
      if (!segment.stored)
        for (const fetch of [...segment.fetches])
          if (segment.wants.length === 0) abortFetch(state, fetch, 'cancelled')
      for (const claim of segment.claims) claim.active = false
      retract(state, segment, 'cancelled')
    }
  }
  const isOpening =
    (policy.mode === 'share' && before.mode !== 'share') || (policy.wan === 'allow' && before.wan === 'deny')
  if (isOpening) reopen(state)
  if ((before.integrity === 'off') !== (policy.integrity === 'off')) {
    // Nothing was held against its root while proof was off; nothing half proven was of one lineage before.
    for (const segment of state.segments.values()) {
      const isSound = segment.stored && policy.integrity === 'off'
      if (segment.entry.root === '' || isSound) continue
      if (segment.blocks.isTouched || segment.asks.size > 0) evict(state, segment)
    }
  }
  for (const segment of state.active.keys()) {
    checkBlocks(state, segment)
    state.dirty.add(segment)
  }
  makeRoom(state, null)
}

/** Wrong at the edge itself: nobody shall have it from us, and the player's own way is left to decide. */
function giveUp(state: State, segment: Segment): void {
  for (const fetch of [...segment.fetches]) abortFetch(state, fetch, 'failed')
  cancelAsks(state, segment)
  retract(state, segment, 'failed')
}

function touch(state: State, segment: Segment | null): void {
  if (segment) state.dirty.add(segment)
}

function assumedBps(state: State, place: 'group' | 'outside'): number {
  return place === 'group' ? state.config.assumedGroupBps : state.config.assumedOutsideBps
}

/** One timer: told again only when it changed. */
function armWake(state: State): void {
  const at = Math.max(state.wake, state.now + 1)
  if (at === state.armed || at === Infinity) return
  state.armed = at
  emit(state, { type: 'wakeAt', at })
}

function inspect(state: State): ReturnType<Core['inspect']> {
  let offers = 0
  let asks = 0
  let queued = 0
  for (const peer of state.peers.values()) {
    offers += peer.offers.size
    asks += peer.asks.size
    queued += peer.serving.length
  }
  return {
    segments: state.segments.size,
    offers,
    asks,
    fetches: state.fetches.size,
    queued,
    heldBytes: state.heldBytes,
  }
}
