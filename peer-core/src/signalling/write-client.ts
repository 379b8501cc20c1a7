import type { Announce, Answer, Candidates, DirectedOffer, Report } from './client-message.ts'
import { type OwnReport, wireReport } from './report.ts'

/** Texts for what a client says. The counterpart of `parse-client.ts`. */

/** `extras.directed` says that we take named neighbours and trickle ICE. */
export function writeAnnounce(announce: Omit<Announce, 'type'>): string {
  const { extras } = announce
  return JSON.stringify({
    action: 'announce',
    info_hash: announce.infoHash,
    peer_id: announce.peerId,
    numwant: announce.numwant ?? announce.offers.length,
    uploaded: 0,
    downloaded: 0,
    left: announce.complete ? 0 : 1,
    ...(announce.event !== 'update' && { event: announce.event }),
    ...(announce.trackerId !== '' && { trackerid: announce.trackerId }),
    offers: announce.offers.map(({ offerId, sdp }) => ({ offer: { type: 'offer', sdp }, offer_id: offerId })),
    ...(extras && {
      nearcast: {
        v: 1,
        ...(extras.token !== undefined && { token: extras.token }),
        mode: extras.mode,
        neighbours: { have: extras.have, want: extras.want },
        ...(extras.outcomes.length > 0 && { outcomes: extras.outcomes }),
        ...(extras.childLinks !== null && { childLinks: extras.childLinks }),
        ...(extras.lan !== null && { network: { lan: extras.lan } }),
        ...(extras.directed && { caps: ['directed', 'trickle'] }),
      },
    }),
  })
}

export function writeReport({
  infoHash,
  peerId,
  report,
}: Omit<Report, 'type' | 'report'> & { readonly report: OwnReport }): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: infoHash,
    peer_id: peerId,
    nearcast: { v: 1, report: wireReport(report) },
  })
}

export function writeSignal(signal: DirectedOffer | Answer | Candidates): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: signal.infoHash,
    peer_id: signal.peerId,
    to_peer_id: signal.to,
    offer_id: signal.offerId,
    ...(signal.type === 'candidates'
      ? { nearcast: { v: 1, candidates: signal.candidates } }
      : { [signal.type]: { type: signal.type, sdp: signal.sdp } }),
  })
}
