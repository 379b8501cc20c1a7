import { cancelAsks } from './asks.ts'
import { retract } from './claims.ts'
import { agree, isSame, mergeEntry } from './entry.ts'
import type { WindowEntry } from './events.ts'
import { abortFetch, needHashes } from './fetches.ts'
import { adoptStrays, releaseOffers } from './offers.ts'
import { Segment } from './segment.ts'
import { isProvable } from './sharing.ts'
import { emit, type State } from './state.ts'
import { rejectServing } from './uploads.ts'
import { doubt } from './verification.ts'

/** What is remembered, and for how long. */

/** Live segments are kept this long after the playlist dropped them: late joiners and slow readers. */
const liveLingerMs = 30_000
/** Offers of segments unknown to our playlists: entries kept. */
const mostStrays = 8_192

export function learnSegment(state: State, track: string, entry: WindowEntry): Segment {
  const known = state.segments.get(entry.key)
  if (known) {
    known.listed = true
    if (isSame(known.entry, entry)) return known
    state.needs++
    if (!agree({ size: known.size, root: known.entry.root }, entry)) {
      replace(state, known, entry)
      return known
    }
    const isRootNew = known.entry.root === '' && entry.root !== '' && !known.blocks.isEmpty
    known.entry = mergeEntry(known.entry, entry)
    if (known.size === 0 && entry.size > 0) known.blocks.setSize(entry.size)
    if (isRootNew && isProvable(state, known)) {
      doubt(state, known)
      if (!state.active.has(known)) needHashes(state, known)
    }
    return known
  }
  const segment = new Segment(track, entry, state.now)
  state.segments.set(segment.key, segment)
  state.byHash.set(segment.hash, segment)
  adoptStrays(state, segment)
  return segment
}

/** What the store has from an earlier visit. Null when playlists know better: then the copy goes. */
export function learnStored(state: State, track: string, entry: WindowEntry): Segment | null {
  const known = state.segments.get(entry.key)
  if (known?.stored || known?.blocks.isTouched) return null
  if (known && !agree({ size: known.size, root: known.entry.root }, entry)) {
    emit(state, { type: 'evict', key: entry.key })
    return null
  }
  const isListed = known?.listed ?? false
  const segment = learnSegment(state, track, known ? mergeEntry(entry, known.entry) : entry)
  segment.listed = isListed
  return segment
}

/**
 * Frees bytes until the budget holds: unlisted segments first, then those longest unused. `spare` stays. What was
 * begun and left counts as a whole: that much the host sets aside.
 */
export function makeRoom(state: State, spare: Segment | null): void {
  let bytes = state.heldBytes
  for (const segment of state.begun) if (isLeft(state, segment)) bytes += segment.size
  while (bytes > state.config.storeBytes) {
    const left = [...state.begun].filter(segment => isLeft(state, segment))
    const worst = worstOf(left, worstOf(state.kept, null, spare), spare)
    if (!worst) return
    bytes -= worst.size
    evict(state, worst)
    worst.isPushedOut = true
  }
}

/** The one to part with first, among these and `worst`. */
function worstOf(among: Iterable<Segment>, worst: Segment | null, spare: Segment | null): Segment | null {
  let found = worst
  for (const segment of among) {
    if (segment === spare || segment.wants.length > 0) continue
    if (!found || isWorse(segment, found)) found = segment
  }
  return found
}

/** Begun, and nobody goes on with it. */
function isLeft(state: State, segment: Segment): boolean {
  return (
    segment.blocks.isTouched && !segment.stored && !state.active.has(segment) && segment.fetches.size === 0
  )
}

/** Forgets what live playlists dropped, and empty records nobody lists. */
export function forgetOld(state: State, live: boolean, track: string): void {
  const dropped = new Set<Segment>()
  for (const segment of state.segments.values()) {
    if (segment.listed || segment.track !== track || segment.wants.length > 0) continue
    if (!segment.blocks.isTouched && segment.fetches.size === 0 && segment.asks.size === 0)
      dropped.add(segment)
    else if (live && state.now - segment.usedAt > liveLingerMs) {
      evict(state, segment)
      dropped.add(segment)
    }
  }
  if (dropped.size > 0) drop(state, dropped)
  boundStrays(state)
}

export function evict(state: State, segment: Segment): void {
  for (const fetch of [...segment.fetches]) abortFetch(state, fetch, 'cancelled')
  if (segment.hashesFetch) abortFetch(state, segment.hashesFetch, 'cancelled')
  cancelAsks(state, segment)
  retract(state, segment, 'evicted')
  rejectServing(state, segment)
  for (const peer of state.peers.values()) peer.hashesSent.delete(segment)
  if (segment.stored) state.heldBytes -= segment.size
  segment.stored = false
  state.kept.delete(segment)
  state.begun.delete(segment)
  segment.blocks.forget()
  segment.checking.clear()
  segment.hashes = 'none'
  segment.lineage = null
  segment.viaOutside = false
  segment.leased = false
  segment.yieldedTo.clear()
  segment.orphanSince = state.now
  // What is found out about bytes that are gone says nothing of those that come.
  for (const [id, job] of state.jobs) if (job.segment === segment) state.jobs.delete(id)
  emit(state, { type: 'evict', key: segment.key })
}

/** The name stands for other bytes now: a channel that began again, a programme that was encoded anew. */
function replace(state: State, segment: Segment, entry: WindowEntry): void {
  evict(state, segment)
  releaseOffers(state, segment)
  segment.entry = entry
  segment.blocks.setSize(entry.size)
  segment.edgeDoubts.clear()
  segment.edgePolluted = false
  segment.edgeFailures = 0
  segment.edgeMismatches = 0
  segment.edgeRetryAt = 0
  segment.refusals = null
  segment.hashesRetryAt = 0
  segment.digestDueAt = 0
  adoptStrays(state, segment)
  state.dirty.add(segment)
}

function drop(state: State, segments: ReadonlySet<Segment>): void {
  for (const segment of segments) {
    releaseOffers(state, segment)
    state.segments.delete(segment.key)
    if (state.byHash.get(segment.hash) === segment) state.byHash.delete(segment.hash)
    state.active.delete(segment)
    state.claimed.delete(segment)
    state.hungry.delete(segment)
    state.dirty.delete(segment)
  }
  for (const peer of state.peers.values()) {
    for (const [n, given] of peer.given) if (segments.has(given)) peer.given.delete(n)
  }
}

function isWorse(a: Segment, b: Segment): boolean {
  if (a.listed !== b.listed) return !a.listed
  return a.usedAt < b.usedAt || (a.usedAt === b.usedAt && a.key < b.key)
}

function boundStrays(state: State): void {
  for (const [key, offers] of state.strays) {
    if (state.strays.size <= mostStrays && offers.size > 0) return
    state.strays.delete(key)
    for (const offer of offers) state.peers.get(offer.peer)?.offers.delete(offer.n)
  }
}
