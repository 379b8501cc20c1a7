import type { FailReason } from '../../../../peer-core/src/core/events.ts'
import type { Timer } from '../../clock.ts'
import type { Segment } from '../../stream.ts'
import type { Neighbour } from './neighbour.ts'

/** One segment on its way, from whatever source; what came stays when the source changes. */
export interface Request {
  readonly segment: Segment
  edgeBytes: number
  peerBytes: number
  state: RequestState
  /** HTTP attempts that failed, until a minute without another. */
  failures: number
  failedAt: number
  failedBy: FailReason
}

export type RequestState =
  /** Failed, or not begun: goes on where it stopped. */
  | { readonly type: 'idle' }
  | { readonly type: 'http'; readonly call: { abort(): void }; readonly silence: Silence }
  | { readonly type: 'p2p'; readonly from: Neighbour; readonly silence: Silence }
  /** Gone with its bytes, unless it starts again in the same pass. */
  | { readonly type: 'aborted' }

/** p2p-media-loader's `httpErrorRetries`, and after how long failures are forgotten. */
const mostFailures = 3
const forgiveMs = 60_000

export function createRequest(segment: Segment): Request {
  return {
    segment,
    edgeBytes: 0,
    peerBytes: 0,
    state: { type: 'idle' },
    failures: 0,
    failedAt: Number.NEGATIVE_INFINITY,
    failedBy: 'edge-network',
  }
}

export function loadedBytes(request: Request): number {
  return request.edgeBytes + request.peerBytes
}

export function isSpent(request: Request, now: number): boolean {
  return request.failures >= mostFailures && now - request.failedAt <= forgiveMs
}

export function countFailure(request: Request, now: number, reason: FailReason): void {
  request.failures = now - request.failedAt > forgiveMs ? 1 : request.failures + 1
  request.failedAt = now
  request.failedBy = reason
}

/** Watches for bytes that do not come. */
export interface Silence {
  broken(now: number): void
  stop(): void
}

interface Ticking {
  now(): number
  after(delayMs: number, run: () => void): Timer
}

/** One timer a download, looked at when it runs out, not moved with every byte. */
export function watchSilence(clock: Ticking, limitMs: number, onSilent: () => void): Silence {
  let heardAt = clock.now()
  let timer: Timer | null = null
  const arm = (delayMs: number): void => {
    timer = clock.after(delayMs, () => {
      const leftMs = heardAt + limitMs - clock.now()
      if (leftMs > 0) arm(leftMs)
      else onSilent()
    })
  }
  arm(limitMs)
  return {
    broken(now) {
      heardAt = now
    },
    stop() {
      timer?.cancel()
    },
  }
}
