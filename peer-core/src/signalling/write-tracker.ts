import type { BinaryId } from './binary.ts'
import type { Level } from './level.ts'
import type { Refusal } from './parse-client.ts'
import type { ScrapedSwarm, TrackerExtras } from './tracker-message.ts'

/**
 * Texts for what our tracker says. Everything rides on `action: "announce"` with the swarm's `info_hash`, because
 * the reference client drops its socket on an unknown action and ignores unknown fields.
 */

export interface ResponseFields {
  readonly infoHash: BinaryId
  /** Seconds. */
  readonly interval: number
  readonly complete: number
  readonly incomplete: number
  /** '' to leave it out. */
  readonly trackerId: string
  readonly extras: TrackerExtras | null
}

export function writeResponse(response: ResponseFields): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: response.infoHash,
    interval: response.interval,
    complete: response.complete,
    incomplete: response.incomplete,
    ...(response.trackerId !== '' && { 'tracker id': response.trackerId }),
    ...(response.extras && { nearcast: wireExtras(response.extras) }),
  })
}

/** Something new between announces, for clients that speak our fields. */
export function writePush(infoHash: BinaryId, extras: TrackerExtras): string {
  return JSON.stringify({ action: 'announce', info_hash: infoHash, nearcast: wireExtras(extras) })
}

/**
 * Joined by hand, since this is nearly all that a tracker sends. `sdpJson`: the description as a JSON string. `ours`: what a
 * client that speaks our fields learns beside the offer.
 */
export function writeOffer(
  infoHash: BinaryId,
  from: BinaryId,
  offerId: BinaryId,
  sdpJson: string,
  ours: { readonly level: Level; readonly trickle: boolean } | null,
): string {
  const extras = ours && `,"nearcast":${JSON.stringify({ v: 1, level: ours.level, trickle: ours.trickle })}`
  return `${head(infoHash, from)},"offer":{"type":"offer","sdp":${sdpJson}},"offer_id":${JSON.stringify(offerId)}${extras ?? ''}}`
}

/** `sdpJson`: the description as a JSON string. */
export function writeAnswer(infoHash: BinaryId, from: BinaryId, offerId: BinaryId, sdpJson: string): string {
  return `${head(infoHash, from)},"answer":{"type":"answer","sdp":${sdpJson}},"offer_id":${JSON.stringify(offerId)}}`
}

function head(infoHash: BinaryId, from: BinaryId): string {
  return `{"action":"announce","info_hash":${JSON.stringify(infoHash)},"peer_id":${JSON.stringify(from)}`
}

export function writeCandidates(
  infoHash: BinaryId,
  from: BinaryId,
  offerId: BinaryId,
  candidates: readonly string[],
): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: infoHash,
    peer_id: from,
    offer_id: offerId,
    nearcast: { v: 1, candidates },
  })
}

export function writeScrape(swarms: readonly ScrapedSwarm[], minRequestSeconds: number): string {
  const files = Object.fromEntries(
    swarms.map(({ infoHash, complete, incomplete, downloaded }) => [
      infoHash,
      { complete, incomplete, downloaded },
    ]),
  )
  return JSON.stringify({ action: 'scrape', files, flags: { min_request_interval: minRequestSeconds } })
}

/**
 * null when the refusal cannot be said without crashing the reference client, which reads `info_hash` of every
 * announce message: then the socket can only be closed. Of a scrape it reads nothing but `files`.
 */
export function writeRefusal({ action, infoHash, reason, wantsToken = false }: Refusal): string | null {
  if (infoHash !== null) {
    const ours = wantsToken ? { nearcast: { v: 1, refused: 'token' } } : null
    return JSON.stringify({ action, info_hash: infoHash, 'failure reason': reason, ...ours })
  }
  return action === 'scrape' ? JSON.stringify({ action, files: {}, 'failure reason': reason }) : null
}

function wireExtras({ neighbours, ice, ...rest }: TrackerExtras): object {
  return {
    v: 1,
    ...rest,
    ...(neighbours && { neighbours: neighbours.map(({ peerId, level }) => ({ peer_id: peerId, level })) }),
    ...(ice && { ice: { urls: ice } }),
  }
}
