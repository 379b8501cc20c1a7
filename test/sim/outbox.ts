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
  /** Control messages of one turn share a packet and go first; every piece has its own. */
  flush(): void
}

/** What waits for one peer. Its control messages are the packet that the link takes. */
interface Batch {
  readonly body: Envelope[]
  readonly mediaBytes: 0
  readonly segment: null
  controlBytes: number
  digestBytes: number
  pieces: Envelope[] | null
}

export function createOutbox(
  station: Station,
  stream: Stream,
  shelf: Shelf,
  links: ReadonlyMap<PeerId, Link>,
): Outbox {
  const batches = new Map<PeerId, Batch>()

  const isWrong = (message: PeerMessage, key: string | null): boolean => {
    if (message.type !== 'piece' || key === null) return false
    if (station.conduct === 'lying') return true
    for (const block of shelf.holding(key)?.wrong ?? []) {
      const start = block * blockBytes
      if (start < message.offset + message.length && start + blockBytes > message.offset) return true
    }
    return false
  }

  const batchFor = (peer: PeerId): Batch => {
    const known = batches.get(peer)
    if (known !== undefined) return known
    const batch: Batch = {
      body: [],
      mediaBytes: 0,
      segment: null,
      controlBytes: 0,
      digestBytes: 0,
      pieces: null,
    }
    batches.set(peer, batch)
    return batch
  }

  return {
    post(peer, message, key) {
      if (!links.has(peer)) return
      if (station.conduct === 'silent' && message.type === 'piece') return
      const segment = key === null ? null : stream.segment(key)
      const envelope: Envelope = { message, segment, wrong: isWrong(message, key) }
      const batch = batchFor(peer)
      if (message.type === 'piece') {
        batch.pieces ??= []
        batch.pieces.push(envelope)
        return
      }
      batch.body.push(envelope)
      batch.controlBytes += controlBytes(message)
      if (message.type === 'hashes') batch.digestBytes += 32 * message.count
    },
    flush() {
      if (batches.size === 0) return
      for (const [peer, batch] of batches) {
        const link = links.get(peer)
        if (link === undefined) continue
        if (batch.body.length > 0) link.send(batch)
        if (batch.pieces !== null) for (const piece of batch.pieces) sendPiece(link, piece)
      }
      batches.clear()
    },
  }
}

function sendPiece(link: Link, envelope: Envelope): void {
  const { message, segment } = envelope
  if (message.type !== 'piece') return
  link.send({
    body: [envelope],
    controlBytes: controlBytes(message),
    digestBytes: 0,
    mediaBytes: message.length,
    segment,
  })
}
