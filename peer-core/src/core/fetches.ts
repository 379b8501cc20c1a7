import { cancelAsks } from './asks.ts'
import { fromEdge } from './blocks.ts'
import { announce, closeClaim, openClaim, recall, retract } from './claims.ts'
import type { EdgeFailure, EdgeReason, Input } from './events.ts'
import { observeDelay, observeTransfer } from './goodput.ts'
import { blockBytes, type WithdrawReason } from './messages.ts'
import { isWhole } from './offers.ts'
import { endRefusals, noteRefusal } from './refusals.ts'
import type { Claim, Fetch, Segment } from './segment.ts'
import { freeLineage, groupPeers, isProvable, isShared } from './sharing.ts'
import { begin, emit, type State } from './state.ts'
import { checkBlocks, checkList, needsList } from './verification.ts'

/** Our requests to the edge: opened with a public claim, followed byte by byte, ended with the claim's withdrawal. */

type EdgeData = Extract<Input, { type: 'edgeData' }>
type EdgeRefused = Extract<Input, { type: 'edgeRefused' }>
type EdgeDone = Extract<Input, { type: 'edgeDone' }>

/** A transfer shorter than this says more about the clock than about the line. */
const measurableBytes = 32_768

/** Takes `[from, to)` of a segment from the edge (`to` 0: the end); see `Fetch.biteTo`. Others hear of it unless `isTold` is false. */
export function startFetch(
  state: State,
  segment: Segment,
  range: { from: number; to: number; biteTo?: number; isTold?: boolean },
  reason: EdgeReason,
): Fetch {
  freeLineage(segment)
  const from = joinOrRestart(state, segment) ? range.from : 0
  const to = from === range.from ? range.to : 0
  const shared = isShared(state, segment)
  const isTold = shared && range.isTold !== false
  const claim = isTold ? (continuedClaim(segment, from) ?? claimFor(state, segment, from, to)) : null
  const fetch: Fetch = {
    id: state.nextFetch++,
    segment,
    what: 'media',
    reason,
    from,
    to,
    biteTo: range.biteTo ?? Infinity,
    startedAt: state.now,
    claim,
    frontier: from,
    firstAt: 0,
    lastAt: 0,
  }
  state.fetches.set(fetch.id, fetch)
  segment.fetches.add(fetch)
  segment.orphanSince = -1
  if (claim && segment.leasedAt === 0) segment.leasedAt = state.now
  const etag = isProvable(state, segment) ? '' : (segment.lineage?.etag ?? '')
  emit(state, { type: 'fetchEdge', fetch: fetch.id, key: segment.key, what: 'media', from, to, etag, reason })
  if (shared && !(reason === 'backwards' && isListComing(state, segment))) needHashes(state, segment)
  return fetch
}

/** Whoever feeds us bytes sends the list before the first of them. */
export function isListComing(state: State, segment: Segment): boolean {
  for (const offer of segment.offers) {
    if (
      offer.voidWhy !== 'silent' &&
      (offer.active || isWhole(offer)) &&
      state.peers.get(offer.peer)?.place === 'group'
    )
      return true
  }
  return false
}

/** The block-hash list, from the edge: small, once, by whoever fetches the segment. */
export function needHashes(state: State, segment: Segment): void {
  if (!isProvable(state, segment) || segment.hashes !== 'none' || !needsList(segment)) return
  if (state.now < segment.hashesRetryAt) return
  segment.hashes = 'asked'
  const fetch: Fetch = {
    id: state.nextFetch++,
    segment,
    what: 'hashes',
    reason: 'digest',
    from: 0,
    to: 0,
    biteTo: Infinity,
    startedAt: state.now,
    claim: null,
    frontier: 0,
    firstAt: 0,
    lastAt: 0,
  }
  state.fetches.set(fetch.id, fetch)
  segment.hashesFetch = fetch
  emit(state, {
    type: 'fetchEdge',
    fetch: fetch.id,
    key: segment.key,
    what: 'hashes',
    from: 0,
    to: 0,
    etag: '',
    reason: 'digest',
  })
}

