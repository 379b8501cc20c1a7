import type { Connection } from '../registry/connection.ts'
import type { Context } from '../registry/context.ts'
import { Screen } from './screen.ts'

/**
 * Which ICE candidates pass from client to client. `own`: local names, private addresses and what is the sender's
 * own; `relays`: TURN servers besides; `any`: all, unread, as other trackers do.
 */
export type CandidatePolicy = 'own' | 'relays' | 'any'

/** The screen for what this connection sends, or null when all may pass. */
export function screenOf(context: Context, connection: Connection): Screen | null {
  if (context.candidates === 'any') return null
  connection.screen ??= new Screen(
    {
      address: connection.address,
      site: connection.standing.network.site,
      wan: connection.standing.policy.wan,
      siteOf: context.siteOf,
      relays: context.candidates === 'relays',
    },
    reason => context.counters.stripped[reason]++,
  )
  return connection.screen
}

/** What a connection's description becomes on its way to others, as a JSON string. */
export function cleanDescription(
  context: Context,
  connection: Connection,
  { sdp, sdpJson }: { readonly sdp: string; readonly sdpJson?: string },
): string {
  const clean = screenOf(context, connection)?.description(sdp) ?? sdp
  return clean === sdp && sdpJson !== undefined ? sdpJson : JSON.stringify(clean)
}
