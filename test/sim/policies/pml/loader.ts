import type { PeerId } from '../../../../peer-core/src/core/messages.ts'
import type { Link } from '../../network.ts'
import type { PlayerPosition, Surroundings, Want } from '../../policy.ts'
import type { Playlist, Segment } from '../../stream.ts'
import { createDownloads } from './downloads.ts'
import { announces, bandwidthOf, createNeighbour, holds, isBusy, type Neighbour } from './neighbour.ts'
import { isSpent, type Request } from './request.ts'
import type { Decision, Missing, Neighbour as NeighbourFacts, Rules, View } from './rules.ts'
import { createStore } from './store.ts'
import { type Announcement, type Message, sendMessage } from './wire.ts'

/**
 * p2p-media-loader's hybrid loader for one track, as 2.3.1 has it and the 2026 rewrite kept it: a pass over what is
 * missing after each event, full lists to everybody on every change. What to load from where is for the rules to
 * say.
 */
export interface Loader {
  setPlaylist(playlist: Playlist): void
  setPosition(position: PlayerPosition): void
  want(want: Want): { cancel(): void }
  join(link: Link): void
  leave(peer: PeerId): void
  receive(peer: PeerId, message: Message): void
  drained(peer: PeerId): void
  neighbours(): readonly NeighbourFacts[]
  close(): void
}

/** Playback makes a pass this often; a jump of half a segment makes one at once. */
const passEveryMs = 1_000
const sizeWeight = 0.3

