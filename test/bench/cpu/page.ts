import { createEdgeSource } from '@nearcast/edge-fallback'
import {
  createHasher,
  createMesh,
  createPeerId,
  createSwarm,
  createTimerClock,
  createTrackerClient,
  infoHash,
  type Swarm,
  type SwarmSnapshot,
} from '@nearcast/peer-core'
import { resolveConfig } from '../../../player-plugin/src/config.ts'
import { Viewer } from '../../../player-plugin/src/headless/viewer.ts'
import { startSwarm } from '../../../player-plugin/src/start-swarm.ts'
import { LiveFeed } from './feed.ts'
import { createNearbyNetwork } from './nearby-transport.ts'

/**
 * Viewers of one live stream inside a page. One alone is everything that the plugin starts, with a player that shows
 * nothing; several are the same, but for how they are linked among themselves.
 */

export interface PageSetup {
  readonly playlist: string
  readonly tracker: string
  readonly viewers: number
  /** Time over which they start, ms. */
  readonly spreadMs: number
  /** Kept by each for others. */
  readonly storeBytes: number
}

export interface ViewerReport {
  readonly bytes: SwarmSnapshot['bytes']
  readonly links: number
  readonly groupSize: number
  readonly isPlaying: boolean
  readonly stalls: number
  readonly hasDigests: boolean
  readonly problems: readonly string[]
}

/** Of all data channels of the page, since it began. */
export interface ChannelReport {
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** As hls.js: `maxBufferLength`. */
const goalMs = 30_000

const viewers: { readonly report: () => ViewerReport }[] = []
const connections = new Set<RTCPeerConnection>()

const Connection = globalThis.RTCPeerConnection
globalThis.RTCPeerConnection = class extends Connection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration)
    connections.add(this)
  }
}

export async function start(setup: PageSetup): Promise<void> {
  if (setup.viewers === 1) return startViewer(await startAlone(setup), setup)
  const network = createNearbyNetwork()
  for (let i = 0; i < setup.viewers; i++) {
    await startViewer(await startBeside(setup, network), setup)
    // Players read the playlist in the rhythm of their start: all at once, and the same would always see a segment first.
    await new Promise(resolve => setTimeout(resolve, setup.spreadMs / setup.viewers))
  }
}

export function report(): ViewerReport[] {
  return viewers.map(viewer => viewer.report())
}

export async function channels(): Promise<ChannelReport> {
  const sums = { messagesSent: 0, messagesReceived: 0, bytesSent: 0, bytesReceived: 0 }
  for (const connection of connections) {
    for (const stats of (await connection.getStats()).values()) {
      if (stats.type !== 'data-channel') continue
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += stats[name] ?? 0
    }
  }
  return sums
}

async function startAlone({ playlist, tracker, storeBytes }: PageSetup): Promise<Swarm> {
  const config = resolveConfig({ tracker, storeBytes }, false)
  return (
    await startSwarm({
      contentId: playlist,
      config,
      mode: 'share',
      edge: createEdgeSource(),
      report: () => null,
    })
  ).swarm
}

async function startBeside(
  { playlist, tracker, storeBytes }: PageSetup,
  network: ReturnType<typeof createNearbyNetwork>,
): Promise<Swarm> {
  const hasher = createHasher()
  const self = createPeerId()
  const hash = await infoHash(playlist, hasher)
  const signaller = createTrackerClient({
    urls: [tracker],
    infoHash: hash,
    peerId: self,
    clock: createTimerClock(),
  })
  return createSwarm({
    selfId: self,
    mesh: createMesh({
      self,
      infoHash: hash,
      signaller,
      transport: network.transport(),
      clock: createTimerClock(),
    }),
    edge: createEdgeSource(),
    store: null,
    hasher,
    clock: createTimerClock(),
    config: { storeBytes },
    memoryBytes: storeBytes,
  })
}

async function startViewer(swarm: Swarm, { playlist }: PageSetup): Promise<void> {
  const feed = new LiveFeed(playlist, swarm)
  const problems: string[] = []
  await feed.load()
  const viewer = new Viewer({
    swarm,
    feeds: [feed],
    goalMs,
    onSegment: () => {},
    onProblem: (reason, message) => problems.push(`${reason}: ${message}`),
    onEnded: () => {},
  })
  void feed.follow(() => viewer.update())
  viewers.push({
    report() {
      const { bytes, peers, verification, policy } = swarm.snapshot()
      const { state, stalls } = viewer.report()
      return {
        bytes,
        links: peers.length,
        groupSize: policy.groupSize,
        isPlaying: state === 'playing',
        stalls,
        hasDigests: verification.digests === 'present',
        problems: [...problems],
      }
    },
  })
}
