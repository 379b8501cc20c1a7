import type { Core, Input, Output, Policy as SitePolicy } from '../../peer-core/src/core/events.ts'
import type { PeerId } from '../../peer-core/src/core/messages.ts'
import { FirstFrame } from '../../peer-core/src/host/first-frame.ts'
import { levelCap } from '../../player-plugin/src/hls/level-cap.ts'
import type { Timer } from './clock.ts'
import type { Link } from './network.ts'
import { createOutbox, type Envelope } from './outbox.ts'
import type { Agent, PlayerPosition, Surroundings, Want } from './policy.ts'
import { createShelf, type Shelf } from './shelf.ts'
import type { Station } from './station.ts'
import { hashListBytes, type Segment } from './stream.ts'

/** What the simulator looks at: everything that goes into a core and comes out of it, with the truth beside it. */
export interface Watcher {
  input(host: HostView, now: number, input: Input): void
  /** Before it is performed, with the payload of the input that led to it. */
  output(host: HostView, now: number, output: Output, payload: Payload | null): void
  /** A viewer's host came, or went. */
  opened(host: HostView): void
  closed(host: HostView): void
}

/** One viewer's host as a watcher sees it. */
export interface HostView {
  readonly station: Station
  readonly core: Core
  readonly shelf: Shelf
  /** Whether this peer is connected, as far as the core was told. */
  isConnected(peer: PeerId): boolean
  peers(): number
  integrity(): SitePolicy['integrity']
}

/** The payload of the input now handled. */
export interface Payload {
  readonly from: 'edge' | 'peer'
  readonly offset: number
  readonly length: number
  readonly wrong: boolean
  readonly what: 'media' | 'hashes'
}

/** SHA-256 of a block in WebCrypto, and the way to it and back (FINDINGS §3: 900 MB/s). */
const hashMs = 0.02
const hashCallMs = 0.4
/** A timer fires this late; never in the task that armed it. */
const timerGrainMs = [0.5, 2] as const
/** Whoever makes no connection yet is asked again after so long, ms. */
const restLookMs = 10
/** One turn in so many is timed and stands for the others: the real clock is not free to look at. */
const timedTurns = 17
/** What edge-fallback does before it gives up: two more tries. */
const edgeTries = 3
const edgeRetryMs = 300

