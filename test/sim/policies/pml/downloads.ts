import type { FailReason } from '../../../../peer-core/src/core/events.ts'
import type { Surroundings } from '../../policy.ts'
import type { Segment } from '../../stream.ts'
import { createMeter } from './meter.ts'
import { countTimeout, type Neighbour } from './neighbour.ts'
import { countFailure, createRequest, loadedBytes, type Request, watchSilence } from './request.ts'
import { type Message, sendMessage } from './wire.ts'

/** A track's table of requests, each over HTTP or from one peer at a time; what came stays when the source changes. */
export interface Downloads {
  get(key: string): Request | undefined
  all(): Iterable<Request>
  fromEdge(segment: Segment): void
  fromPeer(segment: Segment, neighbour: Neighbour): void
  abort(segment: Segment): void
  /** Takes it off the table with its bytes. */
  forget(segment: Segment): void
  receive(neighbour: Neighbour, chunk: Extract<Message, { type: 'chunk' }>): void
  /** The neighbour is gone, or has not what it was asked for. */
  lose(neighbour: Neighbour): void
  /** Keys that come over HTTP now. */
  fetching(): ReadonlySet<string>
  httpBps(windowMs: number): number
  close(): void
}

export interface DownloadEvents {
  /** What comes over HTTP is not what it was. */
  onFetching(): void
  /** Something failed: time to look again. */
  onFailed(): void
  onWhole(request: Request): void
  /** One timeout too many. */
  onHopeless(neighbour: Neighbour): void
}

/** `p2pNotReceivingBytesTimeoutMs` and `httpNotReceivingBytesTimeoutMs`. */
const silentPeerMs = 2_000
const silentEdgeMs = 3_000

export function createDownloads(
  track: string,
  { station, edge }: Surroundings,
  events: DownloadEvents,
): Downloads {
  const { clock } = station
  const requests = new Map<string, Request>()
  const httpMeter = createMeter()

  const open = (segment: Segment): Request => {
    const request = requests.get(segment.key) ?? createRequest(segment)
    stop(request)
    requests.set(segment.key, request)
    return request
  }

  const stop = (request: Request): void => {
    const { state } = request
    if (state.type !== 'http' && state.type !== 'p2p') return
    state.silence.stop()
    request.state = { type: 'aborted' }
    if (state.type === 'p2p') return release(state.from)
    httpMeter.end(clock.now())
    state.call.abort()
    events.onFetching()
  }

  /** Ends what a neighbour gives, and says so. */
  const release = (neighbour: Neighbour): void => {
    const { download, link, meter } = neighbour
    if (download === null) return
    neighbour.download = null
    meter.end(clock.now())
    sendMessage(link, { type: 'cancel', track, id: download.id })
  }

  const finish = (request: Request): void => {
    const { state } = request
    if (state.type === 'http' || state.type === 'p2p') state.silence.stop()
    requests.delete(request.segment.key)
    events.onWhole(request)
  }

  let nextId = 1

  return {
    get: key => requests.get(key),
    all: () => requests.values(),
    fromEdge(segment) {
      const request = open(segment)
      const fail = (reason: FailReason): void => {
        if (request.state.type !== 'http') return
        request.state.silence.stop()
        request.state = { type: 'idle' }
        httpMeter.end(clock.now())
        countFailure(request, clock.now(), reason)
        events.onFetching()
        events.onFailed()
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
          finish(request)
        },
        onFail: trouble => fail(`edge-${trouble}`),
      })
      request.state = { type: 'http', call, silence }
      events.onFetching()
    },
    fromPeer(segment, neighbour) {
      const request = open(segment)
      const id = nextId++
      const silence = watchSilence(clock, silentPeerMs, () => {
        request.state = { type: 'idle' }
        release(neighbour)
        neighbour.meter.clear()
        if (countTimeout(neighbour)) events.onHopeless(neighbour)
        events.onFailed()
      })
      request.state = { type: 'p2p', from: neighbour, silence }
      neighbour.download = { id, request }
      neighbour.meter.begin(clock.now())
      sendMessage(neighbour.link, { type: 'request', track, id, segment, from: loadedBytes(request) })
    },
    abort(segment) {
      const request = requests.get(segment.key)
      if (request !== undefined) stop(request)
    },
    forget(segment) {
      requests.delete(segment.key)
    },
    receive(neighbour, chunk) {
      const { download, meter } = neighbour
      if (download?.id !== chunk.id) return
      const { request } = download
      if (request.state.type === 'p2p') request.state.silence.broken(clock.now())
      meter.add(clock.now(), chunk.bytes)
      request.peerBytes += chunk.bytes
      if (!chunk.last) return
      neighbour.download = null
      neighbour.timeouts = 0
      meter.end(clock.now())
      finish(request)
    },
    lose(neighbour) {
      const { download, meter } = neighbour
      if (download === null) return
      const { request } = download
      if (request.state.type === 'p2p') request.state.silence.stop()
      request.state = { type: 'idle' }
      neighbour.download = null
      meter.end(clock.now())
      events.onFailed()
    },
    fetching() {
      const keys = new Set<string>()
      for (const { segment, state } of requests.values()) if (state.type === 'http') keys.add(segment.key)
      return keys
    },
    httpBps: windowMs => httpMeter.bps(clock.now(), windowMs),
    close() {
      for (const { state } of requests.values()) {
        if (state.type === 'http' || state.type === 'p2p') state.silence.stop()
      }
    },
  }
}
