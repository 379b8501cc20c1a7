import { blockBytes, type PeerId, type PeerMessage } from '../../peer-core/src/core/messages.ts'
import type { Link } from './network.ts'
import type { Shelf } from './shelf.ts'
import { controlBytes } from './sizes.ts'
import type { Station } from './station.ts'
import type { Segment, Stream } from './stream.ts'

/** A message as it travels: the truth about its payload goes with it. */
export interface Envelope {
  readonly message: PeerMessage
  readonly segment: Segment | null
  readonly wrong: boolean
}

/** What one viewer says in one turn, until the turn is over. Here a bad peer spoils what its honest core says. */
export interface Outbox {
  post(peer: PeerId, message: PeerMessage, key: string | null): void
  /** Control messages of one turn share a packet; every piece has its own. */
  flush(): void
}

export function createOutbox(
  station: Station,
  stream: Stream,
  shelf: Shelf,
  links: ReadonlyMap<PeerId, Link>,
): Outbox {
  const batches = new Map<PeerId, Envelope[]>()

  const isWrong = (message: PeerMessage, key: string | null): boolean => {
    if (message.type !== 'piece' || key === null) return false
    if (station.conduct === 'lying') return true
    for (const block of shelf.holding(key)?.wrong ?? []) {
      const start = block * blockBytes
      if (start < message.offset + message.length && start + blockBytes > message.offset) return true
    }
    return false
  }

  return {
    post(peer, message, key) {
      if (!links.has(peer)) return
      if (station.conduct === 'silent' && message.type === 'piece') return
      const segment = key === null ? null : stream.segment(key)
      const envelope: Envelope = { message, segment, wrong: isWrong(message, key) }
      const batch = batches.get(peer)
      if (batch === undefined) batches.set(peer, [envelope])
      else batch.push(envelope)
    },
    flush() {
      if (batches.size === 0) return
      for (const [peer, batch] of batches) {
        const link = links.get(peer)
        if (link !== undefined) dispatch(link, batch)
      }
      batches.clear()
    },
  }
}

function dispatch(link: Link, batch: readonly Envelope[]): void {
  const control: Envelope[] = []
  let bytes = 0
  let digestBytes = 0
  for (const envelope of batch) {
    if (envelope.message.type === 'piece') continue
    control.push(envelope)
    bytes += controlBytes(envelope.message)
    if (envelope.message.type === 'hashes') digestBytes += 32 * envelope.message.count
  }
  if (control.length > 0) {
    link.send({ body: control, controlBytes: bytes, digestBytes, mediaBytes: 0, segment: null })
  }
  for (const envelope of batch) {
    const { message, segment } = envelope
    if (message.type !== 'piece') continue
    const overhead = controlBytes(message)
    link.send({
      body: [envelope],
      controlBytes: overhead,
      digestBytes: 0,
      mediaBytes: message.length,
      segment,
    })
  }
}