export function hearEdgeData(state: State, data: EdgeData): Segment | null {
  const fetch = state.fetches.get(data.fetch)
  if (!fetch) return null
  if (fetch.firstAt === 0) {
    fetch.firstAt = state.now
    endRefusals(state, fetch.segment)
    state.edge = observeDelay(state.edge, state.now - fetch.startedAt)
  }
  fetch.lastAt = state.now
  const { segment } = fetch
  if (fetch.what === 'hashes') {
    segment.hashesFetch = null
    checkList(state, segment, 'edge')
    return segment
  }
  if (data.offset !== fetch.frontier || !agrees(state, segment, data)) {
    emit(state, { type: 'abortEdge', fetch: fetch.id })
    hearEdgeFailed(state, fetch.id, 'mismatch')
    // A size that only a peer told gives way to what the edge says.
    if (data.size > 0 && segment.entry.size === 0 && segment.blocks.isEmpty) segment.blocks.setSize(data.size)
    return segment
  }
  // Only now known to be too large: others shall not wait for it.
  if (!isShared(state, segment)) retract(state, segment, 'failed')
  take(state, fetch, data)
  measure(state, fetch)
  checkBlocks(state, segment)
  announce(state, segment)
  if (isRestHere(segment, fetch)) abortFetch(state, fetch, 'cancelled')
  return segment
}

export function hearEdgeDone(state: State, done: EdgeDone): Segment | null {
  const fetch = state.fetches.get(done.fetch)
  if (!fetch) return null
  const { segment } = fetch
  if (fetch.what === 'hashes') {
    return segment.hashes === 'asked' ? hearEdgeFailed(state, done.fetch, 'mismatch') : endFetch(state, fetch)
  }
  // A body that is empty or ends too early is none.
  const end = fetch.to > 0 ? Math.min(fetch.to, segment.size || fetch.to) : segment.size || fetch.from + 1
  if (fetch.frontier < end) return hearEdgeFailed(state, done.fetch, 'mismatch')
  if (segment.size === 0 && fetch.to === 0) {
    segment.blocks.setSize(fetch.frontier)
    const last = segment.blocks.count - 1
    if (last >= 0 && segment.blocks.isMissing(last)) {
      segment.blocks.receive(last, fromEdge)
      begin(state, segment)
    }
  }
  if (fetch.lastAt === fetch.firstAt) measureAtLeast(state, fetch)
  endFetch(state, fetch)
  segment.edgeFailures = 0
  checkBlocks(state, segment)
  announce(state, segment)
  const goesOn = [...segment.fetches].some(other => other.claim === fetch.claim)
  if (fetch.claim && !goesOn) {
    if (fetch.to === 0) fetch.claim.active = false
    else closeClaim(state, segment, fetch.claim, 'cancelled')
  }
  return segment
}

export function hearEdgeFailed(state: State, id: number, reason: EdgeFailure): Segment | null {
  const fetch = state.fetches.get(id)
  if (!fetch) return null
  const { segment } = fetch
  endFetch(state, fetch)
  if (fetch.what === 'hashes') {
    if (segment.hashes === 'asked') segment.hashes = 'none'
    segment.hashesRetryAt = state.now + 500
    return segment
  }
  state.isFailing = true
  if (reason !== 'aborted') segment.edgeFailures++
  if (reason === 'mismatch') segment.edgeMismatches++
  segment.edgeFailure = reason
  segment.edgeRetryAt = state.now + Math.min(250 * segment.edgeFailures, 2_000)
  if (fetch.claim) closeClaim(state, segment, fetch.claim, 'failed')
  if (reason === 'mismatch' && !isProvable(state, segment)) restart(state, segment)
  return segment
}

/** The host would wait and try again by itself; among others we do that together (refusals.ts). */
export function hearEdgeRefused(state: State, input: EdgeRefused): Segment | null {
  const fetch = state.fetches.get(input.fetch)
  if (!fetch?.claim || fetch.firstAt > 0 || groupPeers(state).length === 0) return null
  abortFetch(state, fetch, 'failed')
  noteRefusal(state, fetch.segment, input.reason, input.retryAfterMs)
  return fetch.segment
}

/** Stops; what came stays. */
export function abortFetch(state: State, fetch: Fetch, reason: WithdrawReason): void {
  endFetch(state, fetch)
  emit(state, { type: 'abortEdge', fetch: fetch.id })
  if (fetch.claim) closeClaim(state, fetch.segment, fetch.claim, reason)
}

function endFetch(state: State, fetch: Fetch): Segment {
  const { segment } = fetch
  state.fetches.delete(fetch.id)
  segment.fetches.delete(fetch)
  if (segment.hashesFetch === fetch) segment.hashesFetch = null
  return segment
}

