import type { Answer, BinaryId, Candidates, DirectedOffer } from '@nearcast/peer-core/signalling'
import { writeAnswer, writeCandidates } from '@nearcast/peer-core/signalling'
import { screenedCandidates, screenedDescription } from '../candidates/screened.ts'
import { relayOffer } from './announce.ts'
import type { Connection } from './connection.ts'
import { type Context, refuse, send } from './context.ts'
import type { Refused } from './counters.ts'
import type { OpenOffer } from './ledger.ts'
import { levelBetween, mayMeet, type Peer } from './peer.ts'

/** Offers of one peer waiting at one other: a redial or two, not a flood. */
const offersPerPair = 4

/**
 * Takes what is addressed to one peer. Only fields we know are written anew, nothing is passed through. Things that
 * come too late are ordinary (the other left, the offer expired): they are counted and dropped without a word.
 */
export function relay(
  context: Context,
  connection: Connection,
  message: DirectedOffer | Answer | Candidates,
): void {
  const sender = context.swarms.get(message.infoHash)?.peers.get(message.peerId)
  if (sender?.connection !== connection) {
    if (message.type === 'answer') context.counters.answered.stranger++
    return refuse(context, connection, 'stranger', 'announce this peer_id first', message.infoHash)
  }
  let dropped: Refused | null = 'absent'
  for (const receiver of receivers(context, sender, message.to)) {
    dropped = relayTo(context, sender, receiver, message)
    if (dropped === null) break
  }
  if (message.type === 'answer') context.counters.answered[dropped ?? 'relayed']++
  if (dropped !== null) context.counters.refused[dropped]++
}

/**
 * A peer that announces at several machines may be here and a guest from another: what it began through either ends
 * through the same.
 */
function receivers(context: Context, sender: Peer, to: BinaryId): readonly Peer[] {
  const resident = sender.swarm.peers.get(to) ?? null
  const guest = context.abroad?.guests.find(sender.swarm.infoHash, to) ?? null
  if (guest === null) return resident === null ? [] : [resident]
  if (resident === null) return [guest]
  const isIntroduced = guest.partners.has(sender.id, context.now())
  return resident.away && isIntroduced ? [guest, resident] : [resident, guest]
}

/** Null: it was. */
export function relayTo(
  context: Context,
  sender: Peer,
  receiver: Peer,
  message: DirectedOffer | Answer | Candidates,
): Refused | null {
  // The operator may have changed the rules since these two were matched.
  if (!mayMeet(sender, receiver)) return 'forbidden'
  switch (message.type) {
    case 'offer':
      return relayDirected(context, sender, receiver, message)
    case 'answer':
      return relayAnswer(context, sender, receiver, message)
    case 'candidates':
      return relayCandidates(context, sender, receiver, message)
  }
}

function relayDirected(
  context: Context,
  sender: Peer,
  receiver: Peer,
  message: DirectedOffer,
): Refused | null {
  if (!sender.partners.has(receiver.id, context.now())) return 'unnamed'
  if (receiver.speaks !== 'directed') return 'unnamed'
  const { ledger } = receiver
  if (ledger.size >= context.limits.openOffersPerPeer || ledger.countFrom(sender.id) >= offersPerPair)
    return 'crowded'
  if (ledger.find(sender.id, message.offerId, context.now()) !== null) return 'crowded'
  relayOffer(context, sender, receiver, levelBetween(sender, receiver), message, 'directed')
  return null
}

function relayAnswer(context: Context, sender: Peer, receiver: Peer, message: Answer): Refused | null {
  const offer = openOffer(context, sender, receiver, message.offerId)
  if (offer === null || offer.state !== 'open') return 'unsolicited'
  offer.state = 'answered'
  // Nothing follows a complete description, so its entry can go; the other kind trickles on.
  if (offer.kind === 'speculative') {
    sender.ledger.remove(offer)
    context.expiries.drop(offer.ticket)
  }
  const clean = screenedDescription(context, sender, message)
  if (receiver.guest !== null) {
    context.abroad?.carry(sender, receiver, message.offerId, { type: 'answer', sdpJson: clean })
    return null
  }
  context.counters.answers++
  send(context, receiver.connection, writeAnswer(sender.swarm.infoHash, sender.id, message.offerId, clean))
  return null
}

function relayCandidates(
  context: Context,
  sender: Peer,
  receiver: Peer,
  message: Candidates,
): Refused | null {
  const mine = openOffer(context, receiver, sender, message.offerId)
  const theirs = openOffer(context, sender, receiver, message.offerId)
  const offer = mine ?? theirs
  if (offer === null || offer.kind !== 'directed') return 'unsolicited'
  const sent = mine !== null ? ++offer.offererCandidates : ++offer.answererCandidates
  if (sent > context.limits.candidateMessages) return 'rate'
  const clean = screenedCandidates(context, sender, message.candidates)
  if (clean.length === 0) return null
  if (receiver.guest !== null) {
    context.abroad?.carry(sender, receiver, message.offerId, { type: 'candidates', candidates: clean })
    return null
  }
  context.counters.candidates++
  send(
    context,
    receiver.connection,
    writeCandidates(sender.swarm.infoHash, sender.id, message.offerId, clean),
  )
  return null
}

/** The entry for `offerer`'s offer at `answerer`. A peer that left and came back under its id is another peer. */
function openOffer(context: Context, answerer: Peer, offerer: Peer, offerId: BinaryId): OpenOffer | null {
  const offer = answerer.ledger.find(offerer.id, offerId, context.now())
  return offer !== null && offer.from === offerer ? offer : null
}
