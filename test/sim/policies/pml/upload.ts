import type { Link } from '../../network.ts'
import type { Segment } from '../../stream.ts'
import { chunkBytes, sendChunk } from './wire.ts'

/** What one neighbour is given: one segment at a time, a new request ends the one before it. */
export interface Upload {
  start(id: number, segment: Segment, from: number): void
  cancel(id: number): void
  /** More may wait in the channel. */
  pump(): void
  isActive(): boolean
}

/** The sender pauses while the channel has more than this waiting. */
const pauseAboveBytes = 65_536

export function createUpload(link: Link, track: string): Upload {
  let current: { readonly id: number; readonly segment: Segment; readonly from: number; at: number } | null =
    null

  const pump = (): void => {
    while (current !== null && link.queuedBytes() <= pauseAboveBytes) {
      const { id, segment, from, at } = current
      const bytes = Math.min(chunkBytes, segment.size - at)
      const last = at + bytes >= segment.size
      current.at += bytes
      if (last) current = null
      sendChunk(link, segment, { type: 'chunk', track, id, bytes, last }, at === from)
    }
  }

  return {
    start(id, segment, from) {
      current = { id, segment, from, at: from }
      pump()
    },
    cancel(id) {
      if (current?.id === id) current = null
    },
    pump,
    isActive: () => current !== null,
  }
}
