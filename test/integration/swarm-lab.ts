import {
  createHasher,
  createSwarm,
  createTimerClock,
  type Edge,
  type EdgeRequest,
  hashList,
  type Mesh,
  type MeshEvents,
  rootOfList,
  type SegmentSource,
  type Swarm,
  type SwarmOptions,
  toHex,
} from '@nearcast/peer-core'
import { createMemoryLinks } from '../../peer-core/src/adapters/memory-link.ts'
import type { Link, LinkEvents } from '../../peer-core/src/ports.ts'

/** A few whole swarms in one process: real cores, hosts, wires and hashes; channels and edge in memory. */

export interface LabSegment {
  readonly source: SegmentSource
  readonly bytes: Uint8Array
  readonly list: Uint8Array
}

export interface LabOptions {
  readonly edgeDelayMs?: number
  /** Bytes each edge request brings every 10 ms. @default 65536 */
  readonly edgeChunk?: number
}

const hasher = createHasher()

export async function makeSegments(count: number, size: number, digests = true): Promise<LabSegment[]> {
  const segments: LabSegment[] = []
  for (let seq = 0; seq < count; seq++) {
    const bytes = new Uint8Array(size)
    for (let i = 0; i < size; i++) bytes[i] = (i * 31 + seq * 7 + (i >> 8)) & 255
    const list = await hashList(bytes, hasher)
    const root = digests ? toHex(await rootOfList(list, hasher)) : ''
    segments.push({
      bytes,
      list,
      source: {
        key: `video ${seq}`,
        seq,
        slot: seq,
        startMs: seq * 2000,
        durationMs: 2000,
        size: digests ? size : 0,
        root,
        url: `https://edge.test/${seq}.ts`,
        range: null,
        hashesUrl: digests ? `https://edge.test/${seq}.hashes` : '',
      },
    })
  }
  return segments
}

/** What one edge was asked. */
export interface EdgeEntry {
  readonly viewer: number
  readonly url: string
  readonly from: number
  readonly to: number
  bytes: number
}

export class Lab {
  readonly log: EdgeEntry[] = []
  readonly swarms: Swarm[] = []
  #segments: readonly LabSegment[]
  #options: LabOptions
  #meshes: LabMesh[] = []
  /** Answers with a failure instead of bytes while true. */
  isEdgeDown = false

  constructor(segments: readonly LabSegment[], options: LabOptions = {}) {
    this.#segments = segments
    this.#options = options
  }

  add(options: Partial<SwarmOptions> = {}): Swarm {
    const viewer = this.swarms.length
    const mesh = new LabMesh()
    const swarm = createSwarm({
      selfId: viewer.toString(16).padStart(2, '0').repeat(20),
      mesh,
      edge: this.#edge(viewer),
      store: null,
      hasher,
      clock: createTimerClock(),
      policy: { groupSize: 2 },
      ...options,
    })
    this.swarms.push(swarm)
    this.#meshes.push(mesh)
    return swarm
  }

  /** Connects two viewers; `tamper` may change what the first sends. */
  async connect(a: number, b: number, tamper: (link: Link) => Link = link => link): Promise<void> {
    const peers = [this.swarms[a]!.snapshot().self, this.swarms[b]!.snapshot().self] as const
    const { links } = await createMemoryLinks({ peers })
    const hello = { v: 1, mode: 'share', reqq: 256 } as const
    this.#meshes[a]!.events?.onLink(tamper(links[0]), hello, 'group')
    this.#meshes[b]!.events?.onLink(links[1], hello, 'group')
  }

  async close(): Promise<void> {
    await Promise.all(this.swarms.map(swarm => swarm.close()))
  }

  /** Media bytes all viewers together took from the edge. */
  edgeBytes(): number {
    return this.log.filter(entry => entry.url.endsWith('.ts')).reduce((sum, entry) => sum + entry.bytes, 0)
  }

  #edge(viewer: number): Edge {
    return {
      fetch: (request: EdgeRequest, sink) => {
        const entry: EdgeEntry = { viewer, url: request.url, from: request.from, to: request.to, bytes: 0 }
        this.log.push(entry)
        const seq = Number(/\/(\d+)\./.exec(request.url)?.[1])
        const segment = this.#segments[seq]!
        const body = request.url.endsWith('.hashes') ? segment.list : segment.bytes
        const end = request.to > 0 ? Math.min(request.to, body.length) : body.length
        let at = request.from
        let timer: NodeJS.Timeout
        const turn = () => {
          if (this.isEdgeDown) return sink.onFail('busy', '503')
          if (at === request.from) sink.onOpen({ size: end - at, total: body.length, etag: '"v1"' })
          const next = Math.min(end, at + (this.#options.edgeChunk ?? 65_536))
          const chunk = body.slice(at, next)
          entry.bytes += chunk.length
          const from = at
          at = next
          if (at < end) timer = setTimeout(turn, 10)
          sink.onData(from, chunk)
          if (at >= end) sink.onDone()
        }
        timer = setTimeout(turn, this.#options.edgeDelayMs ?? 5)
        return { abort: () => clearTimeout(timer) }
      },
    }
  }
}

class LabMesh implements Mesh {
  events: MeshEvents | null = null
  readonly banned: string[] = []
  open(events: MeshEvents): void {
    this.events = events
  }
  setCapacity(): void {}
  rest(): void {}

  setMode(): void {}
  ban(peer: string): void {
    this.banned.push(peer)
  }
  state() {
    return {
      tracker: 'open',
      trackerError: null,
      group: null,
      dials: { started: 0, open: 0, iceFailed: 0, noAnswer: 0, protocolError: 0 },
      candidates: [],
      webrtc: true,
    } as const
  }
  async close(): Promise<void> {}
}

/** A link whose `piece` payloads are passed through `change` on their way out. */
export function tamperPieces(link: Link, change: (payload: Uint8Array) => Uint8Array | null): Link {
  return {
    peer: link.peer,
    send(message, payload) {
      if (message.type !== 'piece' || !payload) return link.send(message, payload)
      const changed = change(payload)
      if (changed) link.send(message, changed)
    },
    queuedBytes: () => link.queuedBytes(),
    sentBytes: () => link.sentBytes(),
    controlBytes: () => link.controlBytes(),
    listen: (events: LinkEvents) => link.listen(events),
    stats: () => link.stats(),
    close: reason => link.close(reason),
  }
}

/** Waits until `met`, at most ten seconds. */
export async function until(met: () => boolean, describe = () => String(met)): Promise<void> {
  const end = performance.now() + 10_000
  while (!met()) {
    if (performance.now() > end) throw new Error(`not in ten seconds: ${describe()}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** Waits until this swarm, which records a trace, has heard of so many segments from others. */
export function hasHeard(swarm: Swarm, offers: number): Promise<void> {
  const count = () => swarm.trace().match(/"i":\{"type":"message".*"type":"offer"/g)?.length ?? 0
  return until(
    () => count() >= offers,
    () => `${count()} offers of ${offers}`,
  )
}

export function play(swarm: Swarm, seq: number, mediaMs: number, bufferMs: number): void {
  swarm.setPosition({
    mediaMs,
    bufferMs,
    rate: 1,
    paused: false,
    hidden: false,
    tracks: ['video'],
    goalMs: 30_000,
  })
  void seq
}
