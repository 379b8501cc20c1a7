import type { Joins, Scenario } from './scenario.ts'

/** What the command line may change of a scenario; undefined leaves it as it is. */
export interface Variation {
  readonly viewers?: number | undefined
  readonly sites?: number | undefined
  /** Seconds. */
  readonly duration?: number | undefined
  /** Mbit/s. */
  readonly bitrate?: number | undefined
  readonly lineRatio?: number | undefined
  readonly joins?: Joins | undefined
  /** Median session, seconds. */
  readonly churn?: number | undefined
  /** Mbit/s. */
  readonly uplink?: readonly [number, number] | undefined
  readonly leech?: number | undefined
  readonly faults?: Scenario['faults'] | undefined
  /** Milliseconds, one way. */
  readonly edgeDelay?: readonly [number, number] | undefined
}

export function vary(scenario: Scenario, variation: Variation): Scenario {
  const { viewers, sites, duration, bitrate, lineRatio, joins, churn, uplink, leech, faults, edgeDelay } =
    variation
  return {
    ...scenario,
    viewers: viewers ?? scenario.viewers,
    sites: sites ?? scenario.sites,
    durationMs: duration === undefined ? scenario.durationMs : duration * 1000,
    stream: bitrate === undefined ? scenario.stream : { ...scenario.stream, videoBps: bitrate * 1e6 },
    lineRatio: lineRatio ?? scenario.lineRatio,
    joins: joins ?? scenario.joins,
    churnMs: churn === undefined ? scenario.churnMs : churn * 1000,
    uplinkBps: uplink === undefined ? scenario.uplinkBps : [uplink[0] * 1e6, uplink[1] * 1e6],
    leech: leech ?? scenario.leech,
    faults: faults ?? scenario.faults,
    edgeDelayMs: edgeDelay ?? scenario.edgeDelayMs,
  }
}

/** `slow:0.2,silent:0.1`; throws an Error that says what is wrong. */
export function parseFaults(text: string): Scenario['faults'] {
  const faults = { slow: 0, silent: 0, lying: 0 }
  for (const part of text.split(',').filter(item => item !== '')) {
    const [kind, share] = part.split(':')
    if (kind !== 'slow' && kind !== 'silent' && kind !== 'lying') {
      throw new Error(`"${part}": faults are slow, silent and lying, each with a share, as slow:0.2`)
    }
    faults[kind] = parseNumber(share ?? '', 0, 1)
  }
  return faults
}

/** `MIN-MAX`, both above 0. */
export function parseRange(text: string): readonly [number, number] {
  const [low, high] = text.split('-')
  const range = [parseNumber(low ?? '', 0.001), parseNumber(high ?? low ?? '', 0.001)] as const
  if (range[0] > range[1]) throw new Error(`"${text}": the first is the smaller one`)
  return range
}

/** Numbers above 0, by comma. */
export function parseList(text: string): readonly number[] {
  return text.split(',').map(part => parseNumber(part, 0.001))
}

export function parseNumber(text: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value) || value < least || value > most) {
    throw new Error(`"${text}" is no number from ${least} to ${most}`)
  }
  return value
}