/** Performs one core's outputs in the simulated world, as `peer-core/src/host.ts` does in the real one. */
export function createHost(core: Core, surroundings: Surroundings, watcher: Watcher): Agent {
  const { station, edge, stream, books } = surroundings
  const { clock, dice } = station
  const shelf = createShelf()
  const links = new Map<PeerId, Link>()
  const fetches = new Map<number, { abort(): void }>()
  const wants = new Map<number, Want>()
  const outbox = createOutbox(station, stream, shelf, links)
  const waiting: { input: Input; payload: Payload | null }[] = []
  let policy: SitePolicy = {
    mode: station.mode,
    wan: 'allow',
    integrity: stream.plan.digests ? 'required' : 'prefer',
    lineKbps: 0,
    uploadKbps: 0,
    groupSize: 0,
  }
  const said: Output[] = []
  let payload: Payload | null = null
  let running = false
  let closed = false
  let nextWant = 1
  let turns = 0
  let timer: Timer | null = null
  let restsUntil = 0
  const firstFrame = new FirstFrame(ms => {
    restsUntil = clock.now() + ms
  })
  firstFrame.opened()

  const localNow = (): number => clock.now() + station.clockOffsetMs

  const view: HostView = {
    station,
    core,
    shelf,
    isConnected: peer => links.has(peer),
    peers: () => links.size,
    integrity: () => policy.integrity,
  }

  /** One input in, all outputs performed; what outputs cause at once waits its turn. */
  const take = (input: Input, bytes: Payload | null = null): void => {
    if (closed) return
    if (running) return void waiting.push({ input, payload: bytes })
    running = true
    turn(input, bytes)
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      turn(next.input, next.payload)
    running = false
    payload = null
    outbox.flush()
  }

  const turn = (input: Input, bytes: Payload | null): void => {
    payload = bytes
    const now = localNow()
    watcher.input(view, now, input)
    const isTimed = turns++ % timedTurns === 0
    const started = isTimed ? performance.now() : 0
    core.handle(now, input)
    for (let output = core.poll(); output !== null; output = core.poll()) said.push(output)
    if (isTimed) books.thought((performance.now() - started) * timedTurns)
    for (const output of said) {
      watcher.output(view, now, output, payload)
      perform(output)
    }
    said.length = 0
  }

  const tick = (): void => {
    timer = null
    take({ type: 'tick' })
  }

  const perform = (output: Output): void => {
    switch (output.type) {
      case 'send':
        return outbox.post(output.peer, output.message, output.key)
      case 'closePeer':
        return part(output.peer, output.reason, output.ban)
      case 'fetchEdge':
        return fetchEdge(output, 1)
      case 'abortEdge':
        fetches.get(output.fetch)?.abort()
        fetches.delete(output.fetch)
        return
      case 'accept':
        return accept(output.key, output.offset, output.length)
      case 'verify':
        return verify(output)
      case 'store':
        return
      case 'evict':
        return shelf.drop(output.key)
      case 'deliver': {
        const want = wants.get(output.id)
        wants.delete(output.id)
        firstFrame.ended(output.id)
        want?.onDelivered({
          origin: output.origin,
          edgeBytes: output.edgeBytes,
          peerBytes: output.groupBytes + output.outsideBytes,
          edgeBps: output.edgeBps,
        })
        return
      }
      case 'fail': {
        const want = wants.get(output.id)
        wants.delete(output.id)
        firstFrame.ended(output.id)
        want?.onFailed(output.reason)
        return
      }
      case 'wakeAt':
        timer?.cancel()
        timer = clock.at(
          Math.max(output.at - station.clockOffsetMs, clock.now()) + dice.between(...timerGrainMs),
          tick,
        )
        return
      case 'capacity':
        return surroundings.measured(output.childLinks)
      case 'trace':
        return
    }
  }

  const receive = (peer: PeerId, batch: readonly Envelope[]): void => {
    for (const { message, wrong } of batch) {
      if (closed || !links.has(peer)) return
      const bytes: Payload | null =
        message.type === 'piece'
          ? { from: 'peer', offset: message.offset, length: message.length, wrong, what: 'media' }
          : message.type === 'hashes'
            ? { from: 'peer', offset: 0, length: message.count * 32, wrong, what: 'hashes' }
            : null
      take({ type: 'message', peer, message }, bytes)
    }
  }

  const part = (peer: PeerId, reason: string, ban: boolean): void => {
    if (ban) surroundings.ban(peer)
    const link = links.get(peer)
    if (link === undefined) return
    outbox.flush()
    links.delete(peer)
    link.close(reason)
  }

  const fetchEdge = (output: Extract<Output, { type: 'fetchEdge' }>, attempt: number): void => {
    const segment = stream.segment(output.key)
    const { fetch, what } = output
    const size = what === 'media' ? segment.size : hashListBytes(segment)
    const from = what === 'media' ? output.from : 0
    const to = what === 'media' && output.to > 0 ? Math.min(output.to, segment.size) : size
    if (from >= to) {
      // 416: the edge says how long the resource is and gives nothing (RFC 9110 §15.5.17).
      const refusal = clock.after(2 * station.site.edgeDelayMs, () => {
        fetches.delete(fetch)
        take({ type: 'edgeFailed', fetch, reason: 'mismatch' })
      })
      fetches.set(fetch, { abort: () => refusal.cancel() })
      return
    }
    let offset = from
    const ended = (): void => {
      fetches.delete(fetch)
    }
    const request = edge.fetch({
      what: what === 'media' ? 'media' : 'digests',
      segment,
      bytes: to - from,
      onData(length) {
        const bytes: Payload = { from: 'edge', offset, length, wrong: false, what }
        const at = offset
        offset += length
        // A hash list is small and taken whole.
        if (what === 'hashes' && offset < to) return
        const input = what === 'hashes' ? { offset: 0, length: size } : { offset: at, length }
        take(
          { type: 'edgeData', fetch, ...input, size, etag: '"1"' },
          what === 'hashes' ? { ...bytes, offset: 0, length: size } : bytes,
        )
      },
      onDone() {
        ended()
        const list: Payload | null =
          what === 'hashes' ? { from: 'edge', offset: 0, length: size, wrong: false, what } : null
        take({ type: 'edgeDone', fetch, size, etag: '"1"' }, list)
      },
      onFail(trouble) {
        if (trouble === 'busy' && attempt < edgeTries) {
          const retry = clock.after(edgeRetryMs * 2 ** (attempt - 1) * dice.between(0.5, 1.5), () => {
            if (!closed) fetchEdge(output, attempt + 1)
          })
          fetches.set(fetch, { abort: () => retry.cancel() })
          take({ type: 'edgeRefused', fetch, reason: trouble, retryAfterMs: 0 })
          return
        }
        ended()
        take({ type: 'edgeFailed', fetch, reason: trouble })
      },
    })
    fetches.set(fetch, request)
  }

  const accept = (key: string, offset: number, length: number): void => {
    if (payload === null || payload.what !== 'media') throw new Error(`${key}: accept without a payload`)
    const holding = shelf.open(stream.segment(key))
    const fresh = shelf.put(holding, offset, length, payload.from, payload.wrong)
    books.useful(station, payload.from, fresh)
    for (const want of wants.values()) if (want.segment.key === key) want.onProgress(holding.bytes)
  }

  const verify = (output: Extract<Output, { type: 'verify' }>): void => {
    const { job, key, what, first, count } = output
    const holding = shelf.open(stream.segment(key))
    const bad: number[] = []
    if (what === 'hashes') {
      if (payload === null || payload.what !== 'hashes' || payload.wrong) bad.push(0)
    } else {
      for (let block = first; block < first + count; block++) if (holding.wrong.has(block)) bad.push(block)
    }
    clock.after(hashCallMs + hashMs * count, () => {
      if (what === 'hashes') {
        if (bad.length === 0) holding.hashes = 'proven'
      } else {
        for (let block = first; block < first + count; block++)
          if (!bad.includes(block)) holding.verified.add(block)
      }
      take({ type: 'verified', job, bad })
    })
  }

  watcher.opened(view)
  return {
    setPlaylist(track, playlist) {
      const entries = playlist.init === null ? playlist.segments : [playlist.init, ...playlist.segments]
      take({
        type: 'window',
        track,
        live: playlist.live,
        entries: entries.map(segment => ({
          key: segment.key,
          seq: segment.seq,
          slot: segment.slot,
          startMs: segment.startMs + station.mediaOffsetMs,
          durationMs: segment.durationMs,
          size: sizeKnown(segment),
          root: segment.root,
        })),
      })
    },
    setPosition(position: PlayerPosition) {
      take({
        type: 'position',
        mediaMs: position.streamMs + station.mediaOffsetMs,
        bufferMs: position.bufferMs,
        rate: 1,
        paused: position.paused,
        hidden: false,
        tracks: position.tracks,
        goalMs: position.goalMs,
      })
    },
    want(want) {
      const id = nextWant++
      wants.set(id, want)
      const { key, track } = want.segment
      firstFrame.asked(id, want.urgency, { ...want.segment, size: sizeKnown(want.segment) }, policy.lineKbps)
      take({
        type: 'want',
        id,
        key,
        track,
        deadline: want.deadline + station.clockOffsetMs,
        urgency: want.urgency,
      })
      return {
        cancel() {
          if (!wants.delete(id)) return
          firstFrame.ended(id)
          take({ type: 'cancel', id })
        },
      }
    },
    restsMs: () => Math.max(0, Math.min(restsUntil - clock.now(), restLookMs)),
    linkOpened(link: Link, mode: 'share' | 'leech') {
      links.set(link.peer, link)
      take({ type: 'peerJoined', peer: link.peer, place: link.place, hello: { v: 1, mode, reqq: 256 } })
      link.listen({
        onPacket: body => receive(link.peer, body as readonly Envelope[]),
        onDrained: queuedBytes => {
          if (links.get(link.peer) === link) take({ type: 'drained', peer: link.peer, queuedBytes })
        },
        onClose(reason) {
          if (links.get(link.peer) !== link) return
          links.delete(link.peer)
          take({ type: 'peerLeft', peer: link.peer, reason })
        },
      })
    },
    setPolicy(change) {
      policy = { ...policy, ...change, mode: station.mode }
      firstFrame.counted(policy.groupSize)
      take({ type: 'policy', policy })
    },
    tellsAsPlugin: true,
    levelCap: bitrates =>
      levelCap(
        bitrates.map(bitrate => ({ bitrate })),
        policy.lineKbps,
      ),
    close() {
      closed = true
      watcher.closed(view)
      timer?.cancel()
    },
  }
}

/** The publisher's digests tell it; without them nobody knows before the first byte. */
function sizeKnown(segment: Segment): number {
  return segment.root === '' ? 0 : segment.size
}
