import {
  createHasher,
  createMesh,
  createPeerId,
  createSimplePeerTransport,
  createSwarm,
  createTimerClock,
  createTrackerClient,
  type Edge,
  type Mesh,
  type Swarm,
} from '@nearcast/peer-core'
import { createWeriftWrtc } from '@nearcast/peer-core/node'

/** A whole peer, with real data channels (werift), that announces at one tracker. */
export interface Member {
  readonly swarm: Swarm
  /** Ids of those linked with it. */
  links(): readonly string[]
  readonly self: string
  tracker(): ReturnType<Mesh['state']>['tracker']
  group(): ReturnType<Mesh['state']>['group']
  /** Every state of its tracker's, in order. */
  readonly states: readonly string[]
  close(): Promise<void>
}

export function joinSwarm(urls: readonly string[], infoHash: string, edge: Edge = noEdge): Member {
  const self = createPeerId()
  const clock = createTimerClock()
  const mesh = createMesh({
    self,
    infoHash,
    signaller: createTrackerClient({ urls, infoHash, peerId: self, clock }),
    transport: createSimplePeerTransport({ wrtc: createWeriftWrtc() }),
    clock: createTimerClock(),
  })
  const states: string[] = []
  const open = mesh.open.bind(mesh)
  mesh.open = events =>
    open({
      ...events,
      onState(state) {
        states.push(state.tracker)
        events.onState(state)
      },
    })
  const swarm = createSwarm({
    selfId: self,
    mesh,
    edge,
    store: null,
    hasher: createHasher(),
    clock: createTimerClock(),
    policy: { groupSize: 2 },
  })
  return {
    swarm,
    self,
    links: () => swarm.snapshot().peers.map(({ id }) => id),
    tracker: () => mesh.state().tracker,
    group: () => mesh.state().group,
    states,
    close: () => swarm.close(),
  }
}

/** What must come from peers or not at all. */
const noEdge: Edge = {
  fetch(_request, sink) {
    const timer = setTimeout(() => sink.onFail('busy', '503'), 1)
    return { abort: () => clearTimeout(timer) }
  },
}
