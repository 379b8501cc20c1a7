import { hexToBinary, type Report } from '@nearcast/peer-core/signalling'
import { infoHashOf } from '../policy/read-policies.ts'
import type { Whereabouts } from '../reports/reports.ts'
import { type Connection, membershipKey } from './connection.ts'
import type { Context } from './context.ts'
import type { Peer } from './peer.ts'

/**
 * Takes what a viewer says about itself. It counts for the membership that this very socket holds, at the place the
 * tracker sees: nobody speaks for another. Not answered, so that reports cost half of an announce.
 */
export function takeReport(
  context: Context,
  connection: Connection,
  { infoHash, peerId, report }: Report,
): void {
  const { reports } = context
  if (reports === null) return
  const peer = connection.peers.get(membershipKey(infoHash, peerId))
  // Not joined, or taken over from another socket meanwhile: nothing it could count for.
  if (peer === undefined) return
  if (report === null) return reports.refuse()
  reports.take(peer, whereaboutsOf(context, peer), report, context.now())
}

/** Worked out once, and anew when the rules for the connection change. */
function whereaboutsOf({ labels, contentNames }: Context, peer: Peer): Whereabouts {
  const { standing } = peer.connection
  if (peer.whereabouts?.standing === standing) return peer.whereabouts.value
  const { infoHash } = peer.swarm
  const { site, address } = standing.network
  const value: Whereabouts = {
    place: site === null ? { kind: 'network', name: labels.network(address) } : { kind: 'site', name: site },
    content: contentNames.get(infoHash) ?? labels.content(infoHash),
  }
  peer.whereabouts = { standing, value }
  return value
}

/** Adds names by content, however the operator refers to it, to those by which the registry knows contents. */
export function addNames(to: Map<string, string>, names: Readonly<Record<string, string>>): void {
  for (const [content, name] of Object.entries(names)) to.set(hexToBinary(infoHashOf(content)), name)
}
