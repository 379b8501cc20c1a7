import type { Transport } from './adapters/transport/connection.ts'
import type { Policy } from './core/events.ts'
import type { Mode, PeerId } from './core/messages.ts'
import { SignalledMesh } from './mesh/signalled-mesh.ts'
import type { Clock, Mesh, Signaller } from './ports.ts'

export interface MeshOptions {
  readonly self: PeerId
  /** The swarm, 40 lower-case hex digits. */
  readonly infoHash: string
  readonly signaller: Signaller
  readonly transport: Transport
  /** A clock of its own: the mesh arms one timer. */
  readonly clock: Clock
  /** @default 'share' */
  readonly mode?: Mode
  /** `deny`: no link leaves the group, and no address is shown outside it. @default 'allow' */
  readonly wan?: Policy['wan']
  /**
   * Links inside the group: a full mesh of 30, or a fetcher's fellows, its children and whom it was meshed with before.
   * @default 48
   */
  readonly groupLinks?: number
  /** Links that leave the group. @default 4 */
  readonly outsideLinks?: number
  /** From the first description to a ready link. Paths that work do within half a second. @default 10000 */
  readonly dialTimeoutMs?: number
  /**
   * Between two dials, ms. Making a connection takes 5 to 15 ms of a page's one thread: two dozen at once would stand in
   * the way of the first frame, which is loaded at the same time. 0: all at once. @default 20
   */
  readonly dialGapMs?: number
  /** Requests that a peer may have outstanding here. @default 256 */
  readonly reqq?: number
  /** Until the tracker recommends others. @default [] */
  readonly iceServers?: readonly { readonly urls: string }[]
  /** In [0, 1), for jitter and offer ids. @default Math.random */
  readonly random?: () => number
}

/** Finds peers of one swarm through a signaller and keeps one link to each. */
export function createMesh(options: MeshOptions): Mesh {
  return new SignalledMesh({
    mode: 'share',
    wan: 'allow',
    groupLinks: 48,
    outsideLinks: 4,
    dialTimeoutMs: 10_000,
    dialGapMs: 20,
    reqq: 256,
    iceServers: [],
    random: Math.random,
    ...options,
  })
}
