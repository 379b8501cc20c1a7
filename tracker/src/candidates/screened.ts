import type { Connection } from '../registry/connection.ts'
import type { Context } from '../registry/context.ts'
import type { Peer } from '../registry/peer.ts'
import { Screen } from './screen.ts'

/**
 * Which ICE candidates pass from client to client. `own`: local names, private addresses and what is the sender's
 * own; `relays`: TURN servers besides; `any`: all, unread, as other trackers do.
 */
export type CandidatePolicy = 'own' | 'relays' | 'any'

/** What of a description by this peer may be passed on, as a JSON string. */
export function screenedDescription(
  context: Context,
  { connection, policy, guest }: Peer,
  { sdp, sdpJson }: { readonly sdp: string; readonly sdpJson?: string },
): string {
  // The guest's own node has looked at it, and only that one can.
  if (guest !== null && sdpJson !== undefined) return sdpJson
  const isAny = context.candidates === 'any'
  const clean = isAny ? sdp : screenOf(context, connection).description(sdp, policy.wan === 'deny')
  return clean === sdp && sdpJson !== undefined ? sdpJson : JSON.stringify(clean)
}

/** The same for trickled candidates; empty when none may. */
export function screenedCandidates(
  context: Context,
  { connection, policy, guest }: Peer,
  candidates: readonly string[],
): readonly string[] {
  if (context.candidates === 'any' || guest !== null) return candidates
  return screenOf(context, connection).candidates(candidates, policy.wan === 'deny')
}

function screenOf(context: Context, connection: Connection): Screen {
  connection.screen ??= new Screen(
    {
      address: connection.address,
      site: connection.standing.network.site,
      siteOf: address => context.policies.siteOf(address),
      relays: context.candidates === 'relays',
    },
    reason => context.counters.stripped[reason]++,
  )
  return connection.screen
}
