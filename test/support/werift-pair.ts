import { createLink, createSimplePeerTransport, type Link } from '@nearcast/peer-core'
import { createWeriftWrtc } from '@nearcast/peer-core/node'

export const ids = ['a'.repeat(40), 'b'.repeat(40)] as const

export interface WeriftPairOptions {
  /** @default true */
  readonly trickle?: boolean
  /** @default [] */
  readonly iceServers?: readonly { readonly urls: string }[]
}

/** Two links to each other in this process, over werift and real UDP. */
export async function createWeriftPair({
  trickle = true,
  iceServers = [],
}: WeriftPairOptions = {}): Promise<[Link, Link]> {
  const transport = createSimplePeerTransport({ wrtc: createWeriftWrtc() })
  const connections = [true, false].map(initiator => {
    const other = () => connections[initiator ? 1 : 0]!
    return transport.connect(
      { initiator, trickle, iceServers },
      {
        onDescription: (type, sdp) => other().describe(type, sdp),
        onCandidate: candidate => other().addCandidate(candidate),
        onCandidateType: () => {},
      },
    )
  })
  const links = connections.map((connection, i) => {
    const hello = { v: 1, mode: 'share', reqq: 256 } as const
    const options = {
      self: ids[i]!,
      peer: ids[1 - i]!,
      infoHash: 'c'.repeat(40),
      hello,
      now: () => performance.now(),
    }
    return new Promise<Link>((resolve, reject) => {
      createLink(connection, options, { onReady: resolve, onFail: reason => reject(new Error(reason)) })
    })
  })
  return (await Promise.all(links)) as [Link, Link]
}
