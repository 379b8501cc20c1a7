import {
  createHasher,
  createIdbStore,
  createMesh,
  createPeerId,
  createSimplePeerTransport,
  createSwarm,
  createTrackerClient,
  type Edge,
  infoHash,
  type Mode,
  type OwnReport,
  type Signaller,
  type Swarm,
} from '@nearcast/peer-core'
import type { ResolvedConfig } from './config.ts'
import { createWorkerClock } from './worker-clock.ts'

export interface StartedSwarm {
  readonly swarm: Swarm
  /** Whether a STUN server is in use, configured or recommended by the tracker. */
  stun(): boolean
  close(): Promise<void>
}

interface SwarmRequest {
  readonly contentId: string
  readonly config: ResolvedConfig
  readonly mode: Mode
  readonly edge: Edge
  /** What the tracker's operator may know, when asked. */
  readonly report: (segmentsBefore: number) => OwnReport | null
}

export type StartSwarm = (request: SwarmRequest) => Promise<StartedSwarm>

/** The real thing: simple-peer for peers, the configured trackers, timers that run in hidden tabs. */
export const startSwarm: StartSwarm = async ({ contentId, config, mode, edge, report }) => {
  const hasher = createHasher()
  const self = createPeerId()
  const hash = await infoHash(contentId, hasher)
  const clock = createWorkerClock()
  const tracker = createTrackerClient({
    urls: config.trackers,
    infoHash: hash,
    peerId: self,
    clock: clock.another(),
    report,
    ...(config.token !== null && { token: config.token }),
  })
  let stun = config.iceServers.length > 0
  const signaller = onRecommendedServers(tracker, count => {
    stun = count > 0
  })
  const mesh = createMesh({
    self,
    infoHash: hash,
    signaller,
    transport: createSimplePeerTransport(),
    clock: clock.another(),
    mode,
    wan: config.wan,
    iceServers: config.iceServers,
  })
  const { persistBytes, storeBytes, integrity, uploadKbps, wan, lineKbps } = config
  const swarm = createSwarm({
    selfId: self,
    mesh,
    edge,
    store: persistBytes > 0 ? createIdbStore({ scope: hash, maxBytes: persistBytes }) : null,
    hasher,
    clock,
    policy: { mode, wan, integrity, uploadKbps, lineKbps },
    config: { storeBytes },
    memoryBytes: storeBytes,
    trace: config.trace,
  })
  return {
    swarm,
    stun: () => stun,
    async close() {
      try {
        await swarm.close()
      } finally {
        clock.close()
      }
    },
  }
}

/** Listens in on what the tracker recommends; a diagnosis rests on it. */
function onRecommendedServers(signaller: Signaller, onServers: (count: number) => void): Signaller {
  return {
    open: events =>
      signaller.open({
        ...events,
        onIceServers(servers) {
          onServers(servers.length)
          events.onIceServers(servers)
        },
      }),
    offer: (to, offerId, sdp) => signaller.offer(to, offerId, sdp),
    answer: (to, offerId, sdp) => signaller.answer(to, offerId, sdp),
    candidate: (to, offerId, candidate) => signaller.candidate(to, offerId, candidate),
    update: status => signaller.update(status),
    close: () => signaller.close(),
  }
}
