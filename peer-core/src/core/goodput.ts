/**
 * What a source gives: exponentially weighted mean of rate and its mean deviation, and of the delay to a first byte.
 * Rates in bytes a second, times in ms.
 */
export interface Goodput {
  readonly bps: number
  readonly deviationBps: number
  readonly delayMs: number
  readonly samples: number
}

/** Weight of a new sample: the memory of about eight samples. */
const weight = 0.2

/** A longer wait was a machine asleep, not a source: it must not teach patience. */
const mostDelayMs = 5_000

/** `bps` and `delayMs` are beliefs held until the first sample replaces them. */
export function assumedGoodput(bps: number, delayMs: number): Goodput {
  return { bps, deviationBps: bps / 2, delayMs, samples: 0 }
}

/** `bytes` arrived during `ms` of transfer. Intervals below half a millisecond are a timer's grain, not a rate. */
export function observeTransfer(model: Goodput, bytes: number, ms: number): Goodput {
  const bps = (bytes * 1000) / Math.max(ms, 0.5)
  if (model.samples === 0) return { ...model, bps, deviationBps: bps / 2, samples: 1 }
  return {
    ...model,
    bps: model.bps + weight * (bps - model.bps),
    deviationBps: model.deviationBps + weight * (Math.abs(bps - model.bps) - model.deviationBps),
    samples: model.samples + 1,
  }
}

export function observeDelay(model: Goodput, delayMs: number): Goodput {
  const seen = Math.min(delayMs, mostDelayMs)
  return { ...model, delayMs: model.delayMs + weight * (seen - model.delayMs) }
}

/** The rate to plan with: half a deviation below the mean, never under a quarter of it. */
export function plannedBps(model: Goodput): number {
  return Math.max(model.bps - model.deviationBps / 2, model.bps / 4, 1)
}
