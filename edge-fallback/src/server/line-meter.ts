import type { Timers } from '../source/timers.ts'
import { sliceBody, stageBody } from './body-stream.ts'

/**
 * A line of so many kbit/s for each client address, shared by all its requests: what an office has, for a lab.
 * Each body in turn reserves one small slice, so simultaneous ones share the line fairly.
 */
export interface LineMeter {
  slow(body: ReadableStream<Uint8Array>, client: string): ReadableStream<Uint8Array>
}

const sliceBytes = 4096
/** What may go out at once after silence, ms of the line. Timers are no more exact than this. */
const burstMs = 20

export function createLineMeter(lineKbps: number, timers: Timers): LineMeter {
  const bytesPerMs = lineKbps / 8
  /** When the line of each address will have sent all that was reserved. */
  const freeAt = new Map<string, number>()
  return {
    slow(body, client) {
      return stageBody(sliceBody(body, sliceBytes), {
        async onChunk(chunk) {
          const now = timers.now()
          const start = Math.max(now - burstMs, freeAt.get(client) ?? 0)
          freeAt.set(client, start + chunk.length / bytesPerMs)
          const waitMs = start - now
          if (waitMs > 1) await new Promise<void>(resolve => timers.after(waitMs, resolve))
          return chunk
        },
      })
    },
  }
}
