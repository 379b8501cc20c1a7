import { uploadBps } from './courtesy.ts'
import { observeTransfer } from './goodput.ts'
import { blockBytes, type RequestMessage, runBytes } from './messages.ts'
import type { Peer, Serving } from './peer.ts'
import type { Segment } from './segment.ts'
import { isProvable, isShared, mayGive } from './sharing.ts'
import { emit, type State, wakeBy } from './state.ts'
import { comesFirst, isFedBefore, isScarce, ownUplinkBps, peerUplinkClass } from './uplinks.ts'
import { needsList } from './verification.ts'

/**
 * The upload governor. Requests wait here, not in the channel, so that the most urgent receiver is served first and
 * an operator's cap is one bucket for all.
 */

/** A request that waited half of its receiver's buffer, within these bounds, says that our uplink is late. */
const leastLateMs = 1_000
const mostLateMs = 3_000
/** One measurement of the uplink: long and large enough to mean something. */
const uplinkSampleMs = 100
const uplinkSampleBytes = 16_384
/** A link that gave nothing away for this long stands still. */
const stuckMs = 500
/** Where the uplink is scarce: whose turn is farther away than this is sent to others, */
const awayMs = 500
/** and when less than this waits, so many of those are called back, those with the widest uplinks first. */
const backMs = 250
const mostCalled = 3
/** And whoever comes later in line is given something only when less than this of the uplink's time waits in links. */
const gapMs = 50
/** For so long at least somebody is fed, or sent to others. */
const turnMs = 500
/** Whoever is late as an uploader leaves the fetching to others for a while. */
const abstainMs = 10_000

export function hearRequest(state: State, peer: Peer, request: RequestMessage): void {
  const segment = peer.given.get(request.n)
  const outstanding = peer.serving.length
  if (
    !segment ||
    outstanding >= 256 ||
    !mayGive(state, peer) ||
    !isShared(state, segment) ||
    !isHere(segment, request)
  ) {
    const { n, offset, length } = request
    emit(state, { type: 'send', peer: peer.id, message: { type: 'reject', n, offset, length }, key: null })
    return
  }
  segment.usedAt = state.now
  state.queued++
  peer.serving.push({
    n: request.n,
    segment,
    offset: request.offset,
    length: request.length,
    since: state.now,
  })
}

export function hearCancel(state: State, peer: Peer, n: number, offset: number, length: number): void {
  const index = peer.serving.findIndex(s => s.n === n && s.offset === offset && s.length === length)
  if (index < 0) return
  peer.serving.splice(index, 1)
  state.queued--
  emit(state, { type: 'send', peer: peer.id, message: { type: 'reject', n, offset, length }, key: null })
}

/** What left a link tells what the uplink carries, as long as something waits all the while. */
export function hearDrained(state: State, peer: Peer, queuedBytes: number): void {
  const left = Math.max(0, peer.linkBytes - queuedBytes)
  state.uplinkBytes += left
  peer.linkBytes = queuedBytes
  if (left > 0) peer.drainedAt = state.now
  const ms = state.now - state.uplinkAt
  if (ms >= uplinkSampleMs && state.uplinkBytes >= uplinkSampleBytes) {
    state.uplink = observeTransfer(state.uplink, state.uplinkBytes, ms)
    state.uplinkSeen = true
  }
  if (ms >= uplinkSampleMs || waitingBytes(state) === 0) {
    state.uplinkBytes = 0
    state.uplinkAt = state.now
  }
}

/** Requests for a segment whose bytes are gone. */
export function rejectServing(state: State, segment: Segment | null): void {
  for (const peer of state.peers.values()) {
    const kept: Serving[] = []
    for (const serving of peer.serving) {
      if (segment !== null && serving.segment !== segment) kept.push(serving)
      else {
        const { n, offset, length } = serving
        emit(state, {
          type: 'send',
          peer: peer.id,
          message: { type: 'reject', n, offset, length },
          key: null,
        })
      }
    }
    state.queued += kept.length - peer.serving.length
    peer.serving = kept
  }
}

/** Sends what the links and the cap allow, the receiver with the least buffer first. */
export function pumpUploads(state: State): void {
  refill(state)
  if (state.queued === 0 && state.toldBusy === 0) return
  for (let peer = nextReceiver(state); peer; peer = nextReceiver(state)) {
    const serving = peer.serving[0]!
    if (!spend(state, serving.length)) break
    peer.serving.shift()
    state.queued--
    if (!mayGive(state, peer) || !isHere(serving.segment, serving)) {
      const { n, offset, length } = serving
      emit(state, { type: 'send', peer: peer.id, message: { type: 'reject', n, offset, length }, key: null })
      continue
    }
    give(state, peer, serving)
  }
  if (state.queued === 0 && state.toldBusy === 0) return
  if (isScarce(state)) return choose(state)
  for (const peer of state.peers.values()) sayBusy(state, peer)
}

/** It left: what it asked for is owed to nobody. */
export function forgetQueue(state: State, peer: Peer): void {
  state.queued -= peer.serving.length
  peer.serving = []
  if (peer.saidBusy) state.toldBusy--
  peer.saidBusy = false
}

function give(state: State, peer: Peer, serving: Serving): void {
  const { n, segment, offset, length } = serving
  if (isProvable(state, segment) && needsList(segment) && !peer.hashesSent.has(segment)) {
    peer.hashesSent.add(segment)
    const message = { type: 'hashes', n, first: 0, count: segment.blocks.count } as const
    emit(state, { type: 'send', peer: peer.id, message, key: segment.key })
  }
  emit(state, {
    type: 'send',
    peer: peer.id,
    message: { type: 'piece', n, offset, length },
    key: segment.key,
  })
  if (waitingBytes(state) === 0) {
    state.uplinkAt = state.now
    state.uplinkBytes = 0
  }
  if (peer.linkBytes === 0) peer.drainedAt = state.now
  peer.linkBytes += length
  peer.lastGiven = serving
  peer.sentBytes += length
  state.gaveAt = state.now
}

