import type { FailReason } from '../../../../peer-core/src/core/events.ts'
import type { PeerId } from '../../../../peer-core/src/core/messages.ts'
import type { Link } from '../../network.ts'
import type { PlayerPosition, Surroundings, Want } from '../../policy.ts'
import type { Playlist, Segment } from '../../stream.ts'
import { createMeter } from './meter.ts'
import {
  announces,
  bandwidthOf,
  countTimeout,
  createNeighbour,
  holds,
  isBusy,
  type Neighbour,
} from './neighbour.ts'
import { countFailure, createRequest, isSpent, loadedBytes, type Request, watchSilence } from './request.ts'
import type { Decision, Missing, Neighbour as NeighbourFacts, Rules, View } from './rules.ts'
import { createStore } from './store.ts'
import { type Announcement, type Message, sendMessage } from './wire.ts'

/**
 * p2p-media-loader's hybrid loader for one track, as 2.3.1 has it and the 2026 rewrite kept it: one table of
 * requests, each over HTTP or from one peer at a time; full lists to everybody on every change. What to load from
 * where is for the rules to say.
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

/** `p2pNotReceivingBytesTimeoutMs` and `httpNotReceivingBytesTimeoutMs`. */
const silentPeerMs = 2_000
const silentEdgeMs = 3_000
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
  const { station, edge, books, stream } = surroundings
  const { clock, dice } = station
  const store = createStore(storeBytes, stream.plan.kind === 'live')
  const requests = new Map<string, Request>()
  const neighbours = new Map<PeerId, Neighbour>()
  const httpMeter = createMeter()
  let listed: readonly Segment[] = []
  let position: PlayerPosition = { streamMs: 0, bufferMs: 0, paused: false, goalMs: 0 }
  let wanted: Want | null = null
  let lastRequested: Segment | null = null
  let neighboursVersion = 0
  let typicalBytes = 0
  let nextId = 1
  let passedAt = Number.NEGATIVE_INFINITY
  let isTurnDue = false
  let isListStale = false
  let isCalm = true
  let closed = false

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

  const changed = (): void => {
    isListStale = true
    soon()
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
    for (const request of requests.values()) {
      const { key } = request.segment
      const isWanted = wanted?.segment === request.segment
      if (!queued.has(key) && !isWanted) abort(request)
      if (request.state.type === 'aborted') requests.delete(key)
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
    httpBps: windowMs => httpMeter.bps(clock.now(), windowMs),
    typicalBytes,
    storeIsFull: store.isFull(),
  })

  const asMissing = (segment: Segment): Missing => {
    const { key } = segment
    const request = requests.get(key)
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
      const request = requests.get(decision.segment.key) ?? createRequest(decision.segment)
      if (decision.type === 'abort') {
        abort(request)
        continue
      }
      abort(request)
      requests.set(decision.segment.key, request)
      if (decision.type === 'http') loadThroughHttp(request)
      else loadThroughPeer(request, decision.peer)
    }
  }

  // Downloads

  const abort = (request: Request): void => {
    const { state } = request
    if (state.type !== 'http' && state.type !== 'p2p') return
    state.silence.stop()
    request.state = { type: 'aborted' }
    if (state.type === 'http') {
      httpMeter.end(clock.now())
      state.call.abort()
      isListStale = true
      return
    }
    release(state.from)
  }

  /** Ends what a neighbour gives, and says so. */
  const release = (neighbour: Neighbour): void => {
    const { download, link, meter } = neighbour
    if (download === null) return
    neighbour.download = null
    meter.end(clock.now())
    sendMessage(link, { type: 'cancel', track, id: download.id })
  }

  const loadThroughHttp = (request: Request): void => {
    const { segment } = request
    isListStale = true
    const fail = (reason: FailReason): void => {
      if (request.state.type !== 'http') return
      request.state.silence.stop()
      request.state = { type: 'idle' }
      httpMeter.end(clock.now())
      countFailure(request, clock.now(), reason)
      changed()
    }
    const silence = watchSilence(clock, silentEdgeMs, () => {
      call.abort()
      fail('edge-timeout')
    })
    httpMeter.begin(clock.now())
    const call = edge.fetch({
      what: 'media',
      segment,
      bytes: segment.size - loadedBytes(request),
      onData(bytes) {
        silence.broken(clock.now())
        httpMeter.add(clock.now(), bytes)
        request.edgeBytes += bytes
      },
      onDone() {
        httpMeter.end(clock.now())
        complete(request)
      },
      onFail: trouble => fail(`edge-${trouble}`),
    })
    request.state = { type: 'http', call, silence }
  }

  const loadThroughPeer = (request: Request, peer: PeerId): void => {
    const neighbour = neighbours.get(peer)
    if (neighbour === undefined) return
    const id = nextId++
    const silence = watchSilence(clock, silentPeerMs, () => {
      request.state = { type: 'idle' }
      release(neighbour)
      neighbour.meter.clear()
      if (countTimeout(neighbour)) drop(peer)
      soon()
    })
    request.state = { type: 'p2p', from: neighbour, silence }
    neighbour.download = { id, request }
    neighbour.meter.begin(clock.now())
    sendMessage(neighbour.link, {
      type: 'request',
      track,
      id,
      segment: request.segment,
      from: loadedBytes(request),
    })
  }

  const complete = (request: Request): void => {
    const { segment, edgeBytes, peerBytes, state } = request
    if (state.type === 'http' || state.type === 'p2p') state.silence.stop()
    requests.delete(segment.key)
    books.useful(station, 'edge', edgeBytes)
    books.useful(station, 'peer', peerBytes)
    typicalBytes =
      typicalBytes === 0 ? segment.size : typicalBytes + sizeWeight * (segment.size - typicalBytes)
    store.put({ segment, edgeBytes, peerBytes }, position.streamMs)
    changed()
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

  const announcement = (): Announcement => {
    const fetching = new Set<string>()
    for (const { segment, state } of requests.values()) if (state.type === 'http') fetching.add(segment.key)
    return { held: store.keys(), fetching }
  }

  const broadcast = (): void => {
    isListStale = false
    if (station.mode === 'leech' || neighbours.size === 0) return
    const list = announcement()
    for (const { link } of neighbours.values()) sendMessage(link, { type: 'announce', track, list })
  }

  const take = (neighbour: Neighbour, chunk: Extract<Message, { type: 'chunk' }>): void => {
    const { download } = neighbour
    if (download?.id !== chunk.id) return
    const { request } = download
    if (request.state.type === 'p2p') request.state.silence.broken(clock.now())
    neighbour.meter.add(clock.now(), chunk.bytes)
    request.peerBytes += chunk.bytes
    if (!chunk.last) return
    neighbour.download = null
    neighbour.timeouts = 0
    neighbour.meter.end(clock.now())
    complete(request)
  }

  const lose = (neighbour: Neighbour): void => {
    const { download } = neighbour
    if (download === null) return
    const { state } = download.request
    if (state.type === 'p2p') state.silence.stop()
    download.request.state = { type: 'idle' }
    neighbour.download = null
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
      lose(neighbour)
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
          if (neighbour.download?.id === message.id) {
            lose(neighbour)
            neighbour.meter.end(clock.now())
            soon()
          }
          return
        case 'chunk':
          take(neighbour, message)
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
    },
  }
}