function take(state: State, fetch: Fetch, data: EdgeData): void {
  const { segment } = fetch
  segment.blocks.touch()
  begin(state, segment)
  const end = data.offset + data.length
  let accepted = 0
  for (let at = data.offset; at < end; ) {
    const index = Math.floor(at / blockBytes)
    const blockEnd = Math.min((index + 1) * blockBytes, end)
    if (segment.blocks.isMissing(index)) {
      const runEnd = missingRunEnd(segment, index, end)
      emit(state, { type: 'accept', key: segment.key, offset: at, length: runEnd - at })
      accepted += runEnd - at
      at = runEnd
    } else at = blockEnd
  }
  if (accepted > 0) segment.progressAt = state.now
  if (accepted < data.length) {
    emit(state, {
      type: 'trace',
      note: { kind: 'duplicate', key: segment.key, bytes: data.length - accepted, from: 'edge' },
    })
  }
  const firstBlock = Math.ceil(
    Math.max(fetch.from, fetch.frontier - (fetch.frontier % blockBytes)) / blockBytes,
  )
  fetch.frontier = end
  for (let index = firstBlock; ; index++) {
    const blockEnd = index * blockBytes + segment.blocks.lengthOf(index)
    if (blockEnd > end || segment.blocks.lengthOf(index) <= 0) break
    segment.blocks.receive(index, fromEdge)
  }
}

function missingRunEnd(segment: Segment, index: number, end: number): number {
  let next = index + 1
  while (next * blockBytes < end && segment.blocks.isMissing(next)) next++
  return Math.min(next * blockBytes, end)
}

/** The response belongs to the same segment as what is here already. */
function agrees(state: State, segment: Segment, data: EdgeData): boolean {
  if (data.size > 0 && segment.size === 0) segment.blocks.setSize(data.size)
  if (data.size > 0 && data.size !== segment.size) return false
  if (segment.size > 0 && data.offset + data.length > segment.size) return false
  if (segment.lineage === null) segment.lineage = { etag: data.etag, source: fromEdge }
  if (isProvable(state, segment)) return true
  return segment.lineage.etag === data.etag
}

function measure(state: State, fetch: Fetch): void {
  observe(state, fetch, fetch.lastAt - fetch.firstAt)
}

/** All of it came in one piece: it took no longer than since the request, which can only speak for the edge. */
function measureAtLeast(state: State, fetch: Fetch): void {
  const ms = state.now - fetch.startedAt
  if (((fetch.frontier - fetch.from) * 1000) / ms > state.edge.bps) observe(state, fetch, ms)
}

function observe(state: State, fetch: Fetch, ms: number): void {
  const bytes = fetch.frontier - fetch.from
  if (bytes < measurableBytes || ms <= 0) return
  fetch.segment.edgeBps = (bytes * 1000) / ms
  state.edge = observeTransfer(state.edge, bytes, ms)
  state.edgeSeen = true
}

/** All that this fetch would still bring came from elsewhere. */
function isRestHere(segment: Segment, fetch: Fetch): boolean {
  const next = segment.blocks.nextMissing(Math.floor(fetch.frontier / blockBytes))
  if (next < 0) return segment.size > 0 && fetch.frontier < (fetch.to > 0 ? fetch.to : segment.size)
  return fetch.to > 0 && next * blockBytes >= fetch.to && fetch.frontier < fetch.to
}

/** Bytes of one lineage with what we are about to fetch? If not, what is here is dropped and we begin at 0. */
function joinOrRestart(state: State, segment: Segment): boolean {
  if (isProvable(state, segment) || segment.lineage === null || segment.lineage.etag !== '') return true
  restart(state, segment)
  return false
}

/** What is here or on its way is of another lineage than what comes now. */
export function restart(state: State, segment: Segment): void {
  for (const fetch of [...segment.fetches]) abortFetch(state, fetch, 'void')
  cancelAsks(state, segment)
  segment.blocks.resetAll()
  segment.blocks.setSize(segment.entry.size)
  recall(state, segment)
  segment.lineage = null
}

/** A claim that outside peers were to fill goes on with the edge's bytes. */
function continuedClaim(segment: Segment, from: number): Claim | null {
  return (
    segment.claims.find(
      claim =>
        claim.active && claim.source === 'edge' && claim.from <= from && (claim.to === 0 || claim.to > from),
    ) ?? null
  )
}

function claimFor(state: State, segment: Segment, from: number, to: number): Claim {
  return openClaim(state, segment, from, to, 'edge', 0)
}