/**
 * Bytes that may wait in all links together, once the uplink was measured: a fifth of a second of what the uplink carries, so that a new and more
 * urgent request, or a sign of life, waits no longer than that.
 */
function linkAllowance(state: State): number {
  return Math.max(2 * blockBytes, state.uplink.bps / 5)
}

/** What waits in links that move. One that stands still fills its own window and holds up nobody else. */
function waitingBytes(state: State): number {
  let bytes = 0
  for (const peer of state.peers.values()) if (state.now - peer.drainedAt < stuckMs) bytes += peer.linkBytes
  return bytes
}

function nextReceiver(state: State): Peer | null {
  const waiting = state.uplinkSeen ? waitingBytes(state) : 0
  if (state.uplinkSeen && waiting >= linkAllowance(state)) return waitForLinks(state, stuckMs)
  let best: Peer | null = null
  const scarce = isScarce(state)
  for (const peer of state.peers.values()) {
    if (peer.serving.length === 0 || peer.linkBytes >= state.config.linkWindowBytes) continue
    if (!best || (scarce ? isFedBefore(state, peer, best) : needOf(state, peer) < needOf(state, best)))
      best = peer
  }
  if (best && scarce && waiting > (state.uplink.bps * gapMs) / 1000 && isSecond(state, best))
    return waitForLinks(state, 2 * gapMs)
  return best
}

/** A link that stands still says nothing more, and then holds up nobody. */
function waitForLinks(state: State, ms: number): null {
  for (const peer of state.peers.values()) {
    const at = peer.drainedAt + ms + 1
    if (peer.linkBytes > 0 && at > state.now) wakeBy(state, at)
  }
  return null
}

/**
 * Somebody before it in line is being given, and takes it: it asks for more as soon as that has come. Whose own way down
 * is what is slow does not keep the uplink from others.
 */
function isSecond(state: State, peer: Peer): boolean {
  for (const other of state.peers.values()) {
    if (other === peer || other.linkBytes === 0 || !other.lastGiven) continue
    if (state.now - other.drainedAt > 2 * gapMs) continue
    if (comesFirst(state, other, other.lastGiven, peer, peer.serving[0]!)) return true
  }
  return false
}

/** When this peer runs dry, ms from now, as far as it told. */
function needOf(state: State, peer: Peer): number {
  return peer.position ? peer.position.bufferMs - (state.now - peer.position.at) : 0
}

/** Every byte of it is proven. */
function isHere(segment: Segment, range: { offset: number; length: number }): boolean {
  const { offset, length } = range
  if (length <= 0 || length > runBytes || offset % blockBytes !== 0) return false
  if (segment.size > 0 && offset + length > segment.size) return false
  if (length % blockBytes !== 0 && (segment.size === 0 || offset + length !== segment.size)) return false
  return segment.blocks.reach(offset, true) >= offset + length
}

function refill(state: State): void {
  const rate = uploadBps(state)
  const burst = Math.max(runBytes, rate / 4)
  const earned = (rate * (state.now - state.uploadAt)) / 1000
  state.uploadTokens = Math.min(burst, state.uploadTokens + earned)
  state.uploadAt = state.now
}

function spend(state: State, bytes: number): boolean {
  const rate = uploadBps(state)
  if (rate === 0) return true
  if (state.uploadTokens < bytes) {
    wakeBy(state, state.now + ((bytes - state.uploadTokens) * 1000) / rate)
    return false
  }
  state.uploadTokens -= bytes
  return true
}

/** Says to those whose turn does not come soon that they should ask elsewhere, and to those next in line when it does. */
function choose(state: State): void {
  const uplink = ownUplinkBps(state)
  const inLine = [...state.peers.values()].filter(peer => peer.serving.length > 0)
  inLine.sort((a, b) => (isFedBefore(state, a, b) ? -1 : 1))
  let bytes = 0
  for (const peer of inLine) {
    if (bytes > (uplink * awayMs) / 1000) tellBusy(state, peer, true)
    for (const serving of peer.serving) bytes += serving.length
  }
  if (bytes > (uplink * backMs) / 1000) return
  let room = mostCalled
  const waiting = [...state.peers.values()].filter(peer => peer.saidBusy)
  waiting.sort((a, b) => peerUplinkClass(state, b) - peerUplinkClass(state, a))
  for (const peer of waiting) if (room-- > 0) tellBusy(state, peer, false)
}

function tellBusy(state: State, peer: Peer, on: boolean): void {
  if (peer.saidBusy === on) return
  // Whoever is sent away asks elsewhere: sent to and fro, they would do nothing else.
  if (state.now - peer.saidBusyAt < turnMs) return wakeBy(state, peer.saidBusyAt + turnMs)
  peer.saidBusyAt = state.now
  peer.saidBusy = on
  state.toldBusy += on ? 1 : -1
  emit(state, { type: 'send', peer: peer.id, message: { type: 'busy', on }, key: null })
}

function sayBusy(state: State, peer: Peer): void {
  const oldest = peer.serving[0]
  const lateMs = Math.min(Math.max(needOf(state, peer) / 2, leastLateMs), mostLateMs)
  const late = oldest !== undefined && state.now - oldest.since > lateMs
  if (late === peer.saidBusy) {
    if (oldest && !late) wakeBy(state, oldest.since + lateMs + 1)
    return
  }
  if (!late && oldest !== undefined) return
  if (late) state.abstainsUntil = state.now + abstainMs
  tellBusy(state, peer, late)
}