export function createLoader(
  track: string,
  rules: Rules,
  surroundings: Surroundings,
  storeBytes: number,
  drop: (peer: PeerId) => void,
): Loader {
  const { station, books, stream } = surroundings
  const { clock, dice } = station
  const store = createStore(storeBytes, stream.plan.kind === 'live')
  const neighbours = new Map<PeerId, Neighbour>()
  let listed: readonly Segment[] = []
  let position: PlayerPosition = { streamMs: 0, bufferMs: 0, paused: false, goalMs: 0, tracks: [] }
  let wanted: Want | null = null
  let lastRequested: Segment | null = null
  let neighboursVersion = 0
  let typicalBytes = 0
  let passedAt = Number.NEGATIVE_INFINITY
  let isTurnDue = false
  let isListStale = false
  let isCalm = true
  let closed = false

  const downloads = createDownloads(track, surroundings, {
    onFetching() {
      isListStale = true
    },
    onFailed: () => soon(),
    onWhole: request => keep(request),
    onHopeless: neighbour => drop(neighbour.link.peer),
  })

  // Turns: a pass soon after each event, then the list to everybody if it changed.

  const soon = (): void => {
    if (isTurnDue || closed) return
    isTurnDue = true
    clock.after(0, () => {
      isTurnDue = false
      if (closed) return
      pass()
      if (isListStale) broadcast()
    })
  }

  const pass = (): void => {
    passedAt = clock.now()
    if (lastRequested === null) return
    settle()
    const view = look()
    isCalm = view.missing.length === 0
    if (!isCalm) perform(rules.pass(view))
  }

  const settle = (): void => {
    const now = clock.now()
    const queued = new Set(queue().map(segment => segment.key))
    for (const request of downloads.all()) {
      const { segment } = request
      const isWanted = wanted?.segment === segment
      if (!queued.has(segment.key) && !isWanted) downloads.abort(segment)
      if (request.state.type === 'aborted') downloads.forget(segment)
      else if (isWanted && request.state.type === 'idle' && isSpent(request, now)) {
        const want = wanted
        wanted = null
        want?.onFailed(request.failedBy)
      }
    }
  }

  /** Missing segments from the one requested last onwards; what the player waits for even when no list has it. */
  const queue = (): readonly Segment[] => {
    if (lastRequested === null) return []
    const { seq } = lastRequested
    const rest = listed.filter(segment => segment.seq >= seq && !store.has(segment.key))
    const isUnlisted = wanted !== null && rest[0] !== wanted.segment && !store.has(wanted.segment.key)
    return wanted !== null && isUnlisted ? [wanted.segment, ...rest] : rest
  }

  const look = (): View => ({
    now: clock.now(),
    self: station.id,
    playheadMs: position.streamMs,
    bufferMs: position.bufferMs,
    neighbours: [...neighbours.keys()],
    neighboursVersion,
    requested: wanted?.segment ?? null,
    missing: queue().map(asMissing),
    httpBps: downloads.httpBps,
    typicalBytes,
    storeIsFull: store.isFull(),
  })

  const asMissing = (segment: Segment): Missing => {
    const { key } = segment
    const request = downloads.get(key)
    const { type } = request?.state ?? { type: 'idle' }
    return {
      segment,
      loading: type === 'http' || type === 'p2p' ? type : null,
      isSpent: request !== undefined && isSpent(request, clock.now()),
      isAnnounced() {
        for (const neighbour of neighbours.values()) if (announces(neighbour, key)) return true
        return false
      },
      holders() {
        const free = []
        for (const [peer, neighbour] of neighbours) {
          if (neighbour.download !== null || !holds(neighbour, key)) continue
          free.push({ peer, bps: bandwidthOf(neighbour, clock.now()) })
        }
        return free
      },
    }
  }

  const perform = (decisions: readonly Decision[]): void => {
    for (const decision of decisions) {
      const { segment } = decision
      if (decision.type === 'abort') downloads.abort(segment)
      else if (decision.type === 'http') downloads.fromEdge(segment)
      else {
        const neighbour = neighbours.get(decision.peer)
        if (neighbour !== undefined) downloads.fromPeer(segment, neighbour)
      }
    }
  }

  const keep = (request: Request): void => {
    const { segment, edgeBytes, peerBytes } = request
    books.useful(station, 'edge', edgeBytes)
    books.useful(station, 'peer', peerBytes)
    typicalBytes =
      typicalBytes === 0 ? segment.size : typicalBytes + sizeWeight * (segment.size - typicalBytes)
    store.put({ segment, edgeBytes, peerBytes }, position.streamMs)
    isListStale = true
    soon()
    if (wanted?.segment === segment) deliver(wanted)
  }

  const deliver = (want: Want): void => {
    const copy = store.get(want.segment.key)
    if (copy === undefined || wanted !== want) return
    wanted = null
    const { edgeBytes, peerBytes } = copy
    want.onDelivered({ origin: edgeBytes > 0 ? 'edge' : 'held', edgeBytes, peerBytes })
  }

  // Neighbours

  const announcement = (): Announcement => ({ held: store.keys(), fetching: downloads.fetching() })

  const broadcast = (): void => {
    isListStale = false
    if (station.mode === 'leech' || neighbours.size === 0) return
    const list = announcement()
    for (const { link } of neighbours.values()) sendMessage(link, { type: 'announce', track, list })
  }

  const every = (delayMs: () => number, run: () => void): void => {
    clock.after(delayMs(), () => {
      if (closed) return
      run()
      every(delayMs, run)
    })
  }
  every(
    () => rules.prefetchAfterMs(neighbours.size, dice),
    () => {
      if (lastRequested === null) return
      const view = look()
      if (view.missing.length > 0) perform(rules.prefetch(view))
      if (isListStale) soon()
    },
  )

  return {
    setPlaylist(playlist) {
      listed = playlist.segments
      soon()
    },
    setPosition(next) {
      const jumpMs = Math.abs(next.streamMs - position.streamMs)
      position = next
      const isDue = clock.now() - passedAt >= passEveryMs || jumpMs > stream.plan.segmentMs / 2
      if (isDue || wanted !== null) soon()
    },
    want(want) {
      wanted = want
      lastRequested = want.segment
      // Even the store answers in a task of its own.
      if (store.has(want.segment.key)) clock.after(0, () => deliver(want))
      soon()
      return {
        cancel() {
          if (wanted !== want) return
          wanted = null
          soon()
        },
      }
    },
    join(link) {
      neighbours.set(link.peer, createNeighbour(link, track, clock.now()))
      neighboursVersion++
      if (station.mode === 'share') sendMessage(link, { type: 'announce', track, list: announcement() })
      soon()
    },
    leave(peer) {
      const neighbour = neighbours.get(peer)
      if (neighbour === undefined) return
      neighbours.delete(peer)
      neighboursVersion++
      downloads.lose(neighbour)
      soon()
    },
    receive(peer, message) {
      const neighbour = neighbours.get(peer)
      if (neighbour === undefined || closed) return
      switch (message.type) {
        case 'announce':
          neighbour.list = message.list
          neighbour.absent.clear()
          if (!isCalm) soon()
          return
        case 'request':
          if (station.conduct === 'silent') return
          if (station.mode === 'share' && store.has(message.segment.key)) {
            neighbour.upload.start(message.id, message.segment, message.from)
          } else {
            const { id, segment } = message
            sendMessage(neighbour.link, { type: 'absent', track, id, segment })
          }
          return
        case 'cancel':
          neighbour.upload.cancel(message.id)
          return
        case 'absent':
          neighbour.absent.add(message.segment.key)
          if (neighbour.download?.id === message.id) downloads.lose(neighbour)
          return
        case 'chunk':
          downloads.receive(neighbour, message)
      }
    },
    drained(peer) {
      neighbours.get(peer)?.upload.pump()
    },
    neighbours() {
      const now = clock.now()
      return [...neighbours].map(([peer, neighbour]) => ({
        peer,
        bps: bandwidthOf(neighbour, now),
        connectedAt: neighbour.connectedAt,
        isBusy: isBusy(neighbour),
      }))
    },
    close() {
      closed = true
      downloads.close()
    },
  }
}
