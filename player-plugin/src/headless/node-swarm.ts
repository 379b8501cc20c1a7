import { createEdgeSource } from '@nearcast/edge-fallback'
import {
  createHasher,
  createMesh,
  createPeerId,
  createSimplePeerTransport,
  createSwarm,
  createTimerClock,
  createTrackerClient,
  type Hasher,
  type OwnReport,
  type Swarm,
} from '@nearcast/peer-core'
import { createWeriftWrtc } from '@nearcast/peer-core/node'
import type { ResolvedHeadless } from './headless-options.ts'
import type { Shelf } from './shelf.ts'

/** The plugin's parts, with werift for WebRTC and whatever the shelf is for a store. */
export function startNodeSwarm(
  options: ResolvedHeadless,
  infoHash: string,
  shelf: Shelf,
  report: (segmentsBefore: number) => OwnReport | null = () => null,
  hasher: Hasher = createHasher(),
): Swarm {
  const { trackers, iceServers, mode, wan, integrity, uploadKbps, cacheBytes, cacheDir } = options
  const self = createPeerId()
  const clock = createTimerClock()
  const signaller = createTrackerClient({
    urls: trackers,
    infoHash,
    peerId: self,
    clock,
    report,
    ...(options.token !== undefined && { token: options.token }),
  })
  const mesh = createMesh({
    self,
    infoHash,
    signaller,
    transport: createSimplePeerTransport({ wrtc: createWeriftWrtc() }),
    clock: createTimerClock(),
    mode,
    wan,
    iceServers,
  })
  return createSwarm({
    selfId: self,
    mesh,
    edge: createEdgeSource(),
    store: shelf.store,
    hasher,
    clock: createTimerClock(),
    policy: { mode, wan, integrity, uploadKbps },
    config: { storeBytes: cacheBytes },
    // Without a disk the shelf has only names, and memory must forget nothing that it names.
    ...(cacheDir === undefined ? { memoryBytes: Number.POSITIVE_INFINITY } : {}),
  })
}
