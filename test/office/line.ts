import type { Namespace } from './namespace.ts'

/** An end of a line: packets that leave `at` through `device` are shaped. */
export interface LineEnd {
  readonly at: Namespace
  readonly device: string
}

/** What a home or office router queues, ms, before it drops. */
const queueMs = 150
const burstBytes = 8_000

/** Shapes both directions of a line; 0 lifts the limit. */
export function shapeLine(ends: readonly LineEnd[], kbps: number): void {
  for (const { at, device } of ends) {
    const where = ['qdisc', kbps > 0 ? 'replace' : 'del', 'dev', device, 'root']
    try {
      at.exec('tc', kbps > 0 ? [...where, ...shaper(kbps)] : where)
    } catch (error) {
      // Nothing to lift where nothing was shaped.
      if (kbps > 0) throw error
    }
  }
}

function shaper(kbps: number): string[] {
  return ['tbf', 'rate', `${Math.round(kbps)}kbit`, 'burst', String(burstBytes), 'latency', `${queueMs}ms`]
}
