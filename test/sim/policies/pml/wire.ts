import type { Link } from '../../network.ts'
import type { Segment } from '../../stream.ts'

/**
 * What two p2p-media-loader peers say to each other, one data channel a pair. Rules from its protocol (2.3.1; the
 * 2026 rewrite kept them): lists are always whole, a request may begin at any byte, data come in messages of 64 KiB.
 */
export type Message =
  | { readonly type: 'announce'; readonly track: string; readonly list: Announcement }
  | {
      readonly type: 'request'
      readonly track: string
      readonly id: number
      readonly segment: Segment
      readonly from: number
    }
  | { readonly type: 'cancel'; readonly track: string; readonly id: number }
  | { readonly type: 'absent'; readonly track: string; readonly id: number; readonly segment: Segment }
  | {
      readonly type: 'chunk'
      readonly track: string
      readonly id: number
      readonly bytes: number
      readonly last: boolean
    }

/** All that a peer holds and all that it now takes over HTTP; what it takes from peers is not announced. */
export interface Announcement {
  readonly held: ReadonlySet<string>
  readonly fetching: ReadonlySet<string>
}

export const chunkBytes = 65_536

/** Frame marks and the named fields of a command. */
const commandBytes = 20
/** Around each array of ids: its kind, the number of runs, and a run's common part; then a byte an id. */
const arrayBytes = 6

export function sendMessage(link: Link, message: Exclude<Message, { type: 'chunk' }>): void {
  link.send({
    body: message,
    controlBytes: messageBytes(message),
    digestBytes: 0,
    mediaBytes: 0,
    segment: null,
  })
}

/** The commands before and after the data of a segment travel with its first and last chunk. */
export function sendChunk(
  link: Link,
  segment: Segment,
  chunk: Extract<Message, { type: 'chunk' }>,
  first: boolean,
): void {
  const controlBytes = (first ? commandBytes : 0) + (chunk.last ? commandBytes : 0)
  link.send({ body: chunk, controlBytes, digestBytes: 0, mediaBytes: chunk.bytes, segment })
}

export function messageBytes(message: Exclude<Message, { type: 'chunk' }>): number {
  if (message.type !== 'announce') return commandBytes
  const { held, fetching } = message.list
  return commandBytes + 2 * arrayBytes + held.size + fetching.size
}
