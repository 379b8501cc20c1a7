import type { Hello, PeerId } from '../core/messages.ts'
import type { Link } from '../ports.ts'
import {
  createMemoryConnections,
  type MemoryConnection,
  type MemoryNetworkOptions,
} from './transport/memory.ts'
import { createLink } from './wire/link.ts'

export interface MemoryLinkOptions extends MemoryNetworkOptions {
  /** @default 'aa…' and 'bb…' */
  readonly peers?: readonly [PeerId, PeerId]
  /** @default { v: 1, mode: 'share', reqq: 256 } */
  readonly hello?: Hello
  /** @default performance.now */
  readonly now?: () => number
}

export interface MemoryLinks {
  /** The first peer's link to the second, and the other way round. */
  readonly links: readonly [Link, Link]
  readonly connections: readonly [MemoryConnection, MemoryConnection]
}

/** Two links to each other: the real wire, back-pressure and all, over a channel in memory. */
export function createMemoryLinks(options: MemoryLinkOptions = {}): Promise<MemoryLinks> {
  const [a, b] = options.peers ?? ['a'.repeat(40), 'b'.repeat(40)]
  const hello = options.hello ?? { v: 1, mode: 'share', reqq: 256 }
  const now = options.now ?? (() => performance.now())
  const infoHash = '0'.repeat(40)
  const connections = createMemoryConnections(options)
  const open = (connection: MemoryConnection, self: PeerId, peer: PeerId) =>
    new Promise<Link>((resolve, reject) => {
      createLink(
        connection,
        { self, peer, infoHash, hello, now },
        {
          onReady: resolve,
          onFail: reason => reject(new Error(`memory link: ${reason}`)),
        },
      )
    })
  return Promise.all([open(connections[0], a, b), open(connections[1], b, a)]).then(links => ({
    links,
    connections,
  }))
}
