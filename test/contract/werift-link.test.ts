import { createLink, createSimplePeerTransport, type Link } from '@nearcast/peer-core'
import { createWeriftWrtc } from '@nearcast/peer-core/node'
import { describe, expect, it } from 'vitest'
import { type LinkPair, linkContract } from './link-contract.ts'

const ids = ['a'.repeat(40), 'b'.repeat(40)] as const

/** Two werift connections in this process, over real UDP. */
async function connect(trickle: boolean): Promise<LinkPair> {
  const transport = createSimplePeerTransport({ wrtc: createWeriftWrtc() })
  const connections = [true, false].map(initiator => {
    const other = () => connections[initiator ? 1 : 0]!
    return transport.connect(
      { initiator, trickle, iceServers: [] },
      {
        onDescription: (type, sdp) => other().describe(type, sdp),
        onCandidate: candidate => other().addCandidate(candidate),
        onCandidateType: () => {},
      },
    )
  })
  const links = await Promise.all(
    connections.map(
      (connection, i) =>
        new Promise<Link>((resolve, reject) => {
          const options = {
            self: ids[i]!,
            peer: ids[1 - i]!,
            infoHash: 'c'.repeat(40),
            hello: { v: 1, mode: 'share', reqq: 256 } as const,
            now: () => performance.now(),
          }
          createLink(connection, options, { onReady: resolve, onFail: reason => reject(new Error(reason)) })
        }),
    ),
  )
  return { links: links as [Link, Link] }
}

describe('a link over simple-peer and werift', () => {
  linkContract(() => connect(true))

  it('opens without trickling too', async () => {
    const { links } = await connect(false)
    expect(links.map(link => link.peer)).toEqual([ids[1], ids[0]])
    for (const link of links) link.close('done')
  })
})
