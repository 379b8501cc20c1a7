import type { Connection, Transport } from '../adapters/transport/connection.ts'
import { createLink, type LinkOptions, type LinkOutcome } from '../adapters/wire/link.ts'
import type { Place } from '../core/events.ts'
import type { PeerId } from '../core/messages.ts'
import type { ConnectionName } from './rules.ts'

/**
 * `dial`: our offer to a named neighbour. `answer`: our answer to an offer. `speculative`: our offer to whomever a
 * standard tracker hands it; nobody is known until the answer.
 */
export type AttemptKind = 'dial' | 'answer' | 'speculative'

export interface AttemptPlan {
  readonly kind: AttemptKind
  readonly offerId: string
  /** Null until known. */
  readonly peer: PeerId | null
  /** Null until known: standard trackers do not say. */
  readonly place: Place | null
  readonly trickle: boolean
  /** Given up when not ready by then. */
  readonly deadline: number
  readonly startedAt: number
}

export interface AttemptEvents extends Pick<LinkOutcome, 'onReady' | 'onFail' | 'onEnd'> {
  onDescription(sdp: string): void
  onCandidate(candidate: string): void
  onCandidateType(type: string): void
  onLan(network: string): void
}

/** Candidates taken from one peer for one attempt; a host with many interfaces has some twenty. */
const maxCandidates = 64

/** One try at a connection: from the first description until its link is ready or will never be. */
export class Attempt {
  readonly plan: AttemptPlan
  peer: PeerId | null
  /** The other side's description is here: from now on a failure is the network's. */
  answered: boolean
  /** Its link was ready, and is no more. */
  ended = false
  #connection: Connection
  #link: { close(reason: string): void }
  #candidates = 0

  constructor(
    plan: AttemptPlan,
    transport: Transport,
    iceServers: readonly { readonly urls: string }[],
    link: Omit<LinkOptions, 'peer'>,
    events: AttemptEvents,
  ) {
    this.plan = plan
    this.peer = plan.peer
    this.answered = plan.kind === 'answer'
    this.#connection = transport.connect(
      { initiator: plan.kind !== 'answer', trickle: plan.trickle, iceServers },
      {
        onDescription: (_, sdp) => events.onDescription(sdp),
        onCandidate: candidate => events.onCandidate(candidate),
        onCandidateType: type => events.onCandidateType(type),
        onLan: network => events.onLan(network),
      },
    )
    this.#link = createLink(this.#connection, { ...link, peer: plan.peer }, events)
  }

  /** What both sides call the connection. */
  name(self: PeerId): ConnectionName {
    return { offerer: this.plan.kind === 'answer' ? (this.peer ?? '') : self, offerId: this.plan.offerId }
  }

  describe(sdp: string): void {
    this.answered = true
    this.#connection.describe(this.plan.kind === 'answer' ? 'offer' : 'answer', sdp)
  }

  addCandidate(candidate: string): void {
    if (++this.#candidates <= maxCandidates) this.#connection.addCandidate(candidate)
  }

  close(reason: string): void {
    this.#link.close(reason)
  }
}
