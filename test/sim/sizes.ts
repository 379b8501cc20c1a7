import { type ExtensionMessage, encodeMessage } from '../../peer-core/src/core/codec.ts'
import type { PeerMessage } from '../../peer-core/src/core/messages.ts'

/** Length prefix, BEP 10's two ids: around each extension message. */
const extensionOverhead = 6

const samples: readonly ExtensionMessage[] = [
  { type: 'track', id: 1, path: 'live/video-1500.m3u8' },
  {
    type: 'offer',
    n: 300,
    track: 1,
    seq: 4_000,
    key: '0123456789abcdef',
    size: 400_000,
    root: '',
    etag: '',
    from: 0,
    frontier: 0,
    to: 0,
    source: 'edge',
    hops: 0,
    etaMs: 900,
    rateBps: 400_000,
    epoch: 0,
  },
  { type: 'grow', n: 300, frontier: 200_000, size: 400_000, rateBps: 400_000 },
  { type: 'withdraw', n: 300, offset: 200_000, reason: 'yielded' },
  {
    type: 'position',
    tracks: [1, 2],
    seq: 4_000,
    bufferMs: 4_000,
    rate: 100,
    paused: false,
    hidden: false,
    mode: 'share',
    edgeBps: 400_000,
    uplinkBps: 0,
  },
  { type: 'beacon', epoch: 1, hops: 1 },
  { type: 'busy', on: true },
  { type: 'ping', id: 100 },
  { type: 'pong', id: 100 },
  { type: 'goaway', reason: 'too many peers' },
  { type: 'doubled', n: 40_000, by: '0'.repeat(40) },
]

const encoded: Readonly<Record<string, number>> = Object.fromEntries(
  samples.map(sample => [sample.type, (encodeMessage(sample)?.length ?? 0) + extensionOverhead]),
)

/** Bytes of a message on the wire without its payload: what the codec makes of a typical one of its type. */
export function controlBytes(message: PeerMessage): number {
  switch (message.type) {
    case 'request':
    case 'cancel':
    case 'reject':
      return 17
    case 'have':
      return 9
    case 'piece':
      return 13
    case 'hashes':
      return 5 + extensionOverhead + 32 * message.count
    case 'offer':
      return encoded.offer! + message.root.length / 2 + message.etag.length
    default:
      return encoded[message.type]!
  }
}
