import { fromEdge } from './blocks.ts'
import { announce, isOffered, recall } from './claims.ts'
import type { Input } from './events.ts'
import { blockBytes, type HashesMessage, type PeerId } from './messages.ts'
import type { Peer } from './peer.ts'
import type { Segment } from './segment.ts'
import { isProvable } from './sharing.ts'
import { emit, type State } from './state.ts'

/** The proof of what is here: list against root, then block against list (BEP 52). Whoever gave a bad block is known. */

/** Candidate lists under check at once; a liar must not keep the true one out. */
const maxListChecks = 4

/** Stands for the list among the edge's doubtful blocks. */
const theList = -1

/** A segment of a single block needs no list: its root is the block's own hash. */
export function needsList(segment: Segment): boolean {
  return segment.size === 0 || segment.size > blockBytes
}

/** Proves what can be proved of the blocks that came. */
export function checkBlocks(state: State, segment: Segment): void {
  if (!isProvable(state, segment)) {
    acceptUnproven(state, segment)
    return
  }
  if (segment.hashes !== 'known' && needsList(segment)) return
  segment.hashes = 'known'
  let first = -1
  for (let index = 0; index <= segment.blocks.count; index++) {
    const pending =
      segment.blocks.stateOf(index) === 'received' &&
      !segment.checking.has(index) &&
      index < segment.blocks.count
    if (pending && first < 0) first = index
    if (pending || first < 0) continue
    startCheck(state, segment, first, index - first)
    first = -1
  }
}

/** A peer's list, `count` hashes from block `first`: worth a check when we have none. */
export function hearHashes(state: State, peer: Peer, message: HashesMessage): void {
  const offer = peer.offers.get(message.n)
  const segment = offer && state.byHash.get(offer.key)
  if (!segment || !isProvable(state, segment) || segment.hashes === 'known') return
  if (message.first !== 0 || message.count !== segment.blocks.count) return
  let checks = 0
  for (const job of state.jobs.values()) {
    if (job.what !== 'hashes' || job.segment !== segment) continue
    if (job.from === peer.id) return
    checks++
  }
  if (checks >= maxListChecks) return
  checkList(state, segment, peer.id)
}

/** The list that comes with the input now handled is held against the root. */
export function checkList(state: State, segment: Segment, from: PeerId | 'edge'): void {
  const job = state.nextJob++
  state.jobs.set(job, { what: 'hashes', segment, from })
  segment.hashes = 'checking'
  emit(state, {
    type: 'verify',
    job,
    key: segment.key,
    what: 'hashes',
    first: 0,
    count: segment.blocks.count,
  })
}

/** What a check found: peers to ban, and the segment if there is something to decide about it. */
export function hearVerified(
  state: State,
  { job: id, bad, unknown = [] }: Extract<Input, { type: 'verified' }>,
): { segment: Segment | null; liars: PeerId[] } {
  const job = state.jobs.get(id)
  if (!job) return { segment: null, liars: [] }
  state.jobs.delete(id)
  const { segment } = job
  if (job.what === 'hashes') {
    if (unknown.length === 0) return { segment, liars: hearList(state, segment, job.from, bad.length === 0) }
    if (segment.hashes === 'checking') forgetList(state, segment)
    return { segment, liars: [] }
  }
  const liars = new Set<PeerId>()
  const wrong = new Set(bad)
  const lost = new Set(unknown)
  for (let index = job.first; index < job.first + job.count; index++) {
    if (segment.checking.get(index) !== id) continue
    segment.checking.delete(index)
    if (lost.has(index)) {
      segment.blocks.reset(index)
      forgetList(state, segment)
      continue
    }
    if (!wrong.has(index)) {
      segment.blocks.verify(index)
      continue
    }
    const source = segment.blocks.sourceOf(index)
    segment.blocks.reset(index)
    if (source === fromEdge) distrustEdge(state, segment, index)
    else if (source !== undefined) {
      liars.add(source)
      emit(state, { type: 'trace', note: { kind: 'polluted', key: segment.key, peer: source } })
    }
  }
  announce(state, segment)
  // Once the beginning is on offer, more of it changes nothing until it is whole.
  const isNews = bad.length + unknown.length > 0 || segment.blocks.isVerified || !isOffered(segment)
  return { segment: isNews ? segment : null, liars: [...liars] }
}

/** Unproven blocks of a peer that lied are dropped from every segment. */
export function dropBlocksOf(state: State, liar: PeerId): void {
  for (const segment of state.segments.values()) {
    if (segment.stored || segment.blocks.isEmpty) continue
    for (let index = 0; index < segment.blocks.count; index++) {
      if (segment.blocks.sourceOf(index) !== liar || segment.blocks.stateOf(index) !== 'received') continue
      segment.blocks.reset(index)
      segment.checking.delete(index)
      state.dirty.add(segment)
    }
  }
}

/** A root became known after bytes came: they count as unproven until they were held against it. */
export function doubt(state: State, segment: Segment): void {
  if (segment.stored) state.heldBytes -= segment.size
  segment.stored = false
  state.kept.delete(segment)
  if (segment.blocks.isTouched) state.begun.add(segment)
  segment.blocks.doubtAll()
  recall(state, segment)
  checkBlocks(state, segment)
}

/** Unproven bytes of peers that nothing will prove any more. */
export function dropUnproven(state: State, segment: Segment): void {
  if (!isProvable(state, segment) || segment.hashes === 'known') return
  for (let index = 0; index < segment.blocks.count; index++) {
    const isTheirs =
      segment.blocks.stateOf(index) === 'received' && segment.blocks.sourceOf(index) !== fromEdge
    if (isTheirs) segment.blocks.reset(index)
  }
}

function hearList(state: State, segment: Segment, from: PeerId | 'edge', good: boolean): PeerId[] {
  if (good) {
    segment.hashes = 'known'
    checkBlocks(state, segment)
    return []
  }
  if (segment.hashes === 'checking') segment.hashes = 'none'
  emit(state, { type: 'trace', note: { kind: 'polluted', key: segment.key, peer: from } })
  if (from !== 'edge') return [from]
  distrustEdge(state, segment, theList)
  return []
}

/** Nobody lied, but the host has not all that a proof needs: the list is asked for again, and not at once. */
function forgetList(state: State, segment: Segment): void {
  segment.hashes = 'none'
  segment.hashesRetryAt = state.now + 500
  segment.edgeRetryAt = state.now + 250
}

/** The same bytes of the edge fail twice: nothing of this segment is shared, and the player's own way is left to decide. */
function distrustEdge(state: State, segment: Segment, what: number): void {
  emit(state, { type: 'trace', note: { kind: 'polluted', key: segment.key, peer: 'edge' } })
  segment.edgeRetryAt = state.now + 250
  if (segment.edgeDoubts.has(what)) {
    segment.edgePolluted = true
    state.isFailing = true
  }
  segment.edgeDoubts.add(what)
}

function startCheck(state: State, segment: Segment, first: number, count: number): void {
  const job = state.nextJob++
  state.jobs.set(job, { what: 'blocks', segment, first, count })
  for (let index = first; index < first + count; index++) segment.checking.set(index, job)
  emit(state, { type: 'verify', job, key: segment.key, what: 'blocks', first, count })
}

function acceptUnproven(state: State, segment: Segment): void {
  const last = segment.blocks.count > 0 ? segment.blocks.count : segment.blocks.reach(0, false) / blockBytes
  for (let index = 0; index < last; index++) segment.blocks.verify(index)
  announce(state, segment)
}
